"""Which executable files of the image are programs: others lose the bit that makes them executable."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.worker.unreadable import is_program


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"\x7fELF\x02\x01\x01", True),
        (b"#!/bin/sh\n", True),
        (b"", False),
        (b"BC\xc0\xde5\x14", False),
        (b"import os\n", False),
        (b"\x7fELF\x01\x01\x01", False),
        (b" #!/bin/sh\n", False),
    ],
    ids=["program", "script", "empty", "bitcode", "text", "of another word size", "almost a script"],
)
def test_only_what_the_kernel_can_execute_is_a_program(
    tmp_path: Path, head: bytes, *, expected: bool
) -> None:
    """For anything else that is no text, kernels before 6.14 start a process of the host."""
    file = tmp_path / "file"
    file.write_bytes(head)
    assert is_program(file) is expected
