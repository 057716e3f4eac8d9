"""Is a submission read as bytes, the same for the same content, and refused where it cannot be?"""

from __future__ import annotations

import hashlib
import io
import os
import socket
import stat
import subprocess
import sys
import tracemalloc
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.errors import ConfigurationError
from runner.sanitize import sanitize_line
from runner.submission.load import load_submission
from runner.submission.pack import MAX_SUBMISSION_BYTES

if TYPE_CHECKING:
    from tests.runner.conftest import ChallengeFolder

CODE = b"def unlearning(net, retain, forget, val):\n    return net\n"


def folder_of(place: Path, files: dict[str, bytes]) -> Path:
    """Write a submission in this order and return its folder."""
    for name, data in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(data)
    return place


def content(archive: bytes) -> dict[str, bytes]:
    """Return what an archive of ours holds, by name and in order."""
    with zipfile.ZipFile(io.BytesIO(archive)) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return files as an archive that a participant could have made."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return packed.getvalue()


def refused(path: Path) -> str:
    """Return why a submission is refused, and require that it is, in one sentence."""
    with pytest.raises(ConfigurationError) as caught:
        load_submission(path)
    message = str(caught.value)
    assert message.endswith(".")
    assert message == sanitize_line(message, 1000)
    return message


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """Return the folder of a valid submission."""
    return folder_of(tmp_path / "mine", {"submission.py": CODE})


def test_folder(tmp_path: Path) -> None:
    """A folder becomes an archive of its files, by their names inside it; its name is the folder's."""
    files = {"submission.py": CODE, "helper/__init__.py": b"", "helper/weights.bin": bytes(range(256))}
    found = load_submission(folder_of(tmp_path / "my entry.v2", files))
    assert content(found.archive) == files
    assert list(content(found.archive)) == sorted(files)
    assert found.name == "my entry.v2"
    assert found.sha256 == hashlib.sha256(found.archive).hexdigest()


def test_single_file(tmp_path: Path, mine: Path) -> None:
    """One ``.py`` file of any name is the same submission as a folder with it as ``submission.py``."""
    (tmp_path / "my_entry.py").write_bytes(CODE)
    found = load_submission(tmp_path / "my_entry.py")
    assert content(found.archive) == {"submission.py": CODE}
    assert found.name == "my_entry"
    assert found.sha256 == load_submission(mine).sha256


def test_zip_is_passed_on_as_it_is(tmp_path: Path) -> None:
    """A ``.zip`` that is plain goes through byte for byte, deflated or not."""
    data = zipped({"submission.py": CODE, "helper/a.py": b""})
    (tmp_path / "entry.zip").write_bytes(data)
    found = load_submission(tmp_path / "entry.zip")
    assert found.archive == data
    assert found.sha256 == hashlib.sha256(data).hexdigest()
    assert found.name == "entry"


@pytest.mark.parametrize("data", [b"", b"garbage", b"PK\x03\x04" + b"\xff" * 100], ids=len)
def test_zip_that_is_none(tmp_path: Path, data: bytes) -> None:
    """What is no archive is refused before any container is started for it."""
    (tmp_path / "entry.zip").write_bytes(data)
    assert refused(tmp_path / "entry.zip").endswith("entry.zip is refused: it is not a zip archive.")


def test_zip_of_a_folder(tmp_path: Path) -> None:
    """Who packed the folder instead of what is in it reads how to do better."""
    (tmp_path / "entry.zip").write_bytes(zipped({"mine/submission.py": CODE, "__MACOSX/mine/._x": b""}))
    assert "pack the content of that folder, not the folder itself" in refused(tmp_path / "entry.zip")


def test_zip_that_would_escape_leaves_no_trace(tmp_path: Path) -> None:
    """An archive with ``../`` or absolute names is refused, and nothing is unpacked."""
    for name in ("../escaped.py", str(tmp_path / "absolute.py")):
        (tmp_path / "inside").mkdir(exist_ok=True)
        (tmp_path / "inside" / "entry.zip").write_bytes(zipped({"submission.py": CODE, name: CODE}))
        assert name[:40] in refused(tmp_path / "inside" / "entry.zip")
    assert [path.name for path in sorted(tmp_path.rglob("*"))] == ["inside", "entry.zip"]


