"""What each exit code of `unlearn` means; ``--help`` and the command reference show this table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

EXIT_CODES: Final[Mapping[int, str]] = {
    0: "every submission was scored (judged, where a challenge came without references)",
    1: "a submission earned no score or was refused",
    2: "wrong usage",
    3: "this host is not ready",
    4: "the sandbox was lost",
    5: "an unforeseen error, saved to a file",
    130: "interrupted (repeat the command to continue)",
}


def exit_codes_sentence() -> str:
    """Return all exit codes in one sentence."""
    return f"Exit codes: {'; '.join(f'{code} {meaning}' for code, meaning in EXIT_CODES.items())}."
