"""A submission is loaded as bytes: the same bytes for the same content, never imported."""

from __future__ import annotations

import hashlib
import io
import os
import tracemalloc
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.submission.limits import MAX_SUBMISSION_BYTES
from runner.submission.load import load_submission

if TYPE_CHECKING:
    pass
from tests.support.untrusted.archives import CODE, zipped
from tests.support.untrusted.submission_files import refused_submission, write_submission


def content(archive: bytes) -> dict[str, bytes]:
    """Return the content of a packed archive, by name and in order."""
    with zipfile.ZipFile(io.BytesIO(archive)) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


def test_folder(tmp_path: Path) -> None:
    """A folder becomes an archive of its files, by their names inside it; its name is the folder's."""
    files = {"submission.py": CODE, "helper/__init__.py": b"", "helper/weights.bin": bytes(range(256))}
    found = load_submission(write_submission(tmp_path / "my entry.v2", files))
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


@pytest.mark.parametrize("name", ["Upper.PY", "entry.Py", "UPPER.ZIP", "entry.Zip"])
def test_endings_in_any_case(tmp_path: Path, mine: Path, name: str) -> None:
    """Some systems write endings in capitals."""
    data = CODE if name.lower().endswith(".py") else load_submission(mine).archive
    (tmp_path / name).write_bytes(data)
    submission = load_submission(tmp_path / name)
    assert submission.sha256 == load_submission(mine).sha256
    assert submission.name == Path(name).stem


def test_python_files_of_a_mac_can_be_imported(mine: Path) -> None:
    """A folder's decomposed names are composed, as ``import`` looks for them; without code they stay."""
    write_submission(mine, {"donne\u0301es.csv": b""})
    assert "donne\u0301es.csv" in content(load_submission(mine).archive)
    write_submission(mine, {"donne\u0301es.py": b""})
    assert content(load_submission(mine).archive).keys() == {
        "donn\u00e9es.csv",
        "donn\u00e9es.py",
        "submission.py",
    }


def test_zip_is_passed_on_unchanged(tmp_path: Path) -> None:
    """A ``.zip`` that is plain goes through byte for byte, deflated or not."""
    data = zipped({"submission.py": CODE, "helper/a.py": b""})
    (tmp_path / "entry.zip").write_bytes(data)
    found = load_submission(tmp_path / "entry.zip")
    assert found.archive == data
    assert found.sha256 == hashlib.sha256(data).hexdigest()
    assert found.name == "entry"


@pytest.mark.parametrize("data", [b"", b"garbage", b"PK\x03\x04" + b"\xff" * 100], ids=len)
def test_zip_that_is_not_an_archive(tmp_path: Path, data: bytes) -> None:
    """A file that is not an archive is refused before any container is started."""
    (tmp_path / "entry.zip").write_bytes(data)
    assert "it is not a zip archive" in refused_submission(tmp_path / "entry.zip")


def test_zip_of_a_folder(tmp_path: Path) -> None:
    """An archive of the folder instead of its content is the same submission, whatever a Mac adds."""
    files = {"submission.py": CODE, "helper/a.py": b"1"}
    wrapped = {f"mine/{name}": data for name, data in files.items()}
    (tmp_path / "entry.zip").write_bytes(zipped({**wrapped, "__MACOSX/mine/._x": b"", "mine/.DS_Store": b""}))
    (tmp_path / "same.zip").write_bytes(
        zipped({f"repository-main/{name}": data for name, data in files.items()})
    )
    submission = load_submission(tmp_path / "entry.zip")
    assert content(submission.archive) == files
    assert submission.sha256 == hashlib.sha256(submission.archive).hexdigest()
    assert submission.sha256 == load_submission(tmp_path / "same.zip").sha256


def test_zip_that_would_escape_leaves_no_trace(tmp_path: Path) -> None:
    """An archive with ``../`` or absolute names is refused, and nothing is unpacked."""
    for name in ("../escaped.py", str(tmp_path / "absolute.py")):
        (tmp_path / "inside").mkdir(exist_ok=True)
        (tmp_path / "inside" / "entry.zip").write_bytes(zipped({"submission.py": CODE, name: CODE}))
        assert name[:40] in refused_submission(tmp_path / "inside" / "entry.zip")
    assert [path.name for path in sorted(tmp_path.rglob("*"))] == ["inside", "entry.zip"]


