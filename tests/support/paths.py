"""Where the repository and its samples lie."""

from __future__ import annotations

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
SAMPLES: Final = ROOT / "sample_submissions"
TEST_DATA: Final = ROOT / "tests" / "data"
RUNNER_GOLDEN: Final = ROOT / "tests" / "runner" / "golden"
"""Records that a change of the wall, of observations or of schemas has to touch."""
SCORING_GOLDEN: Final = ROOT / "tests" / "scoring" / "golden"
