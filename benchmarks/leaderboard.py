"""How long a leaderboard of 1 200 teams takes from what is stored, and how large its page is.

``python -m benchmarks.leaderboard`` makes up a store with as many evaluations, without outputs, and renders
it in every format. ``--halves`` also times the scores on random halves of one submission of the contest's
size, which each evaluation costs once.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from runner.challenge.challenge import Challenge
from runner.cli.console import set_quiet
from runner.cli.organizer.leaderboard import leaderboard_command
from runner.leaderboard.board import make_board
from runner.leaderboard.page import board_page
from runner.leaderboard.stored.rows import ChallengeSource, stored_candidates
from runner.pages.write import page_bytes
from runner.progress import NullReporter
from runner.results.summary import Summary
from runner.store.database import utc_now
from runner.store.leaderboard.records import StoredConditions
from runner.store.listing import DATABASE_FILE
from runner.store.open_store import open_store
from runner.store.store import Store
from scoring.published.score import Accuracies
from scoring.statistics.comparison import ModelOutputs
from scoring.statistics.halves import halved_score

CHALLENGE = "c" * 64
N = 512
TERMS = {
    "wall_seconds": 60.0,
    "total_seconds": None,
    "wall_fraction": None,
    "retrain_seconds": 9.0,
    "feedback": "full",
}
SEED = 7
ENTRY = (
    "INSERT INTO entries (command, received, name, path, folder, content_sha256, challenge, "
    "challenge_sha256, n, evaluation, outcome, team) VALUES ('c', ?, ?, ?, '/', ?, 'contest', ?, ?, ?, ?, ?)"
)
EVALUATION = (
    "INSERT INTO evaluations (id, submission_sha256, submission, challenge, challenge_sha256, image, n, "
    "begun, seconds, summary, manifest_sha256) VALUES (?, ?, ?, 'contest', ?, ?, ?, ?, 100.0, ?, ?)"
)


def make_store(folder: Path, teams: int) -> None:
    """Fill a store with an entry of each team: nine of ten are scored, the others failed."""
    rng = np.random.default_rng(0)
    open_store(folder, create=True).close()
    now = str(utc_now())
    with closing(sqlite3.connect(folder / DATABASE_FILE)) as connection, connection:
        for at in range(teams):
            name, sha256, manifest = f"{at:012x}", f"{at:064x}", f"{at + 1:064x}"
            score = float(rng.beta(2, 12)) if at % 10 else None
            connection.execute(
                "INSERT INTO submissions VALUES (?, ?, 1000, ?)", (sha256, f"submission_{at % 7}", now)
            )
            connection.execute(
                EVALUATION,
                (
                    *(name, sha256, f"submission_{at % 7}", CHALLENGE, "e" * 64, N, now),
                    *(_summary(name, score).model_dump_json(exclude_unset=True), manifest),
                ),
            )
            outcome = "failed" if score is None else "scored"
            connection.execute(
                ENTRY,
                (
                    *(now, f"submission_{at % 7}", f"inbox/team{at}/submission.zip", sha256, CHALLENGE),
                    *(N, name, outcome, f"Team {at:04d} of the university"),
                ),
            )
            connection.execute("INSERT INTO terms VALUES (?, '', ?)", (name, json.dumps(TERMS)))
            if score is None:
                continue
            conditions = StoredConditions(
                image="sha256:" + "1" * 64,
                isolation="process",
                runtime="runc",
                device="cpu",
                limits='{"cpus": 2.0, "memory_bytes": 2147483648.0}',
                scorer=1,
            )
            connection.execute(
                "INSERT INTO conditions VALUES (?, ?, ?)", (name, manifest, conditions.model_dump_json())
            )
            halves = (score * np.exp(rng.normal(0, 0.15, size=(16, 2)))).tolist()
            connection.execute(
                "INSERT INTO halved_scores VALUES (?, ?, 1, ?, ?, ?)",
                (name, SEED, manifest, score, str(halves)),
            )


def _summary(name: str, score: float | None) -> Summary:
    values: dict[str, Any] = {
        "evaluation": name,
        "submission": "mine",
        "challenge": "contest",
        "n": N,
        "verdicts": {"ok": N} if score is not None else {"ok": 3, "crashed": 1},
        "seconds": 100.0,
        "run_seconds_median": 12.5,
    }
    if score is None:
        return Summary(**values, reason="run 3 ended as crashed (ValueError: shapes do not match)")
    return Summary(
        **values,
        score=score,
        score_low=score * 0.75,
        score_high=score * 1.33,
        forgetting_quality=score,
        retain_ratio=0.99,
        test_ratio=0.98,
        share_of_ceiling=score / 0.19,
        flags=["joint-attack", "certified"],
        flag_sentences=[
            "Checkpoints can be told from references.",
            "Epsilon is at least 1 for some examples.",
        ],
    )


@contextlib.contextmanager
def timed(name: str) -> Iterator[None]:
    """Print the wall time and the processor time of a step."""
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    print(
        f"{name:<44} {time.perf_counter() - wall:7.2f} s  {time.process_time() - cpu:7.2f} s of the processor"
    )


def no_challenge() -> Challenge:
    """Raise: everything is stored."""
    raise AssertionError("nothing should have to be computed")


def read_board(store: Store, folder: Path) -> bytes:
    """Return the page of a leaderboard, from the store to the bytes."""
    evaluations, entries = store.evaluations(), store.entries()
    candidates = stored_candidates(
        store,
        folder,
        evaluations,
        entries,
        baselines=(),
        sources={CHALLENGE: ChallengeSource(seed=SEED, load=no_challenge)},
        reporter=NullReporter(),
    )
    return page_bytes(board_page(make_board(candidates, challenge="contest", seed=SEED)))


def render_all(folder: Path) -> None:
    """Time each format; the first has the imports of all."""
    store = folder / "store"
    with closing(open_store(store, create=False)) as opened:
        for turn in ("page, from the store, first", "page, from the store, again"):
            with timed(turn):
                page = read_board(opened, store)
        print(f"page: {len(page)} bytes")
    commands: dict[str, Callable[[], None]] = {
        "JSON": lambda: leaderboard_command(store=store, seed=SEED, as_json=True),
        "terminal": lambda: leaderboard_command(store=store, seed=SEED),
        "CSV": lambda: leaderboard_command(store=store, seed=SEED, csv=folder / "board.csv"),
        "pages for the public, with a page a row": lambda: leaderboard_command(
            store=store, seed=SEED, participant=True, html=folder / "site"
        ),
        "the same, nothing changed": lambda: leaderboard_command(
            store=store, seed=SEED, participant=True, html=folder / "site"
        ),
    }
    for name, command in commands.items():
        with timed(name), contextlib.redirect_stdout(io.StringIO()):
            command()
    print(f"CSV: {(folder / 'board.csv').stat().st_size} bytes")


def time_halves(models: int, examples: int) -> None:
    """Time what one evaluation costs once."""
    rng = np.random.default_rng(1)

    def outputs() -> ModelOutputs:
        accuracies = Accuracies(retain=rng.uniform(0.9, 1, models), test=rng.uniform(0.8, 0.9, models))
        return ModelOutputs(confidences=rng.normal(size=(models, examples)), accuracies=accuracies)

    unlearned, references = outputs(), outputs()
    with timed(f"halves of one submission, {models}/{models}/{examples}"):
        halved_score(unlearned, references, seed=SEED)


def main() -> None:
    """Make a store, and print what each step takes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--teams", type=int, default=1200)
    parser.add_argument("--halves", action="store_true")
    options = parser.parse_args()
    set_quiet(active=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_store(folder / "store", options.teams)
        render_all(folder)
    if options.halves:
        time_halves(512, 700)


if __name__ == "__main__":
    main()
