"""An evaluation that an earlier image began is continued in that image, and in no other."""

from __future__ import annotations

import io
import json
import shlex
import sqlite3
import tarfile
import time
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest

from runner.challenge.challenge import Challenge
from runner.challenge.load import load_challenge
from runner.engine.api import Engine
from runner.image.image import DIGEST_LABEL, REPOSITORY, Image, require_image_by_digest
from tests.support.command import start_command, unlearn
from tests.support.paths import SAMPLES

pytestmark = pytest.mark.container


@pytest.fixture(scope="module")
def earlier(engine: Engine, built_image: Image) -> Iterator[Image]:
    """An image with another digest: the current one with another label."""
    digest = sha256(b"an earlier version of sandbox/").hexdigest()
    dockerfile = f"FROM {built_image.tag}\n".encode()
    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w") as archive:
        entry = tarfile.TarInfo("Dockerfile")
        entry.size = len(dockerfile)
        archive.addfile(entry, io.BytesIO(dockerfile))
    context.seek(0)
    tag = f"{REPOSITORY}:{digest[:16]}"
    engine.images.build(
        context=context,
        target="",
        tag=tag,
        arguments={},
        labels={DIGEST_LABEL: digest},
        on_line=lambda _line: None,
    )
    yield require_image_by_digest(engine, digest)
    engine.images.remove(tag)


def test_it_is_listed_noted_and_continued(
    challenge: Challenge, earlier: Image, built_image: Image, tmp_path: Path
) -> None:
    """Runs that the earlier image finished stay; without --image the command says how to continue it."""
    store = tmp_path / "store"
    command = ("run", SAMPLES / "original", "--challenge", challenge.folder, "-n", 4, "--store", store)
    name = json.loads(unlearn(*command, "--image", earlier.digest[:12], "--json").stdout)["evaluation"]
    forget_runs(store, name, count=2)
    listed = " ".join(unlearn("list", "--store", store).stdout.split())
    assert f"{name}: interrupted; to continue: unlearn run " in listed
    assert f"-c {challenge.folder} -n 4 --store {store} --image {earlier.digest[:16]}" in listed
    other = unlearn(*command, "--json")
    assert f"--image {earlier.digest[:16]}" in other.stderr
    assert json.loads(other.stdout)["evaluation"] != name
    continued = json.loads(unlearn(*command, "--image", earlier.digest[:16], "--json").stdout)
    assert (continued["evaluation"], continued["verdicts"]) == (name, {"ok": 4})
    shown = json.loads(unlearn("show", name, "--store", store, "--json").stdout)
    assert sorted(run["attempt"] for run in shown["runs"]) == [1, 1, 2, 2]
    assert "all of it matches" in unlearn("verify", name, "--store", store, "--rerun", 1).stdout


def test_an_unfinished_build_goes_on_in_its_image(earlier: Image, built_image: Image, tmp_path: Path) -> None:
    """An update in mid-build drops nothing: the command is refused, and the printed one goes on."""
    folder = tmp_path / "built"
    command = ("challenge", "build", "digits", folder, "--references", 2, "--epochs", 60)
    build = start_command(*command, "--snapshot-seconds", 0, "--image", earlier.digest[:12])
    deadline = time.monotonic() + 300
    while not list(folder.glob(".building/snapshot.*")):
        assert time.monotonic() < deadline
        assert build.poll() is None
        time.sleep(0.01)
    build.kill()
    build.communicate()
    refused = unlearn(*command, "--snapshot-seconds", 0, code=2)
    assert f"image ({earlier.digest[:16]} there, {built_image.digest[:16]} here)" in refused.stderr
    assert "is still here" in refused.stderr
    words = shlex.split(refused.stderr.strip().rpartition("To go on with it: ")[2])
    resumed = unlearn(*words[1:])
    assert "from an interrupted build" in resumed.stderr
    assert load_challenge(folder).description.image == earlier.digest


def test_an_image_that_is_not_here_is_a_sentence(challenge: Challenge, tmp_path: Path) -> None:
    """With where its name is shown."""
    command = ("run", SAMPLES / "original", "--challenge", challenge.folder, "--store", tmp_path)
    assert "No image here has a digest" in unlearn(*command, "--image", "f" * 16, code=3).stderr


def forget_runs(store: Path, name: str, *, count: int) -> None:
    """Undo the end of an evaluation and its last runs, as if it had been killed before them."""
    with closing(sqlite3.connect(store / "store.sqlite")) as connection, connection:
        connection.execute(
            "UPDATE evaluations SET summary = NULL, manifest_sha256 = NULL WHERE id = ?", (name,)
        )
        connection.execute('DELETE FROM runs WHERE evaluation = ? AND "index" >= ?', (name, 4 - count))