def test_zip_bomb_is_refused_in_a_moment(tmp_path: Path) -> None:
    """A megabyte that would unpack to a gigabyte costs neither memory nor time: nothing is unpacked."""
    (tmp_path / "bomb.zip").write_bytes(
        zipped({"submission.py": CODE, **dict.fromkeys("abcd", bytes(60 << 20))})
    )
    tracemalloc.start()
    try:
        assert "200 MiB are allowed" in refused(tmp_path / "bomb.zip")
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


def test_whatever_is_packed_here_would_be_accepted_as_zip(tmp_path: Path, mine: Path) -> None:
    """A folder's archive is a valid ``.zip`` submission: the same content, the same hash."""
    folder_of(mine, {"helper/ü.txt": b"1", "z z/1": b""})
    (tmp_path / "again.zip").write_bytes(load_submission(mine).archive)
    assert load_submission(tmp_path / "again.zip").sha256 == load_submission(mine).sha256


@pytest.mark.parametrize(
    "name", ["a\nb.py", "a\\b.py", "\x1b[31m", "\u202etxt.py", "c:x", "Submission.py"], ids=ascii
)
def test_folder_with_names_that_a_zip_may_not_have(mine: Path, name: str) -> None:
    """What would be refused in an archive is refused in a folder: one rule for every form."""
    folder_of(mine, {name: b""})
    assert " is refused: " in refused(mine)


def test_nothing_is_imported(tmp_path: Path) -> None:
    """Code that would fail to compile, or do harm when imported, is bytes like any other."""
    hostile = b"import pathlib; pathlib.Path(__file__).with_name('done').touch(); 1/0; \xff (("
    load_submission(folder_of(tmp_path / "hostile", {"submission.py": hostile}))
    assert [path.name for path in (tmp_path / "hostile").iterdir()] == ["submission.py"]


@settings(max_examples=25, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["a.py", "b/a.py", "b/c/d.bin", "ü.txt", "z z.py", "B.py"]), st.binary(max_size=50)
    ),
    st.randoms(use_true_random=False),
    st.integers(0, 2_000_000_000),
)
def test_hash_depends_on_content_alone(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes], draw: object, stamp: int
) -> None:
    """Neither the place, nor the order of creation, nor times and modes, change the hash."""
    files = {"submission.py": CODE, **files}
    names = list(files)
    draw.shuffle(names)  # type: ignore[attr-defined]
    first = folder_of(tmp_path_factory.mktemp("first") / "x", files)
    second = folder_of(tmp_path_factory.mktemp("second") / "y", {name: files[name] for name in names})
    for name in names:
        os.utime(second / name, (stamp, stamp))
        (second / name).chmod(0o755)
    assert load_submission(first).sha256 == load_submission(second).sha256


@pytest.mark.parametrize(
    "change",
    [
        {"submission.py": CODE + b"\n"},
        {"more.py": b""},
        {"helper.py": None, "helpers.py": b"1"},
        {"helper.py": b"2"},
    ],
    ids=str,
)
def test_hash_depends_on_all_content(tmp_path: Path, change: dict[str, bytes | None]) -> None:
    """A changed byte, another name or an added empty file is another submission."""
    files: dict[str, bytes | None] = {"submission.py": CODE, "helper.py": b"1"}
    before = folder_of(tmp_path / "a", {name: data for name, data in files.items() if data is not None})
    files |= change
    after = folder_of(tmp_path / "b", {name: data for name, data in files.items() if data is not None})
    assert load_submission(before).sha256 != load_submission(after).sha256


def test_golden_hash(mine: Path) -> None:
    """The hash of a given content never changes: evaluations are found again by it."""
    assert load_submission(mine).sha256 == "1cdb409b9e44620214030b86556d647c6d7e599e1efe07f27f93246fc3f11842"


@pytest.mark.parametrize("ignored", ["__pycache__", ".git", ".ipynb_checkpoints"])
def test_leftovers_of_tools_are_ignored(mine: Path, ignored: str) -> None:
    """What Python, git and Jupyter leave in a folder is no part of the submission, at any depth."""
    folder_of(mine, {"helper/a.py": b""})
    before = load_submission(mine).sha256
    folder_of(mine, {f"{ignored}/x.pyc": b"1", f"helper/{ignored}/y": b"2", "helper/.DS_Store": b"3"})
    assert load_submission(mine).sha256 == before


def test_missing(tmp_path: Path) -> None:
    """A path where nothing is, or a link to nothing, is told as such."""
    (tmp_path / "dangling").symlink_to(tmp_path / "gone")
    assert "No submission exists at" in refused(tmp_path / "nothing")
    assert "No submission exists at" in refused(tmp_path / "dangling")


