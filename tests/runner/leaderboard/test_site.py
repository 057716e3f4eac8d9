"""A folder of pages is replaced whole, only if it is one, and nothing of anybody else is lost."""

from __future__ import annotations

import fcntl
import json
import os
import threading
from pathlib import Path

import pytest

from runner.errors import ConfigurationError, HostNotReadyError
from runner.leaderboard.stored import site
from runner.leaderboard.stored.site import MARKER, SiteFile, check_site_folder, write_site


def file(path: str, text: str, key: str | None = None) -> SiteFile:
    return SiteFile(path=path, key=key or text, content=text.encode)


def content(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in folder.rglob("*")
        if path.is_file() and path.name != MARKER
    }


def test_what_is_gone_is_deleted_and_what_is_unchanged_taken_over(tmp_path: Path) -> None:
    """An unchanged file is not rendered again: it is the same file."""
    folder = tmp_path / "site"
    assert (
        write_site(
            folder, [file("index.html", "1"), file("reports/a.html", "a"), file("reports/b.html", "b")]
        )
        == 3
    )
    inode = (folder / "reports" / "a.html").stat().st_ino

    def never() -> bytes:
        raise AssertionError("it is rendered again")

    unchanged = SiteFile(path="reports/a.html", key="a", content=never)
    assert write_site(folder, [file("index.html", "2"), unchanged]) == 1
    assert content(folder) == {"index.html": "2", "reports/a.html": "a"}
    assert (folder / "reports" / "a.html").stat().st_ino == inode
    assert [path.name for path in tmp_path.iterdir()] == ["site"]
    assert folder.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("exchange", [True, False], ids=["exchanged", "renamed twice"])
def test_a_reader_never_misses_a_page(
    tmp_path: Path, exchange: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the system exchanges folders, at no moment; elsewhere the old one is there until the new one is."""
    if not exchange:
        monkeypatch.setattr(site, "_exchanged", lambda _first, _second: False)
    folder = tmp_path / "site"
    write_site(folder, [file("index.html", "0")])
    missing, stop = 0, threading.Event()

    def read() -> None:
        nonlocal missing
        while not stop.is_set():
            try:
                (folder / "index.html").read_bytes()
            except OSError:
                missing += 1

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(30):
        write_site(folder, [file("index.html", f"{number}")])
    stop.set()
    reader.join()
    assert content(folder) == {"index.html": "29"}
    assert [path.name for path in tmp_path.iterdir()] == ["site"]
    if exchange:
        assert missing == 0


@pytest.mark.parametrize(
    "kind", ["file", "other folder", "no marker", "broken marker", "extra file", "extra link"]
)
def test_what_is_not_ours_is_refused_and_stays(tmp_path: Path, kind: str) -> None:
    """Before anything is computed, and when it is written."""
    folder = tmp_path / "site"
    if kind == "file":
        folder.write_text("x")
    elif kind == "other folder":
        folder.mkdir()
        (folder / "thesis.txt").write_text("x")
    else:
        write_site(folder, [file("index.html", "1")])
    if kind == "no marker":
        (folder / MARKER).unlink()
    if kind == "broken marker":
        (folder / MARKER).write_text('{"schema_version": 1, "files": ["index.html"]}')
    if kind == "extra file":
        (folder / "reports").mkdir()
        (folder / "reports" / "notes.txt").write_text("x")
    if kind == "extra link":
        (folder / "link").symlink_to(tmp_path)
    before = sorted(path.name for path in tmp_path.rglob("*"))
    for act in (lambda: check_site_folder(folder), lambda: write_site(folder, [file("index.html", "2")])):
        with pytest.raises(ConfigurationError, match=str(folder)):
            act()
    assert sorted(path.name for path in tmp_path.rglob("*")) == before


def test_an_empty_folder_and_a_link_are_written(tmp_path: Path) -> None:
    """A web server may have a link to the folder: the link stays, what it leads to is replaced."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    for text in ("1", "2"):
        check_site_folder(tmp_path / "link")
        write_site(tmp_path / "link", [file("index.html", text)])
    assert content(tmp_path / "real") == {"index.html": "2"}
    assert (tmp_path / "link").is_symlink()


def test_a_failure_leaves_the_earlier_pages(tmp_path: Path) -> None:
    """A page that cannot be rendered, or a full disk: nothing half-way is there."""
    folder = tmp_path / "site"
    write_site(folder, [file("index.html", "1")])

    def fail() -> bytes:
        raise OSError(28, "No space left on device")

    with pytest.raises(HostNotReadyError, match="No space left"):
        write_site(folder, [file("index.html", "2"), SiteFile(path="b.html", key="b", content=fail)])
    assert content(folder) == {"index.html": "1"}
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


def test_a_file_that_was_replaced_by_a_link_is_not_followed(tmp_path: Path) -> None:
    """A page of the earlier folder is taken over only if it still is a file of its own."""
    folder, secret = tmp_path / "site", tmp_path / "secret"
    secret.write_text("secret")
    write_site(folder, [file("index.html", "1")])
    (folder / "index.html").unlink()
    (folder / "index.html").symlink_to(secret)
    assert write_site(folder, [file("index.html", "1")]) == 1
    assert content(folder) == {"index.html": "1"}
    assert not (folder / "index.html").is_symlink()


def test_the_marker_names_no_path_outside(tmp_path: Path) -> None:
    """A marker that somebody changed makes nothing outside of the folder disappear."""
    folder, other = tmp_path / "site", tmp_path / "other.html"
    other.write_text("mine")
    write_site(folder, [file("index.html", "1")])
    marker = json.loads((folder / MARKER).read_text())
    marker["files"]["../other.html"] = "x"
    (folder / MARKER).write_text(json.dumps(marker))
    write_site(folder, [file("index.html", "2")])
    assert other.read_text() == "mine"
    assert {path.name for path in folder.iterdir()} == {MARKER, "index.html"}


@pytest.mark.parametrize(
    "path", ["../x.html", "/etc/x", "a/b/c.html", ".hidden", "reports/..", "", "a b", "r/\u202ex"]
)
def test_a_path_that_is_no_name_of_a_page_is_refused(tmp_path: Path, path: str) -> None:
    """A row of the store that was changed writes nowhere else."""
    with pytest.raises(HostNotReadyError, match="no name of a page"):
        write_site(tmp_path / "site", [file(path, "x")])
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_is_removed_and_what_another_writes_is_not(tmp_path: Path) -> None:
    """Unfinished folders are told apart by their locks; one that is quite new may not be locked yet."""
    folders = {name: tmp_path / f".site.unlearn-{name}" for name in ("killed", "active", "new")}
    for folder in folders.values():
        (folder / "reports").mkdir(parents=True)
        (folder / "reports" / "a.html").write_text("a")
    for name in ("killed", "active"):
        os.utime(folders[name], (0, 0))
    other = tmp_path / ".site.other"
    other.mkdir()
    os.utime(other, (0, 0))
    descriptor = os.open(folders["active"], os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        write_site(tmp_path / "site", [file("index.html", "1")])
    finally:
        os.close(descriptor)
    assert {path.name for path in tmp_path.iterdir()} == {
        "site",
        ".site.other",
        ".site.unlearn-active",
        ".site.unlearn-new",
    }
