"""Play a small contest from nothing to a published final, with 64 runs and 64 references: ``make contest``."""

from __future__ import annotations

import shlex
import shutil
import sys
import time
from functools import partial
from pathlib import Path

from tests.browser.conftest import launched
from tests.browser.examination import examine
from tests.contest.files import FULL
from tests.contest.play import play


def main() -> None:
    """Play it in the folder that is named, which is emptied first."""
    folder = Path(sys.argv[1]).resolve()  # browsers want whole paths
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    start = time.monotonic()

    def say(sentence: str) -> None:
        print(  # noqa: T201 - what the person who plays it sees
            f"contest: {time.monotonic() - start:4.0f} s  {sentence}", flush=True
        )

    with launched() as browser:
        typed = play(folder, FULL, say=say, examine=partial(examine, browser))
    text = "".join(f"$ unlearn {shlex.join(each.words)}\n{each.stdout}\n" for each in typed)
    (folder / "transcript.txt").write_text(text)
    say(f"done; its pages are in {folder}/public, what was typed in {folder}/transcript.txt")


if __name__ == "__main__":
    main()
