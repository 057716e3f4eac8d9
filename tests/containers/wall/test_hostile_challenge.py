"""A challenge folder from a stranger: what can it do to the host of a participant who runs it?

Each case is a copy of a real challenge with one thing changed, its hashes made to fit, given to the real
commands. They may use 4 GiB of addresses and 60 s of a processor's time, so that a file which is
read without end or blows up in memory fails its case and not the machine. Where a folder is refused no engine
answers, so nothing can have been started.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import struct
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
import tomli_w
from safetensors.numpy import load as load_safetensors
from safetensors.numpy import save

from runner.challenge.challenge import Challenge
from runner.challenge.layout import DESCRIPTION_FILE, ORIGINAL_FILE, REFERENCES_FILE
from runner.challenge.outputs import OUTPUT_NAMES
from runner.engine.api import Engine
from runner.engine.container_spec import EVALUATION_LABEL
from runner.parsers.npz import pack_npz, unpack_npz
from runner.sanitize import sanitize
from tests.support.paths import ROOT

pytestmark = pytest.mark.container

SUBMISSION = ROOT / "sample_submissions" / "finetune"
RETAIN, TEST = "public/retain.safetensors", "private/test.safetensors"
ESCAPE: Final = "\x1b]0;owned\x07\x1b[2J\u202e[red]"
SECONDS: Final = 120.0
WITHIN: Final = ("prlimit", f"--as={4 << 30}", "--cpu=60", "--")

Change = Callable[[Path], object]


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
        kept = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")}
        nowhere = {} if engine else {"DOCKER_HOST": f"unix://{self.base}/no.sock"}
        return subprocess.Popen(
            [*(WITHIN if not engine else ()), sys.executable, "-m", "runner.cli", *map(str, words)],
            cwd=self.base / "here",
            env={
                **kept,
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
        asked = ("run", SUBMISSION, "-c", self.folder, "-n", 2, "--store", self.store)
        return self.start(*asked, *words, engine=engine)

    def written(self) -> list[str]:
        """Return what commands have written outside the store."""
        found = [path for name in ("home", "tmp", "here") for path in (self.base / name).rglob("*")]
        return [path.name for path in found if path.is_file()]


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


def describe(folder: Path, **changes: Any) -> None:
    """Say something else in the description; `limits__cpus` is the cpus of its limits. Hashes are made to fit."""
    said = tomllib.loads((folder / DESCRIPTION_FILE).read_text())
    for name, value in changes.items():
        *tables, last = name.split("__")
        inner = said
        for table in tables:
            inner = inner[table]
        inner[last] = value
    for name in said["files"]:
        said["files"][name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    (folder / DESCRIPTION_FILE).write_text(tomli_w.dumps(said))


def saying(**changes: Any) -> Change:
    return lambda folder: describe(folder, **changes)


def holding(name: str, data: bytes | Callable[[bytes], bytes]) -> Change:
    """Return a change of what a file holds, with a description that fits it."""

    def change(folder: Path) -> None:
        file = folder / name
        file.write_bytes(data if isinstance(data, bytes) else data(file.read_bytes()))
        if name != DESCRIPTION_FILE:
            describe(folder)

    return change


def instead(name: str, put: Callable[[Path], object]) -> Change:
    """Return a change of a file into something that is none."""

    def change(folder: Path) -> None:
        (folder / name).unlink()
        put(folder / name)

    return change


def sparse(file: Path) -> None:
    file.touch()
    os.truncate(file, 1 << 40)


def outside(file: Path) -> None:
    (file.parent.parent.parent / "secret").write_text("what is mine")
    file.symlink_to("../../secret")


def zipped(compression: int = zipfile.ZIP_STORED, offset: int | None = None, **members: bytes) -> bytes:
    """Return an archive; with ``offset`` its last member claims to lie there."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(f"{name}.npy", data)
        begin = archive.start_dir
    found = packed.getvalue()
    if offset is None:
        return found
    last = b"logits.npy"
    entry = bytearray(found[begin : begin + 46])
    struct.pack_into("<H", entry, 30, 12)
    struct.pack_into("<I", entry, 42, 0xFFFFFFFF)
    entry += last + struct.pack("<HHQ", 1, 8, offset)
    return found[:begin] + entry + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, len(entry), begin, 0)


def changed_references(**changes: Callable[[Any], None]) -> Callable[[bytes], bytes]:
    def change(data: bytes) -> bytes:
        found = unpack_npz(data, OUTPUT_NAMES)
        for name, alter in changes.items():
            alter(found[name])
        return pack_npz(**found)

    return change


