"""What an option is to write is refused before the work if it cannot be written, or would replace the wrong thing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from runner.cli.interface.output_file import check_output_file, check_place
from runner.cli.interface.report_page import check_page_folder
from runner.cli.participant.check import check_command
from runner.errors import ConfigurationError, HostNotReadyError


def _place(folder: Path, kind: str) -> Path:
    """Return a path of this kind."""
    place = folder / "result.xml"
    if kind == "folder":
        place.mkdir()
    elif kind == "pipe":
        os.mkfifo(place)
    elif kind == "link":
        place.symlink_to(folder / "elsewhere.xml")
    elif kind == "device":
        return Path("/dev/null")
    elif kind == "below a file":
        place.write_text("kept")
        return place / "deep" / "result.xml"
    return place


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("folder", "is a folder. Name a file in it"),
        ("pipe", "is a device, a pipe or a socket"),
        ("device", "is a device, a pipe or a socket"),
        ("link", "is a link. Name the file itself"),
        ("below a file", "needs a folder at .*result.xml, which is none"),
    ],
)
def test_a_place_for_no_file_is_refused(kind: str, reason: str, tmp_path: Path) -> None:
    """By every option that writes one file, with --overwrite as without, and before a submission runs."""
    place, submission = _place(tmp_path, kind), tmp_path / "submission.py"
    submission.write_text("def unlearning(net, retain, forget, val): ...")
    error = HostNotReadyError if kind == "below a file" else ConfigurationError
    with pytest.raises(error, match=f"^--junit .*{reason}"):
        check_command([submission], junit=place)
    with pytest.raises(error, match=f"^--out .*{reason}"):
        check_output_file(place, suffixes=(place.suffix,), overwrite=True)


def test_a_folder_of_pages_below_a_file_is_refused(tmp_path: Path) -> None:
    """A page for each evaluation could not be written after its runs."""
    (tmp_path / "file").write_text("kept")
    with pytest.raises(HostNotReadyError, match=r"--html needs a folder at .*file, which is none"):
        check_page_folder(tmp_path / "file" / "pages")


def test_a_folder_without_the_right_to_write_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the work, with exit code 3; the kernel is asked, so that a disk mounted read-only is named too."""
    monkeypatch.setattr(os, "access", lambda path, _mode: Path(path) != tmp_path)
    with pytest.raises(HostNotReadyError, match=r"--csv cannot write into .* this user has no right to"):
        check_place(tmp_path / "a" / "x", option="--csv")
    with pytest.raises(HostNotReadyError, match=r"--html cannot write into .* this user has no right to"):
        check_page_folder(tmp_path)


def test_a_file_that_can_be_written_is_accepted(tmp_path: Path) -> None:
    """A new one in folders that are still missing, and a plain one that exists."""
    (tmp_path / "old.xml").write_text("old")
    check_place(tmp_path / "old.xml", option="--junit")
    check_place(tmp_path / "new" / "deep" / "x.xml", option="--junit")
    check_page_folder(tmp_path / "pages" / "deep")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["old.xml"]
