"""Which process's containers are leftovers."""

from __future__ import annotations

import threading
from pathlib import Path

from filelock import FileLock

from runner.session import remove_unless_held, take_new_file


def test_a_file_in_use_stays(tmp_path: Path) -> None:
    """Another command removes no file that its process holds, and removes it afterwards."""
    file, lock = take_new_file(tmp_path)
    remove_unless_held(file)
    assert file.is_file()
    lock.release()
    remove_unless_held(file)
    assert not file.exists()


def test_files_are_never_taken_from_who_begins(tmp_path: Path) -> None:
    """Whoever has begun has a file that is there, however busily others tidy up."""
    ended = threading.Event()

    def tidy() -> None:
        while not ended.is_set():
            for file in tmp_path.iterdir():
                remove_unless_held(file)

    tidying = [threading.Thread(target=tidy) for _ in range(4)]
    for one in tidying:
        one.start()
    try:
        begun = [take_new_file(tmp_path) for _ in range(40)]
    finally:
        ended.set()
        for one in tidying:
            one.join()
    assert all(file.is_file() for file, _lock in begun)
    for file, lock in begun:
        lock.release()
        FileLock(file).acquire(timeout=1)
