"""A challenge folder from a stranger cannot harm the host of a participant who runs it.

Each case is a copy of a real challenge with one thing changed, its hashes made to fit, given to the loader,
and three of them to the real commands. All may use 4 GiB of addresses and 60 s of a processor's time, so that
a file which is read without end or blows up in memory fails its case and not the machine. Where a command
refuses a folder no engine answers, so it cannot have started anything.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import psutil
import pytest

from runner.challenge.challenge import Challenge
from runner.challenge.layout import DESCRIPTION_FILE, ORIGINAL_FILE, REFERENCES_FILE
from runner.challenge.load import load_challenge
from runner.engine.api import Engine
from runner.engine.container_spec import EVALUATION_LABEL
from runner.errors import ConfigurationError
from runner.sanitize import sanitize
from tests.support.hostile_folders import (
    ESCAPE,
    Change,
    changed_references,
    describe,
    header,
    not_a_number,
    object_array,
    one_column,
    outside,
    replaced_by,
    sparse,
    with_content,
    with_fields,
    zipped,
)
from tests.support.paths import ROOT

pytestmark = pytest.mark.container

SUBMISSION = ROOT / "sample_submissions" / "finetune"
RETAIN, TEST = "public/retain.safetensors", "private/test.safetensors"
SECONDS: Final = 120.0
ADDRESS_BYTES: Final = 4 << 30
CPU_SECONDS: Final = 60
WITHIN: Final = ("prlimit", f"--as={ADDRESS_BYTES}", f"--cpu={CPU_SECONDS}", "--")


@dataclass(frozen=True)
class Place:
    """Where a command runs: with a home, a folder for temporary files, a current folder and a store of its own."""

    base: Path

    @property
    def folder(self) -> Path:
        return self.base / "foreign"

    @property
    def store(self) -> Path:
        return self.base / "store"

    def start(self, *words: object, engine: bool) -> subprocess.Popen[str]:
        for name in ("home", "tmp", "here"):
            (self.base / name).mkdir(exist_ok=True)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")}
        nowhere = {} if engine else {"DOCKER_HOST": f"unix://{self.base}/no.sock"}
        return subprocess.Popen(
            [*(WITHIN if not engine else ()), sys.executable, "-m", "runner.cli", *map(str, words)],
            cwd=self.base / "here",
            env={
                **environment,
                **nowhere,
                "HOME": str(self.base / "home"),
                "TMPDIR": str(self.base / "tmp"),
                "PYTHONPATH": str(ROOT),
                "OPENBLAS_NUM_THREADS": "1",
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def show(self, *, engine: bool = False) -> subprocess.Popen[str]:
        return self.start("challenge", "show", self.folder, engine=engine)

    def run(self, *words: str, engine: bool = False) -> subprocess.Popen[str]:
        command = ("run", SUBMISSION, "-c", self.folder, "-n", 2, "--store", self.store)
        return self.start(*command, *words, engine=engine)

    def written(self) -> list[str]:
        """Return what commands have written outside the store."""
        paths = [path for name in ("home", "tmp", "here") for path in (self.base / name).rglob("*")]
        return [path.name for path in paths if path.is_file()]


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str


def end(command: subprocess.Popen[str]) -> Ended:
    try:
        out, err = command.communicate(timeout=SECONDS)
    finally:
        command.kill()
    assert "Traceback" not in err, err[-2000:]
    assert sanitize(out) == out
    assert sanitize(err) == err
    return Ended(command.returncode, out, err)


def sentence(ended: Ended) -> str:
    """Return the one sentence that a command ended with."""
    lines = [line for line in ended.err.splitlines() if line.startswith("unlearn: ")]
    assert len(lines) == 1, ended.err
    assert ended.err == lines[0] + "\n"
    assert len(lines[0]) < 1000
    return lines[0]


@pytest.fixture
def place(challenge: Challenge, tmp_path: Path) -> Place:
    """Return a copy of a real challenge, and room around it."""
    shutil.copytree(challenge.folder, tmp_path / "foreign")
    return Place(tmp_path)


REFUSED: dict[str, tuple[Change, str, str]] = {
    # what a file is
    "description is a pipe": (replaced_by(DESCRIPTION_FILE, os.mkfifo), DESCRIPTION_FILE, "is not a regular file"),
    "description of 1 TiB": (replaced_by(DESCRIPTION_FILE, sparse), DESCRIPTION_FILE, "is larger than 4 MiB"),
    "data are a pipe": (replaced_by(RETAIN, os.mkfifo), RETAIN, "is not a regular file"),
    "data are a folder": (replaced_by(TEST, os.mkdir), TEST, "is not a regular file"),
    "data never end": (replaced_by(RETAIN, lambda file: file.symlink_to("/dev/zero")), RETAIN, "is not a regular file"),
    "data of 1 TiB": (replaced_by(RETAIN, sparse), RETAIN, "is larger than 16 GiB"),
    "data are somebody's secret": (replaced_by(RETAIN, outside), RETAIN, "is not the file that"),
    "data are a link to themselves": (
        replaced_by(ORIGINAL_FILE, lambda file: file.symlink_to(file.name)), ORIGINAL_FILE, "Too many levels of symbolic links",
    ),
    # what the description says
    "not UTF-8": (with_content(DESCRIPTION_FILE, b"name = '\xff\xfe'"), DESCRIPTION_FILE, "is not TOML"),
    "nested": (with_content(DESCRIPTION_FILE, b"a = " + b"[" * 100_000), DESCRIPTION_FILE, "nested too deeply"),
    "a name of many parts": (with_content(DESCRIPTION_FILE, b"a" + b".a" * 2_000_000 + b" = 1"), DESCRIPTION_FILE, "is not TOML"),
    "a heading of many parts": (with_content(DESCRIPTION_FILE, b"[a" + b".a" * 2_000_000 + b"]"), DESCRIPTION_FILE, "is not TOML"),
    "wrong a hundred thousand times": (
        with_content(DESCRIPTION_FILE, b"class_counts = {a = [" + b"'', " * 200_000 + b"]}"), DESCRIPTION_FILE, "names or values are invalid",
    ),
    "escapes in a name": (
        with_content(DESCRIPTION_FILE, lambda data: b'"\\u001b[2J\\u001b]0;owned\\u0007" = 1\n' + data), DESCRIPTION_FILE, "is not known",
    ),
    "a number of a million digits": (
        with_content(DESCRIPTION_FILE, lambda data: data.replace(b"batch_size = 64", b"batch_size = 0x" + b"f" * 1_000_000, 1)),
        DESCRIPTION_FILE, "is not TOML",
    ),
    "negative memory": (with_fields(limits__memory_bytes=-1), DESCRIPTION_FILE, "limits.memory_bytes: "),
    "a time without end": (with_fields(limits__wall_seconds=1e300), DESCRIPTION_FILE, "limits.wall_seconds: "),
    "concurrency of a million": (with_fields(limits__concurrency=10**6), DESCRIPTION_FILE, "limits.concurrency: "),
    "a file that leads elsewhere": (
        with_content(DESCRIPTION_FILE, lambda data: data + b'"public/../../secret.x" = "' + b"0" * 64 + b'"\n'), DESCRIPTION_FILE, "files",
    ),
    # what files hold
    "a header of 2^63": (with_content(RETAIN, header("{}", length=1 << 63)), RETAIN, "is damaged: its header claims"),
    "a header that is nested": (with_content(RETAIN, header("[" * 50_000)), RETAIN, "is damaged: its header is not"),
    "a shape of petabytes": (
        with_content(RETAIN, header(one_column("image", [1 << 40, 1 << 40, 1, 1]))), RETAIN, "is damaged: image is not where",
    ),
    "escapes in a column": (with_content(RETAIN, header(one_column(ESCAPE, [16]))), RETAIN, "is damaged: it has no column"),
    "escapes in a tensor": (
        with_content(ORIGINAL_FILE, header(one_column(ESCAPE, [17]))), ORIGINAL_FILE, "is not where a tensor of its size belongs",
    ),
    "an image of NaN": (with_content(TEST, not_a_number), TEST, "row 0 has an image with values that are not finite"),
    "a bomb": (
        with_content(REFERENCES_FILE, zipped(zipfile.ZIP_DEFLATED, logits=bytes(256 << 20))), REFERENCES_FILE, "logits.npy is compressed",
    ),
    "a pickle": (with_content(REFERENCES_FILE, object_array()), REFERENCES_FILE, "logits is not an array of plain numbers"),
    "a member beyond everything": (
        with_content(REFERENCES_FILE, zipped(offset=(1 << 64) - 1, logits=b"")), REFERENCES_FILE, "cannot be used",
    ),
    "references of NaN": (
        with_content(REFERENCES_FILE, changed_references(logits=lambda array: array.fill(np.nan))), REFERENCES_FILE, "not finite",
    ),
    "references that know too much": (
        with_content(REFERENCES_FILE, changed_references(correct=lambda array: array.fill(1 << 62))), REFERENCES_FILE, "right answers",
    ),
}  # fmt: skip


TYPED: Final = ("data never end", "a name of many parts", "a pickle")
"""A file that is none, a description and contents that make no sense: refused by the commands as well."""
WITH_ESCAPES: Final = ("escapes in a name", "escapes in a column", "escapes in a tensor")
"""The commands sanitize what the loader quotes."""


def refusal(folder: Path) -> str:
    """Return the sentence with which the loader refuses a folder.

    It loads in a process of its own with the commands' limits of memory and processor time.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            in_use = psutil.Process().memory_info().vms
            resource.setrlimit(resource.RLIMIT_AS, (in_use + ADDRESS_BYTES, in_use + ADDRESS_BYTES))
            resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
            try:
                load_challenge(folder)
            except ConfigurationError as error:
                os.write(writer, str(error).encode())
                code = 0
        finally:
            os._exit(code)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        text = pipe.read().decode()
    _child, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0, "the loader did not refuse it within its limits"
    return text


