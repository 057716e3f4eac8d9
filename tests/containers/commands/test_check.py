"""`unlearn check` on real containers: typical mistakes are shown with the line of the participant's own file."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from runner.challenge.challenge import Challenge
from runner.challenge.load import load_challenge
from tests.support.command import type_command
from tests.support.paths import SAMPLES
from tests.support.typical.failures import FAILURES, HEAD, OTHERS, SEED, require_on_screen

pytestmark = pytest.mark.container

FEW = ("typo", "syntax", "loader")
"""Those of `make test`; the other ones are further members."""


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def check(cache: Path, challenge: Challenge, *words: object) -> tuple[int, list[dict[str, Any]], str]:
    """Return exit code, views and stderr of a check with ``--json``."""
    done = type_command("check", *words, "-c", challenge.folder, "--json", XDG_CACHE_HOME=str(cache))
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def require_failures(names: tuple[str, ...], folder: Path, cache: Path, challenge: Challenge) -> None:
    """Check submissions with one command, and require that the screen explains each failure."""
    failures = [(FAILURES | OTHERS)[name] for name in names]
    files = [folder / f"{name}.py" for name in names]
    for file, failure in zip(files, failures, strict=True):
        file.write_text(failure.source.replace(SEED, str(challenge.run_seed(1))))
    done = type_command("check", *files, "-c", challenge.folder, XDG_CACHE_HOME=str(cache))
    assert done.returncode == 1, done.stderr
    starts = [done.stdout.index(f"{file}: ") for file in files]
    for file, failure, start, end in zip(files, failures, starts, [*starts[1:], None], strict=True):
        require_on_screen(failure, str(file), done.stdout[start:end])


def test_a_failure_names_the_line(challenge: Challenge, tmp_path: Path, cache: Path) -> None:
    """Of a crash, of a file that cannot be read, and of a dataset that a process of a loader reads."""
    require_failures(FEW, tmp_path, cache, challenge)


@pytest.mark.slow
def test_every_typical_failure_is_explained(challenge: Challenge, tmp_path: Path, cache: Path) -> None:
    """On the screen of one command: file, line and advice, as what was recorded of them shows too."""
    names = tuple(name for name in FAILURES | OTHERS if name not in (*FEW, "loop"))
    require_failures(names, tmp_path, cache, challenge)


@pytest.mark.slow
def test_an_endless_loop_names_its_line(challenge: Challenge, tmp_path: Path, cache: Path) -> None:
    """On a copy of the challenge with a time limit of a few seconds."""
    folder = Path(shutil.copytree(challenge.folder, tmp_path / "challenge"))
    description = folder / "challenge.toml"
    description.write_text(re.sub(r"(?m)^wall_seconds = .*$", "wall_seconds = 8.0", description.read_text()))
    require_failures(("loop",), tmp_path, cache, load_challenge(folder))


def test_what_runs_passes(challenge: Challenge, tmp_path: Path, cache: Path) -> None:
    """An unchanged network is a problem, with advice; the exit code is 0, and `show` finds the check."""
    junit = tmp_path / "junit.xml"
    code, (view, unchanged), stderr = check(
        cache, challenge, SAMPLES / "finetune", SAMPLES / "original", "--junit", junit
    )
    assert code == 0, stderr
    assert (view["status"], view["notices"], view["verdicts"]) == ("smoke-test", view["notices"], {"ok": 2})
    assert not [notice for notice in view["notices"] if notice["level"] == "problem"]
    assert view["time"]["run_seconds"] > 0
    assert [notice["kind"] for notice in unchanged["notices"] if notice["level"] == "problem"] == [
        "unchanged"
    ]
    suite = ElementTree.parse(junit).getroot()[0]
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("2", "0", "0")
    shown = type_command("show", "last", "--store", tmp_path / "none", XDG_CACHE_HOME=str(cache))
    assert "original: ok, 2 runs (2 ok)" in shown.stdout, shown.stderr


def cases(junit: Path) -> dict[str, list[str]]:
    """Return what a JUnit file has of each test case: the names of its children; its counts are those of them."""
    (suite,) = ElementTree.parse(junit).getroot()
    found = {str(case.get("name")): [child.tag for child in case] for case in suite.iter("testcase")}
    assert suite.get("tests") == str(len(found))
    for count, tag in (("failures", "failure"), ("errors", "error")):
        assert suite.get(count) == str(sum(tag in children for children in found.values()))
    assert all(float(case.get("time", "0")) >= 0 for case in suite.iter("testcase"))
    return found


def test_all_samples_and_a_mixed_set_for_ci(challenge: Challenge, tmp_path: Path, cache: Path) -> None:
    """Exit code 0 if all run, 1 if one does not or is no submission; the JUnit file says which."""
    samples = sorted(SAMPLES.glob("*/submission.py"))
    assert len(samples) == 6
    junit = tmp_path / "junit.xml"
    code, views, stderr = check(cache, challenge, *samples, "--junit", junit)
    assert code == 0, stderr
    assert [view["status"] for view in views] == ["smoke-test"] * 6
    found = cases(junit)
    assert found.keys() == {str(sample) for sample in samples}
    assert not any({"failure", "error"} & {*children} for children in found.values())
    broken, crashes = tmp_path / "broken.zip", tmp_path / "crashes.py"
    broken.write_bytes(b"no zip")
    crashes.write_text(FAILURES["typo"].source)
    code, _views, stderr = check(cache, challenge, broken, samples[0], crashes, "--junit", junit)
    assert code == 1, stderr
    assert cases(junit) == {
        str(broken): ["failure"],
        str(samples[0]): found[str(samples[0])],
        str(crashes): ["failure"],
    }


@pytest.mark.slow
def test_memory_of_a_known_size(challenge: Challenge, tmp_path: Path, cache: Path) -> None:
    """Of the process, of another process, and in files, within a tenth; the network trains on beside it."""
    file = tmp_path / "large.py"
    file.write_text(
        "import os, time\n"
        + HEAD
        + "    block = bytes(1 << 20) * 200\n"
        + "    with open('/dev/shm/x', 'wb') as file:\n"
        + "        file.write(b'x' * (60 << 20))\n"
        + "    if os.fork() == 0:\n"
        + "        other = b'y' * (140 << 20)\n"
        + "        time.sleep(60)\n"
        + "    time.sleep(2)\n"
    )
    code, (view,), stderr = check(cache, challenge, file)
    assert code == 0, stderr
    assert view["memory"]["peak_bytes"] == pytest.approx(400 << 20, rel=0.1)
    assert view["memory"]["limit_bytes"] == challenge.description.limits.memory_bytes