def test_zip_bomb_is_refused_in_a_moment(tmp_path: Path) -> None:
    """A megabyte that would unpack to a gigabyte costs neither memory nor time: nothing is unpacked."""
    (tmp_path / "bomb.zip").write_bytes(
        zipped({"submission.py": CODE, **dict.fromkeys("abcd", bytes(60 << 20))})
    )
    tracemalloc.start()
    try:
        assert "200 MiB are allowed" in refused_submission(tmp_path / "bomb.zip")
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


def test_a_packed_folder_is_accepted_as_zip(tmp_path: Path, mine: Path) -> None:
    """A folder's archive is a valid ``.zip`` submission: the same content, the same hash."""
    write_submission(mine, {"helper/ü.txt": b"1", "z z/1": b""})
    (tmp_path / "again.zip").write_bytes(load_submission(mine).archive)
    assert load_submission(tmp_path / "again.zip").sha256 == load_submission(mine).sha256


@pytest.mark.parametrize(
    "name", ["a\nb.py", "a\\b.py", "\x1b[31m", "\u202etxt.py", "c:x", "Submission.py"], ids=ascii
)
def test_folder_with_names_refused_in_a_zip(mine: Path, name: str) -> None:
    """A name that is refused in an archive is refused in a folder too."""
    write_submission(mine, {name: b""})
    assert " is refused: " in refused_submission(mine)


def test_nothing_is_imported(tmp_path: Path) -> None:
    """Code that would fail to compile, or do harm when imported, is bytes like any other."""
    hostile = b"import pathlib; pathlib.Path(__file__).with_name('done').touch(); 1/0; \xff (("
    load_submission(write_submission(tmp_path / "hostile", {"submission.py": hostile}))
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
    first = write_submission(tmp_path_factory.mktemp("first") / "x", files)
    second = write_submission(tmp_path_factory.mktemp("second") / "y", {name: files[name] for name in names})
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
    before = write_submission(
        tmp_path / "a", {name: data for name, data in files.items() if data is not None}
    )
    files |= change
    after = write_submission(tmp_path / "b", {name: data for name, data in files.items() if data is not None})
    assert load_submission(before).sha256 != load_submission(after).sha256


def test_golden_hash(mine: Path) -> None:
    """The hash of a given content never changes: it identifies evaluations."""
    assert load_submission(mine).sha256 == "1cdb409b9e44620214030b86556d647c6d7e599e1efe07f27f93246fc3f11842"


@pytest.mark.parametrize("ignored", ["__pycache__", ".git", ".ipynb_checkpoints", "__MACOSX", "@eaDir"])
def test_leftovers_of_tools_are_ignored(mine: Path, ignored: str) -> None:
    """Files that Python, git, Jupyter and file managers create are not part of the submission, at any depth."""
    write_submission(mine, {"helper/a.py": b""})
    before = load_submission(mine).sha256
    leftovers = [f"{ignored}/x.pyc", f"helper/{ignored}/y", "helper/.DS_Store", "ehthumbs.db", "._x"]
    write_submission(mine, dict.fromkeys(leftovers, b"1"))
    assert load_submission(mine).sha256 == before


def test_largest_zip_is_accepted(tmp_path: Path) -> None:
    """The limit itself is allowed."""
    small = len(zipped({"submission.py": CODE, "fill": b""}, method=zipfile.ZIP_STORED))
    fill = bytes(MAX_SUBMISSION_BYTES - small)
    (tmp_path / "entry.zip").write_bytes(
        zipped({"submission.py": CODE, "fill": fill}, method=zipfile.ZIP_STORED)
    )
    assert len(load_submission(tmp_path / "entry.zip").archive) == MAX_SUBMISSION_BYTES


def test_own_name_that_is_not_text(tmp_path: Path) -> None:
    """A submission whose folder's name is not UTF-8 has a name that can be stored and displayed."""
    folder = write_submission(tmp_path / os.fsdecode(b"\xffmine"), {"submission.py": CODE})
    load_submission(folder).name.encode()


def test_a_submission_is_named_after_its_folder(tmp_path: Path) -> None:
    """Given as a folder or as the file in it: the same name and the same content."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "submission.py").write_text("def unlearning(net, retain, forget, val): ...\n")
    folder, file = load_submission(tmp_path / "mine"), load_submission(tmp_path / "mine" / "submission.py")
    assert folder.name == file.name == "mine"
    assert folder.sha256 == file.sha256
