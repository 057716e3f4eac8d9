"""The commands, as a user types them."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.support.paths import ROOT


def unlearn(*words: object, code: int = 0) -> subprocess.CompletedProcess[str]:
    """Type a command and require its exit code, and that no traceback was shown."""
    done = subprocess.run(
        [sys.executable, "-m", "runner.cli", *map(str, words)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done
