"""What a build can refuse without a container, it refuses before it starts one."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.builder.lock import build_lock
from tests.support.command import unlearn


def test_a_second_build_in_a_folder_waits_for_nothing(tmp_path: Path) -> None:
    """It ends with exit code 3 and a sentence."""
    with build_lock(tmp_path / "mine"):
        done = unlearn("challenge", "build", "digits", tmp_path / "mine", code=3)
    assert done.stderr == (
        f"unlearn: Another command is building in {tmp_path / 'mine'}; wait until it ends, or choose another "
        "folder.\n"
    )


@pytest.mark.parametrize(
    ("option", "value", "sentence"),
    [
        ("--architecture", "digitz", "--architecture: unknown architecture 'digitz' (did you mean digits?)"),
        ("--references", 100_000_000, "--references must be at most 100000, not 100000000"),
        ("--memory-mib", 1, "--memory-mib must be from 64 to 4194304, not 1 (1 MiB)"),
        ("--wall-fraction", 7, "--wall-fraction must be at most 1, not 7"),
        (
            "--wall-fraction",
            1e-9,
            "--wall-fraction must be at least 0.001, not 1e-09; 0.2 is usual.",
        ),
    ],
)
def test_options_out_of_range(tmp_path: Path, option: str, value: object, sentence: str) -> None:
    """With exit code 2, and no folder is left."""
    done = unlearn("challenge", "build", "digits", tmp_path / "mine", option, value, code=2)
    assert done.stderr.startswith(f"unlearn: {sentence}")
    assert not (tmp_path / "mine").exists()