def require_refusal(place: Place, command: subprocess.Popen[str], file: str, words: str) -> None:
    ended = end(command)
    line = sentence(ended)
    assert ended.code == 2
    assert file in line
    assert words in line
    assert ended.out == ""
    assert place.written() == []


@pytest.mark.parametrize("name", REFUSED)
def test_a_hostile_folder_is_refused_in_a_sentence(place: Place, name: str) -> None:
    """The loader names the file that is wrong and how, in one short line."""
    change, file, words = REFUSED[name]
    change(place.folder)
    line = refusal(place.folder)
    assert file in line
    assert words in line
    assert len(line) < 1000
    assert "\n" not in line


@pytest.mark.parametrize("name", [*TYPED, *WITH_ESCAPES])
def test_the_command_that_shows_it_refuses_it(place: Place, name: str) -> None:
    """Whoever looks at it is told the same; no engine is asked, nothing written."""
    change, file, words = REFUSED[name]
    change(place.folder)
    require_refusal(place, place.show(), file, words)


@pytest.mark.parametrize("name", TYPED)
def test_the_command_that_runs_on_it_refuses_it(place: Place, name: str) -> None:
    """Before there is a store."""
    change, file, words = REFUSED[name]
    change(place.folder)
    require_refusal(place, place.run(), file, words)
    assert not place.store.exists()


