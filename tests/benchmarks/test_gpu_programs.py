"""What `benchmarks/gpu.py` has measured with a program is there, also if the program dies on the way."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchmarks.gpu_parts.programs import Program, ProgramEndedError


def program(folder: Path, monkeypatch: pytest.MonkeyPatch, source: str) -> Program:
    """Return a program of this source."""
    (folder / "program_of_a_test.py").write_text(source)
    monkeypatch.setenv("PYTHONPATH", str(folder))
    return Program("program_of_a_test", {})


def test_reading_messages_does_not_move_where_the_program_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else its next messages overwrite earlier ones."""
    source = "import sys; sys.stdin.read(); sys.stderr.write('x' * 5_000 + 'END'); sys.stderr.flush()"
    with program(tmp_path, monkeypatch, source) as running:
        fd = running._messages.fileno()
        os.write(fd, b"first")
        os.lseek(fd, 2, os.SEEK_SET)
        assert running._last_words() == "first"
        assert os.lseek(fd, 0, os.SEEK_CUR) == 2
        assert running._process.stdin is not None
        running._process.stdin.close()
        with pytest.raises(ProgramEndedError, match=r"exit code 0: x{1997}END$"):
            running.receive(30.0)
