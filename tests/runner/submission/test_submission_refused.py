"""A submission that is not made of plain files within the limits is refused in one sentence."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.submission.limits import MAX_SUBMISSION_BYTES

if TYPE_CHECKING:
    from tests.runner.conftest import ChallengeFolder
from runner.submission.load import load_submission
from tests.support.untrusted.archives import CODE, zipped
from tests.support.untrusted.submission_files import refused_submission, write_submission


def test_missing(tmp_path: Path) -> None:
    """A path that does not exist, or a link to such a path, is refused in one sentence."""
    (tmp_path / "dangling").symlink_to(tmp_path / "gone")
    assert "No submission exists at" in refused_submission(tmp_path / "nothing")
    assert "No submission exists at" in refused_submission(tmp_path / "dangling")


@pytest.mark.parametrize(
    "files", [{}, {"main.py": CODE}, {"inner/submission.py": CODE}, {"submission.py/x": b""}], ids=str
)
def test_no_submission_py(tmp_path: Path, files: dict[str, bytes]) -> None:
    """A folder needs a file ``submission.py`` at its top."""
    (tmp_path / "entry").mkdir()
    assert "has no submission.py" in refused_submission(write_submission(tmp_path / "entry", files))


@pytest.mark.parametrize(
    ("names", "zips"),
    [
        (["a.zip", "b.zip", "notes.txt"], 2),
        (["a.zip", "B.ZIP", "c.zip", "d/submission.py"], 3),
        (["a.zip"], 0),
        (["a/x.zip", "a/y.zip", "a.tar.gz"], 0),
        (["a.zip", "b.zip", "submission.py"], 0),
    ],
)
def test_a_folder_of_submissions_is_no_submission(tmp_path: Path, names: list[str], zips: int) -> None:
    """The sentence says what to type instead; archives within a submission are its own affair."""
    folder = tmp_path / "incoming"
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(CODE)
    if "submission.py" in names:
        load_submission(folder)
        return
    reason = refused_submission(folder)
    assert (f"{zips} .zip files; to run those, name {folder}/*." in reason) == (zips > 1)


@pytest.mark.parametrize(
    ("files", "remedy"),
    [
        (["inner/submission.py"], 'but in the folder "inner"; hand in the content of that folder'),
        (["a/b/submission.py", "x.txt"], 'but in the folder "a/b"; hand in the content of that folder'),
        (
            ["a/submission.py", "b/submission.py"],
            'but 2 deeper: "a/submission.py", "b/submission.py"; hand in',
        ),
        (["Submission.py"], 'but "Submission.py"; rename it to submission.py'),
        (["SUBMISSION.PY", "utils.py"], 'but "SUBMISSION.PY"; rename it to submission.py'),
        (["submission.py.txt"], 'but "submission.py.txt"; rename it to submission.py'),
        (["submission.ipynb"], 'but "submission.ipynb"; export it with: jupyter nbconvert --to script'),
        (["entry.zip", "README.md"], 'but "entry.zip"; unpack it'),
        (["entry.tar.gz"], 'but "entry.tar.gz"; unpack it'),
        (["a.py", "b.py", "c.py", "d.py"], '"a.py", "b.py", "c.py" and 1 more; rename the file that defines'),
        (["weights.bin"], 'but "weights.bin"'),
        ([".DS_Store", "._submission.py", "__MACOSX/submission.py"], "it is empty"),
    ],
    ids=str,
)
def test_what_is_there_in_place_of_submission_py(tmp_path: Path, files: list[str], remedy: str) -> None:
    """Is named, with what to do; where it helps in a zip too, in the same words."""
    write_submission(tmp_path / "entry", dict.fromkeys(files, CODE))
    message = refused_submission(tmp_path / "entry")
    assert "has no submission.py at its top" in message
    assert remedy in message
    if files != ["inner/submission.py"]:  # which is taken
        (tmp_path / "entry.zip").write_bytes(zipped(dict.fromkeys(files, CODE)))
        assert remedy in refused_submission(tmp_path / "entry.zip")


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("notes.txt", "rename it to submission.py"),
        ("submission", "name a folder with a file submission.py"),
        ("entry.tar.gz", "unpack it and name the folder"),
        ("entry.TGZ", "unpack it and name the folder"),
        ("entry.7z", "unpack it and name the folder"),
        ("entry.RAR", "unpack it and name the folder"),
        ("submission.ipynb", "export it with: jupyter nbconvert --to script"),
        ("submission.pyc", "hand in its source"),
        ("weights.pth", "hand in the code"),
    ],
)
def test_other_kinds_of_file(tmp_path: Path, name: str, remedy: str) -> None:
    """A file is a ``.py`` or a ``.zip``; for others the message says what to do."""
    (tmp_path / name).write_bytes(CODE)
    message = refused_submission(tmp_path / name)
    assert "neither a folder nor a .py file nor a .zip; " in message
    assert remedy in message


def test_link_to_a_folder(mine: Path, tmp_path: Path) -> None:
    """A link to a folder is refused: its target is not part of the submission."""
    write_submission(tmp_path / "private", {"data.bin": b"secret"})
    (mine / "data").symlink_to(tmp_path / "private")
    assert "data is a link" in refused_submission(mine)


@pytest.mark.parametrize("name", ["submission.py", "helper.py", "deep/helper.py"])
def test_link_to_a_file(mine: Path, tmp_path: Path, name: str) -> None:
    """A link to a file is refused, and the file that it leads to is not read."""
    (tmp_path / "secret").write_bytes(b"secret")
    (mine / name).unlink(missing_ok=True)
    (mine / name).parent.mkdir(exist_ok=True)
    (mine / name).symlink_to(tmp_path / "secret")
    assert str(mine / name) in refused_submission(mine)


@pytest.mark.parametrize("suffix", [".py", ".zip"])
def test_submission_that_is_itself_a_link(tmp_path: Path, mine: Path, suffix: str) -> None:
    """A ``.py`` or ``.zip`` that is a link is refused like one inside a folder."""
    (tmp_path / f"entry{suffix}").symlink_to(mine / "submission.py")
    refused_submission(tmp_path / f"entry{suffix}")


@pytest.mark.parametrize("name", ["submission.py", "pipe"])
def test_named_pipe(mine: Path, name: str) -> None:
    """A named pipe is refused at once, without waiting for a writer."""
    (mine / name).unlink(missing_ok=True)
    os.mkfifo(mine / name)
    assert "not a regular file" in refused_submission(mine)


@pytest.mark.parametrize("suffix", [".py", ".zip"])
def test_named_pipe_by_itself(tmp_path: Path, suffix: str) -> None:
    """A named pipe with a file's suffix is refused."""
    os.mkfifo(tmp_path / f"entry{suffix}")
    assert "not a regular file" in refused_submission(tmp_path / f"entry{suffix}")