ESCAPED = {
    "untouched": {},
    "escapes": {"name": ESCAPE, "recipe": ESCAPE * 1000},
}


@pytest.mark.parametrize("changes", ESCAPED.values(), ids=ESCAPED.keys())
def test_an_honest_copy_runs_and_so_does_one_that_speaks_to_the_terminal(
    engine: Engine, place: Place, changes: dict[str, Any]
) -> None:
    """The control: a copy is scored like any challenge; text in it is shown as text, and is not obeyed."""
    if changes:
        describe(place.folder, **changes)
    shown = end(place.show())
    assert shown.code == 0, shown.err
    assert ("owned" in shown.out) == bool(changes)
    done = end(place.run("--json", engine=True))
    assert done.code == 0, done.err
    summary = json.loads(done.out)
    assert summary["verdicts"] == {"ok": 2}
    assert isinstance(summary["score"], float)
    assert summary["challenge"] == changes.get("name", "small")
    listed = end(place.start("list", "--store", place.store, engine=True))
    assert listed.code == 0
    assert engine.containers({EVALUATION_LABEL: summary["evaluation"]}) == []
    assert place.written() == []


TOO_MUCH: dict[str, tuple[dict[str, Any], str]] = {
    "memory": ({"limits__memory_bytes": 1 << 50}, "the challenge asks for"),
    "cores": ({"limits__cpus": 1024.0}, "too few cores"),
}


@pytest.mark.parametrize("name", TOO_MUCH)
def test_limits_that_this_host_has_not_are_exit_code_3(engine: Engine, place: Place, name: str) -> None:
    """They can be looked at; where they are to be used, the host says what it lacks, and nothing is left behind."""
    changes, words = TOO_MUCH[name]
    describe(place.folder, **changes)
    both = [place.show(), place.run(engine=True)]
    shown, done = map(end, both)
    assert shown.code == 0, shown.err
    assert done.code == 3, done.err
    assert words in done.err.splitlines()[-1]
    assert place.written() == []