@pytest.mark.parametrize(
    "files", [{}, {"main.py": CODE}, {"inner/submission.py": CODE}, {"submission.py/x": b""}], ids=str
)
def test_no_submission_py(tmp_path: Path, files: dict[str, bytes]) -> None:
    """A folder needs a file ``submission.py`` at its top."""
    (tmp_path / "entry").mkdir()
    assert "has no submission.py" in refused(folder_of(tmp_path / "entry", files))


@pytest.mark.parametrize("name", ["notes.txt", "submission", "entry.tar.gz"])
def test_other_kinds_of_file(tmp_path: Path, name: str) -> None:
    """A file is a ``.py`` or a ``.zip``."""
    (tmp_path / name).write_bytes(CODE)
    assert "neither a folder nor a .py file nor a .zip" in refused(tmp_path / name)


def test_link_to_a_folder(mine: Path, tmp_path: Path) -> None:
    """A link to a folder is refused: what it leads to is not part of what was handed in."""
    folder_of(tmp_path / "private", {"data.bin": b"secret"})
    (mine / "data").symlink_to(tmp_path / "private")
    assert "data is a link" in refused(mine)


@pytest.mark.parametrize("name", ["submission.py", "helper.py", "deep/helper.py"])
def test_link_to_a_file(mine: Path, tmp_path: Path, name: str) -> None:
    """A link to a file is refused, and the file that it leads to is not read."""
    (tmp_path / "secret").write_bytes(b"secret")
    (mine / name).unlink(missing_ok=True)
    (mine / name).parent.mkdir(exist_ok=True)
    (mine / name).symlink_to(tmp_path / "secret")
    assert str(mine / name) in refused(mine)


@pytest.mark.parametrize("suffix", [".py", ".zip"])
def test_submission_that_is_itself_a_link(tmp_path: Path, mine: Path, suffix: str) -> None:
    """A ``.py`` or ``.zip`` that is a link is refused like one inside a folder."""
    (tmp_path / f"entry{suffix}").symlink_to(mine / "submission.py")
    refused(tmp_path / f"entry{suffix}")


@pytest.mark.parametrize("name", ["submission.py", "pipe"])
def test_named_pipe(mine: Path, name: str) -> None:
    """A named pipe is refused at once, without waiting for a writer."""
    (mine / name).unlink(missing_ok=True)
    os.mkfifo(mine / name)
    assert "not a regular file" in refused(mine)


@pytest.mark.parametrize("suffix", [".py", ".zip"])
def test_named_pipe_by_itself(tmp_path: Path, suffix: str) -> None:
    """Nor does a named pipe pass for a file."""
    os.mkfifo(tmp_path / f"entry{suffix}")
    assert "not a regular file" in refused(tmp_path / f"entry{suffix}")


def test_socket(mine: Path) -> None:
    """A socket is refused."""
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(mine / "socket"))
        refused(mine)


@pytest.mark.parametrize("name", ["submission.py", "weights.bin"])
def test_too_large_in_a_folder(mine: Path, name: str) -> None:
    """A file over the limit is refused; that it would not take up disk changes nothing."""
    with (mine / name).open("wb") as file:
        file.truncate(MAX_SUBMISSION_BYTES + 1)
    assert refused(mine) == f"The submission is over 100 MiB with {name}."


