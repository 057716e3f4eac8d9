"""A store whose submissions, challenges, paths, reasons and logs are hostile or long."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from runner.results.summary import Summary
from runner.store.entries.records import NewEntry, Outcome
from runner.store.open_store import open_store
from runner.store.paths import EvaluationPaths
from runner.store.records import EvaluationRecord
from runner.verdict import Verdict
from tests.support.paths import TEST_DATA
from tests.support.records import evaluation_record, run_record, summary_of

DATA: Final = TEST_DATA / "stored-version-1"
CHALLENGE: Final = DATA / "challenge"
ENDED: Final = "628abf2578c0"
"""An evaluation with a manifest and outputs."""
LONG: Final = "a_name_without_end_" * 12
WIDE: Final = "\N{CJK UNIFIED IDEOGRAPH-540D}" * 70
ESCAPES: Final = (
    "\x1b[31mred\x1b]0;title\x07 \N{RIGHT-TO-LEFT OVERRIDE}gpj.exe\r\n[bold]é ü \N{GRINNING FACE}[/bold]"
)
NAMES: Final = (ESCAPES, LONG, WIDE, "two\nlines\tand [red]markup", "-rf --all")
DETAIL: Final = f"ValueError: {ESCAPES} {LONG} (submission.py, line 3)"
LOG: Final = (
    f'{ESCAPES}\nTraceback (most recent call last):\n  File "/w/.submission/submission.py", line 3, in f\n'
    f"    raise ValueError({LONG})\n"
)
ROWS: Final[Mapping[str, tuple[str, str]]] = {
    f"{at:012x}": (status, f"{at / 100:.4f}" if status == "scored" else "")
    for at, status in enumerate(
        ("scored", "failed", "scored", "held", "smoke test", "scored", "judged", "interrupted 0/512"),
        start=10,
    )
}
"""Status and score of each evaluation of the store, as tables show them."""


FAILED: Final = f"{11:012x}"
UNFINISHED: Final = f"{17:012x}"


def make_store(folder: Path) -> None:
    """Create the store: `ENDED`, and one evaluation of each kind in `ROWS`, all with names of `NAMES`."""
    shutil.copytree(DATA / "store", folder)
    with closing(open_store(folder, create=False)) as store:
        for at, (identity, (status, _score)) in enumerate(ROWS.items()):
            n = 8 if status == "smoke test" else 512
            record = evaluation_record(
                id=identity,
                submission=NAMES[at % len(NAMES)],
                challenge=f"{NAMES[-at % len(NAMES)]}",
                challenge_sha256=f"{at % 3:064x}",
                n=n,
                challenge_folder=f"/srv/{LONG}",
            )
            store.begin(record)
            store.record_entries(identity, [_entry(record), replace(_entry(record), name=f"{at} {LONG}")])
            if status == "failed":
                crashed = {"verdict": Verdict.CRASHED, "detail": DETAIL, "exception_type": ESCAPES}
                store.publish(identity, run_record(index=0, **crashed))
                log = EvaluationPaths(folder=folder / identity).log(0)
                log.parent.mkdir(parents=True)
                log.write_text(LOG)
            if not status.startswith("interrupted"):
                store.finish(identity, summary_at(identity).to_json())
        refused = replace(_entry(record), evaluation=None, outcome=Outcome.REFUSED, reason=ESCAPES + LONG)
        store.record_entries("refused", [replace(refused, name=name) for name in NAMES])


def _entry(record: EvaluationRecord) -> NewEntry:
    return NewEntry(
        name=record.submission,
        path=f"incoming/{record.submission}.zip",
        folder="/srv",
        content_sha256=record.submission_sha256,
        challenge=record.challenge,
        challenge_sha256=record.challenge_sha256,
        n=record.n,
        evaluation=record.id,
    )


def summary_at(identity: str) -> Summary:
    """Return the summary of an evaluation of `ROWS`."""
    at = list(ROWS).index(identity)
    status, score = ROWS[identity]
    n = 8 if status == "smoke test" else 512
    changes: dict[str, dict[str, Any]] = {
        "scored": {
            "score": float(score or 0),
            "score_low": 0.001,
            "score_high": 0.987,
            "epsilon_mean": 43.2,
            "forgetting_quality": 0.5,
            "retain_ratio": 0.9,
            "test_ratio": 0.9,
            "share_of_ceiling": 1.0,
        },
        "failed": {"reason": f"run 0 ended as crashed ({DETAIL})"},
        "held": {"held": True, "reason": ESCAPES},
        "smoke test": {"score": 0.5},
        "judged": {"score_withheld": True, "reason": "The challenge withholds it."},
    }
    return summary_of(
        evaluation=identity,
        submission=NAMES[at % len(NAMES)],
        challenge=NAMES[-at % len(NAMES)],
        n=n,
        verdicts={"ok": 300, "crashed": 100, "time-limit": 112} if status == "failed" else {"ok": n},
        warnings=[f"{ESCAPES} {LONG}"],
        run_seconds_median=12.345,
        **changes[status],
    )