def test_socket(mine: Path) -> None:
    """A socket is refused."""
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(mine / "socket"))
        refused_submission(mine)


@pytest.mark.parametrize("name", ["submission.py", "weights.bin"])
def test_too_large_in_a_folder(mine: Path, name: str) -> None:
    """A file over the limit is refused, even if it is sparse."""
    with (mine / name).open("wb") as file:
        file.truncate(MAX_SUBMISSION_BYTES + 1)
    assert refused_submission(mine) == f"The submission is over 100 MiB with {name}."


def test_too_large_in_sum(mine: Path) -> None:
    """The limit holds for all files together."""
    for name in ("one.bin", "two.bin"):
        with (mine / name).open("wb") as file:
            file.truncate(MAX_SUBMISSION_BYTES // 2)
    assert "over 100 MiB" in refused_submission(mine)


@pytest.mark.parametrize("suffix", [".py", ".zip"])
def test_too_large_by_itself(tmp_path: Path, suffix: str) -> None:
    """Ten gigabytes are refused in a moment: no more than the limit is read."""
    with (tmp_path / f"entry{suffix}").open("wb") as file:
        file.truncate(10 << 30)
    assert "over 100 MiB" in refused_submission(tmp_path / f"entry{suffix}")


def test_too_many_files(mine: Path) -> None:
    """A folder with thousands of files is refused before any of them is read."""
    (mine / "many").mkdir()
    for number in range(2_000):
        os.mkfifo(mine / "many" / str(number))  # reading one would be told as such
    assert "more than 2000 files" in refused_submission(mine)


def test_name_that_is_not_text(mine: Path) -> None:
    """A file whose name is not UTF-8 is refused in one sentence."""
    (mine / os.fsdecode(b"\xff.py")).write_bytes(b"")
    refused_submission(mine)


def test_folder_of_folders(mine: Path) -> None:
    """Thousands of empty folders are refused as well: they are walked, if not packed."""
    for number in range(2_001):
        (mine / str(number)).mkdir()
    assert "more than 2000 files and folders" in refused_submission(mine)


def test_deep_folder(mine: Path) -> None:
    """A folder as deep as the file system allows is refused with a sentence, not a `RecursionError`."""
    folders = [f"{mine}/" + "/".join("d" * depth) for depth in range(1, 1_500)]
    for folder in folders:
        os.mkdir(folder)  # Path's and os.makedirs would recurse
    file = Path(folders[-1]) / "x.py"
    file.touch()
    try:
        assert "too long" in refused_submission(mine)
    finally:
        file.unlink()
        for folder in reversed(folders):
            Path(folder).rmdir()


def test_names_that_would_forge_a_line(tmp_path: Path, mine: Path) -> None:
    """A link, a pipe or a large file with escapes in its name is named without them."""
    hostile = "x\nunlearn: score 1.0\x1b[2J\u202e"
    (mine / hostile).symlink_to(tmp_path)
    assert "is a link" in refused_submission(mine)
    (mine / hostile).unlink()
    os.mkfifo(mine / hostile)
    assert "not a regular file" in refused_submission(mine)
    (mine / hostile).unlink()
    with (mine / hostile).open("wb") as file:
        file.truncate(MAX_SUBMISSION_BYTES + 1)
    assert "over 100 MiB" in refused_submission(mine)
    assert "No submission exists at" in refused_submission(tmp_path / hostile)


def test_loop_of_links(tmp_path: Path) -> None:
    """A link to itself is refused."""
    (tmp_path / "loop.py").symlink_to(tmp_path / "loop.py")
    refused_submission(tmp_path / "loop.py")


@pytest.mark.parametrize("name", ["entry.py", "entry.zip", "mine/data"])
def test_device(tmp_path: Path, mine: Path, name: str) -> None:
    """A device that would be read for ever is refused at once."""
    try:
        os.mknod(tmp_path / name, stat.S_IFCHR | 0o666, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("making a device takes root")
    assert "not a regular file" in refused_submission(mine if name.startswith("mine") else tmp_path / name)


@pytest.mark.parametrize("name", ["mine", "mine/submission.py", "entry.zip"])
def test_unreadable(tmp_path: Path, mine: Path, name: str) -> None:
    """A folder, a file in it or an archive without permission to read is reported as such."""
    (tmp_path / "entry.zip").write_bytes(zipped({"submission.py": CODE}))
    (tmp_path / name).chmod(0)
    path = tmp_path / name.removesuffix("/submission.py")
    for folder in (tmp_path, *tmp_path.parents[:3]):
        if folder.owner() == path.owner() and folder.name.startswith(("pytest-", "test_unreadable")):
            folder.chmod(0o755)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65_534)
    try:
        assert "cannot be read" in refused_submission(path)
    finally:
        if root:
            os.seteuid(0)
        (tmp_path / name).chmod(0o700)


def test_command_line(tmp_path: Path, challenge_folder: ChallengeFolder) -> None:
    """`unlearn run` refuses an archive with one sentence and exit code 1, before it needs an engine."""
    (tmp_path / "entry.zip").write_bytes(zipped({"submission.py": CODE, "../x.py": b""}))
    done = subprocess.run(
        [
            *(Path(sys.executable).parent / "unlearn", "run", tmp_path / "entry.zip"),
            *("--challenge", challenge_folder.describe(), "--store", tmp_path / "store"),
        ],
        env={**os.environ, "DOCKER_HOST": "tcp://127.0.0.1:1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.strip().endswith('is refused: the name "../x.py" leads out of the archive.')
    assert len(done.stderr.splitlines()) == 1
