"""Is a submission read as bytes, the same for the same content, and refused where it cannot be?"""

from __future__ import annotations

import hashlib
import io
import os
import socket
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.errors import ConfigurationError
from runner.submission import LARGEST_SUBMISSION_BYTES, load

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


def refused(path: Path) -> str:
    """Return why a submission is refused, and require that it is, in one sentence."""
    with pytest.raises(ConfigurationError) as caught:
        load(path)
    message = str(caught.value)
    assert message.endswith((".", "there."))
    assert "\n" not in message
    return message


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """Return the folder of a valid submission."""
    return folder_of(tmp_path / "mine", {"submission.py": CODE})


def test_folder(tmp_path: Path) -> None:
    """A folder becomes an archive of its files, by their names inside it; its name is the folder's."""
    files = {"submission.py": CODE, "helper/__init__.py": b"", "helper/weights.bin": bytes(range(256))}
    found = load(folder_of(tmp_path / "my entry.v2", files))
    assert content(found.archive) == files
    assert list(content(found.archive)) == sorted(files)
    assert found.name == "my entry.v2"
    assert found.sha256 == hashlib.sha256(found.archive).hexdigest()


def test_single_file(tmp_path: Path, mine: Path) -> None:
    """One ``.py`` file of any name is the same submission as a folder with it as ``submission.py``."""
    (tmp_path / "my_entry.py").write_bytes(CODE)
    found = load(tmp_path / "my_entry.py")
    assert content(found.archive) == {"submission.py": CODE}
    assert found.name == "my_entry"
    assert found.sha256 == load(mine).sha256


@pytest.mark.parametrize("data", [b"", b"garbage", b"PK\x05\x06" + bytes(18), b"PK\x03\x04" + b"\xff" * 100])
def test_zip_is_passed_on_unopened(tmp_path: Path, data: bytes) -> None:
    """A ``.zip`` goes through byte for byte, whether or not it is an archive at all."""
    (tmp_path / "entry.zip").write_bytes(data)
    found = load(tmp_path / "entry.zip")
    assert found.archive == data
    assert found.sha256 == hashlib.sha256(data).hexdigest()
    assert found.name == "entry"


def test_zip_that_would_escape_leaves_no_trace(tmp_path: Path) -> None:
    """An archive with ``../`` and absolute names is read like any other: nothing is unpacked here."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("../escaped.py", CODE)
        archive.writestr(str(tmp_path / "absolute.py"), CODE)
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "entry.zip").write_bytes(packed.getvalue())
    assert load(tmp_path / "inside" / "entry.zip").archive == packed.getvalue()
    assert [path.name for path in sorted(tmp_path.rglob("*"))] == ["inside", "entry.zip"]


def test_nothing_is_imported(tmp_path: Path) -> None:
    """Code that would fail to compile, or do harm when imported, is bytes like any other."""
    hostile = b"import pathlib; pathlib.Path(__file__).with_name('done').touch(); 1/0; \xff (("
    load(folder_of(tmp_path / "hostile", {"submission.py": hostile}))
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
    assert load(first).sha256 == load(second).sha256


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
    assert load(before).sha256 != load(after).sha256


def test_golden_hash(mine: Path) -> None:
    """The hash of a given content never changes: evaluations are found again by it."""
    assert load(mine).sha256 == "1cdb409b9e44620214030b86556d647c6d7e599e1efe07f27f93246fc3f11842"


@pytest.mark.parametrize("ignored", ["__pycache__", ".git", ".ipynb_checkpoints"])
def test_leftovers_of_tools_are_ignored(mine: Path, ignored: str) -> None:
    """What Python, git and Jupyter leave in a folder is no part of the submission, at any depth."""
    folder_of(mine, {"helper/a.py": b""})
    before = load(mine).sha256
    folder_of(mine, {f"{ignored}/x.pyc": b"1", f"helper/{ignored}/y": b"2", "helper/.DS_Store": b"3"})
    assert load(mine).sha256 == before


def test_missing(tmp_path: Path) -> None:
    """A path where nothing is, or a link to nothing, is told as such."""
    (tmp_path / "dangling").symlink_to(tmp_path / "gone")
    assert "There is no submission at" in refused(tmp_path / "nothing")
    assert "There is no submission at" in refused(tmp_path / "dangling")


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
        file.truncate(LARGEST_SUBMISSION_BYTES + 1)
    assert refused(mine) == f"The submission is over 100 MiB with {name}."


def test_too_large_in_sum(mine: Path) -> None:
    """The limit holds for all files together."""
    for name in ("one.bin", "two.bin"):
        with (mine / name).open("wb") as file:
            file.truncate(LARGEST_SUBMISSION_BYTES // 2)
    assert "over 100 MiB" in refused(mine)


@pytest.mark.parametrize("suffix", [".py", ".zip"])
def test_too_large_by_itself(tmp_path: Path, suffix: str) -> None:
    """Ten gigabytes are refused in a moment: no more than the limit is read."""
    with (tmp_path / f"entry{suffix}").open("wb") as file:
        file.truncate(10 << 30)
    assert "over 100 MiB" in refused(tmp_path / f"entry{suffix}")


def test_largest_zip_is_accepted(tmp_path: Path) -> None:
    """The limit itself is allowed."""
    with (tmp_path / "entry.zip").open("wb") as file:
        file.truncate(LARGEST_SUBMISSION_BYTES)
    assert len(load(tmp_path / "entry.zip").archive) == LARGEST_SUBMISSION_BYTES


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
    load(folder).name.encode()