def object_array() -> bytes:
    packed = io.BytesIO()
    np.save(packed, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    return zipped(logits=packed.getvalue(), correct=b"", unseen_losses=b"")


def header(text: str | bytes, *, length: int | None = None) -> Callable[[bytes], bytes]:
    """Return a change of the header of safetensors; ``length`` is what it claims to be."""
    raw = text.encode() if isinstance(text, str) else text
    return lambda data: struct.pack("<Q", len(raw) if length is None else length) + raw + data[-64:]


def one_column(name: str, shape: list[int]) -> str:
    return json.dumps({name: {"dtype": "F32", "shape": shape, "data_offsets": [0, 64]}})


def not_a_number(data: bytes) -> bytes:
    tensors = {name: value.copy() for name, value in load_safetensors(data).items()}
    tensors["image"].reshape(-1)[0] = np.nan
    return save(tensors)


REFUSED: dict[str, tuple[Change, str, str]] = {
    # what a file is
    "description is a pipe": (instead(DESCRIPTION_FILE, os.mkfifo), DESCRIPTION_FILE, "is not a regular file"),
    "description of 1 TiB": (instead(DESCRIPTION_FILE, sparse), DESCRIPTION_FILE, "is larger than 4 MiB"),
    "data are a pipe": (instead(RETAIN, os.mkfifo), RETAIN, "is not a regular file"),
    "data are a folder": (instead(TEST, os.mkdir), TEST, "is not a regular file"),
    "data never end": (instead(RETAIN, lambda file: file.symlink_to("/dev/zero")), RETAIN, "is not a regular file"),
    "data of 1 TiB": (instead(RETAIN, sparse), RETAIN, "is larger than 16 GiB"),
    "data are somebody's secret": (instead(RETAIN, outside), RETAIN, "is not the file that"),
    "data are a link to themselves": (
        instead(ORIGINAL_FILE, lambda file: file.symlink_to(file.name)), ORIGINAL_FILE, "Too many levels of symbolic links",
    ),
    # what the description says
    "not UTF-8": (holding(DESCRIPTION_FILE, b"name = '\xff\xfe'"), DESCRIPTION_FILE, "is not TOML"),
    "nested": (holding(DESCRIPTION_FILE, b"a = " + b"[" * 100_000), DESCRIPTION_FILE, "nested too deeply"),
    "a name of many parts": (holding(DESCRIPTION_FILE, b"a" + b".a" * 2_000_000 + b" = 1"), DESCRIPTION_FILE, "is not TOML"),
    "a heading of many parts": (holding(DESCRIPTION_FILE, b"[a" + b".a" * 2_000_000 + b"]"), DESCRIPTION_FILE, "is not TOML"),
    "wrong a hundred thousand times": (
        holding(DESCRIPTION_FILE, b"class_counts = {a = [" + b"'', " * 200_000 + b"]}"), DESCRIPTION_FILE, "wrong",
    ),
    "escapes in a name": (
        holding(DESCRIPTION_FILE, lambda data: b'"\\u001b[2J\\u001b]0;owned\\u0007" = 1\n' + data), DESCRIPTION_FILE, "Extra inputs",
    ),
    "a number of a million digits": (
        holding(DESCRIPTION_FILE, lambda data: data.replace(b"batch_size = 64", b"batch_size = 0x" + b"f" * 1_000_000, 1)),
        DESCRIPTION_FILE, "is not TOML",
    ),
    "negative memory": (saying(limits__memory_bytes=-1), DESCRIPTION_FILE, "limits.memory_bytes: "),
    "a time without end": (saying(limits__wall_seconds=1e300), DESCRIPTION_FILE, "limits.wall_seconds: "),
    "concurrency of a million": (saying(limits__concurrency=10**6), DESCRIPTION_FILE, "limits.concurrency: "),
    "a file that leads elsewhere": (
        holding(DESCRIPTION_FILE, lambda data: data + b'"public/../../secret.x" = "' + b"0" * 64 + b'"\n'), DESCRIPTION_FILE, "files",
    ),
    # what files hold
    "a header of 2^63": (holding(RETAIN, header("{}", length=1 << 63)), RETAIN, "is damaged: its header claims"),
    "a header that is nested": (holding(RETAIN, header("[" * 50_000)), RETAIN, "is damaged: its header is not"),
    "a shape of petabytes": (
        holding(RETAIN, header(one_column("image", [1 << 40, 1 << 40, 1, 1]))), RETAIN, "is damaged: image is not where",
    ),
    "escapes in a column": (holding(RETAIN, header(one_column(ESCAPE, [16]))), RETAIN, "is damaged: it has no column"),
    "escapes in a tensor": (
        holding(ORIGINAL_FILE, header(one_column(ESCAPE, [17]))), ORIGINAL_FILE, "is not where a tensor of its size belongs",
    ),
    "an image of NaN": (holding(TEST, not_a_number), TEST, "row 0 has an image with values that are not finite"),
    "a bomb": (
        holding(REFERENCES_FILE, zipped(zipfile.ZIP_DEFLATED, logits=bytes(256 << 20))), REFERENCES_FILE, "logits.npy is compressed",
    ),
    "a pickle": (holding(REFERENCES_FILE, object_array()), REFERENCES_FILE, "logits is not an array of plain numbers"),
    "a member beyond everything": (
        holding(REFERENCES_FILE, zipped(offset=(1 << 64) - 1, logits=b"")), REFERENCES_FILE, "cannot be used",
    ),
    "references of NaN": (
        holding(REFERENCES_FILE, changed_references(logits=lambda found: found.fill(np.nan))), REFERENCES_FILE, "not finite",
    ),
    "references that know too much": (
        holding(REFERENCES_FILE, changed_references(correct=lambda found: found.fill(1 << 62))), REFERENCES_FILE, "right answers",
    ),
}  # fmt: skip


def require_refusal(place: Place, command: subprocess.Popen[str], file: str, words: str) -> None:
    ended = end(command)
    said = sentence(ended)
    assert ended.code == 2
    assert file in said
    assert words in said
    assert ended.out == ""
    assert place.written() == []


@pytest.mark.parametrize("name", REFUSED)
def test_a_hostile_folder_is_refused_in_a_sentence(place: Place, name: str) -> None:
    """Whoever looks at it is told which file is wrong and how; no engine is asked, nothing written."""
    change, file, words = REFUSED[name]
    change(place.folder)
    require_refusal(place, place.show(), file, words)


@pytest.mark.parametrize("name", ["data never end", "a name of many parts", "a pickle"])
def test_to_run_on_it_is_refused_alike(place: Place, name: str) -> None:
    """Before there is a store: a file that is none, a description and contents that make no sense."""
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
