"""Faults of the disk and the database: one sentence, and nothing that was finished is lost or repeated."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from runner.store.listing import DATABASE_FILE
from tests.support.command import unlearn
from tests.support.evaluating import Evaluating, N, require_complete

pytestmark = pytest.mark.container


@contextlib.contextmanager
def mounted(folder: Path, *arguments: str) -> Iterator[None]:
    """Have something mounted at a folder."""
    folder.mkdir(exist_ok=True)
    if subprocess.run(["mount", *arguments, str(folder)], capture_output=True, check=False).returncode:
        pytest.skip("only root can mount")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_disk_that_fills_up_is_one_sentence_and_loses_nothing(
    mine: Evaluating, nothing_left: Callable[[Evaluating], list[str]]
) -> None:
    """Exit code 3, no half-written file; with room again, the same command goes on."""
    with mounted(mine.store, "-t", "tmpfs", "-o", "size=16m", "tmpfs"):
        process = mine.start()
        mine.until_published(process, 2)
        filler = mine.store / "filler"
        fill_up(filler)
        code, _out, sentence = mine.end(process)
        assert code == 3
        assert "full" in sentence or "No space left" in sentence
        filler.unlink()
        assert nothing_left(mine) == []
        assert not [file for file in mine.files() if Path(file).name.startswith(".")]
        before = mine.runs()
        assert 2 <= len(before) < N
        code, out, _sentence = mine.run()
        assert code == 0
        require_complete(mine, out, before)


def fill_up(file: Path) -> None:
    """Take all the room that is left."""
    with open(file, "wb", buffering=0) as opened:
        for portion in (1 << 20, 1 << 12, 1):
            with suppress(OSError):
                while True:
                    opened.write(bytes(portion))


def test_a_store_that_can_only_be_read(mine: Evaluating, tmp_path: Path) -> None:
    """`run` says so in one sentence, exit code 3; what is there can still be shown and verified."""
    code, out, _sentence = mine.run()
    assert code == 0
    name = mine.name()
    with mounted(mine.store, "--bind", str(mine.store)):
        subprocess.run(["mount", "-o", "remount,ro,bind", str(mine.store)], check=True)
        code, _out, sentence = mine.run()
        assert code == 3
        assert "cannot be written" in sentence
        shown = [
            unlearn(*words, "--store", mine.store, "--json")
            for words in (["verify", name], ["show", name], ["list"])
        ]
        printed = json.loads(out)
        assert printed | json.loads(shown[1].stdout)["summary"] == printed


def test_a_database_that_is_no_database_any_more(mine: Evaluating) -> None:
    """Exit code 3 and one sentence; the file is left for whoever can repair it."""
    mine.store.mkdir()
    (mine.store / DATABASE_FILE).write_bytes(b"no database" * 1000)
    code, _out, sentence = mine.run()
    assert code == 3
    assert "The store cannot be used" in sentence
    assert (mine.store / DATABASE_FILE).read_bytes() == b"no database" * 1000