def test_too_large_in_sum(mine: Path) -> None:
    """The limit holds for all files together."""
    for name in ("one.bin", "two.bin"):
        with (mine / name).open("wb") as file:
            file.truncate(MAX_SUBMISSION_BYTES // 2)
    assert "over 100 MiB" in refused(mine)


@pytest.mark.parametrize("suffix", [".py", ".zip"])
def test_too_large_by_itself(tmp_path: Path, suffix: str) -> None:
    """Ten gigabytes are refused in a moment: no more than the limit is read."""
    with (tmp_path / f"entry{suffix}").open("wb") as file:
        file.truncate(10 << 30)
    assert "over 100 MiB" in refused(tmp_path / f"entry{suffix}")


def test_largest_zip_is_accepted(tmp_path: Path) -> None:
    """The limit itself is allowed."""
    small = len(zipped({"submission.py": CODE, "fill": b""}, method=zipfile.ZIP_STORED))
    fill = bytes(MAX_SUBMISSION_BYTES - small)
    (tmp_path / "entry.zip").write_bytes(
        zipped({"submission.py": CODE, "fill": fill}, method=zipfile.ZIP_STORED)
    )
    assert len(load_submission(tmp_path / "entry.zip").archive) == MAX_SUBMISSION_BYTES


def test_too_many_files(mine: Path) -> None:
    """A folder with thousands of files is refused before any of them is read."""
    (mine / "many").mkdir()
    for number in range(2_000):
        os.mkfifo(mine / "many" / str(number))  # reading one would be told as such
    assert "more than 2000 files" in refused(mine)


def test_name_that_is_no_text(mine: Path) -> None:
    """A file whose name is no UTF-8 is refused with a sentence."""
    (mine / os.fsdecode(b"\xff.py")).write_bytes(b"")
    refused(mine)


def test_own_name_that_is_no_text(tmp_path: Path) -> None:
    """A submission whose folder's name is no UTF-8 is known by a name that can be stored and shown."""
    folder = folder_of(tmp_path / os.fsdecode(b"\xffmine"), {"submission.py": CODE})
    load_submission(folder).name.encode()


def test_folder_of_folders(mine: Path) -> None:
    """Thousands of empty folders are refused as well: they are walked, if not packed."""
    for number in range(2_001):
        (mine / str(number)).mkdir()
    assert "more than 2000 files and folders" in refused(mine)


def test_deep_folder(mine: Path) -> None:
    """A folder as deep as the file system allows is refused with a sentence, not a `RecursionError`."""
    made = [f"{mine}/" + "/".join("d" * depth) for depth in range(1, 1_500)]
    for folder in made:
        os.mkdir(folder)  # Path's and os.makedirs would recurse
    file = Path(made[-1]) / "x.py"
    file.touch()
    try:
        assert "too long" in refused(mine)
    finally:
        file.unlink()
        for folder in reversed(made):
            Path(folder).rmdir()


def test_names_that_would_forge_a_line(tmp_path: Path, mine: Path) -> None:
    """A link, a pipe or a large file with escapes in its name is named without them."""
    hostile = "x\nunlearn: score 1.0\x1b[2J\u202e"
    (mine / hostile).symlink_to(tmp_path)
    assert "is a link" in refused(mine)
    (mine / hostile).unlink()
    os.mkfifo(mine / hostile)
    assert "not a regular file" in refused(mine)
    (mine / hostile).unlink()
    with (mine / hostile).open("wb") as file:
        file.truncate(MAX_SUBMISSION_BYTES + 1)
    assert "over 100 MiB" in refused(mine)
    assert "No submission exists at" in refused(tmp_path / hostile)


def test_loop_of_links(tmp_path: Path) -> None:
    """A link to itself is no submission."""
    (tmp_path / "loop.py").symlink_to(tmp_path / "loop.py")
    refused(tmp_path / "loop.py")


@pytest.mark.parametrize("name", ["entry.py", "entry.zip", "mine/data"])
def test_device(tmp_path: Path, mine: Path, name: str) -> None:
    """A device that would be read for ever is refused at once."""
    try:
        os.mknod(tmp_path / name, stat.S_IFCHR | 0o666, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("making a device takes root")
    assert "not a regular file" in refused(mine if name.startswith("mine") else tmp_path / name)


@pytest.mark.parametrize("name", ["mine", "mine/submission.py", "entry.zip"])
def test_unreadable(tmp_path: Path, mine: Path, name: str) -> None:
    """What may not be read is told as such, be it a folder, a file in it, or an archive."""
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
        assert "cannot be read" in refused(path)
    finally:
        if root:
            os.seteuid(0)
        (tmp_path / name).chmod(0o700)


def test_command_line(tmp_path: Path, challenge_folder: ChallengeFolder) -> None:
    """`unlearn run` refuses an archive with one sentence and exit code 2, before it needs an engine."""
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
    assert done.returncode == 2
    assert done.stderr.strip().endswith('is refused: the name "../x.py" leads out of the archive.')
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "store").exists()


def test_a_submission_is_called_after_its_folder(tmp_path: Path) -> None:
    """Given as a folder or as the file in it: the same name and the same content."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "submission.py").write_text("def unlearning(net, retain, forget, val): ...\n")
    folder, file = load_submission(tmp_path / "mine"), load_submission(tmp_path / "mine" / "submission.py")
    assert folder.name == file.name == "mine"
    assert folder.sha256 == file.sha256
