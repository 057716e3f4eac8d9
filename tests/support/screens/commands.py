"""What each command prints of the hostile store, in this process."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from runner.cli import run, score, verify
from runner.cli.cluster.status import show_nodes
from runner.cli.console import print_error, print_note, stdout_console
from runner.cli.image import _show_facts
from runner.cli.interface.challenge_commands import (
    CHALLENGE_COMMANDS,
    COMPETITION_COMMANDS,
    REJUDGE_COMMANDS,
    TEAM_COMMANDS,
)
from runner.cli.interface.cluster_commands import CLUSTER_COMMANDS
from runner.cli.interface.store_commands import CHECKPOINT_COMMANDS, STORE_COMMANDS
from runner.cli.main import COMMANDS, run_words
from runner.cli.participant.check_output import CheckOutput
from runner.cli.web.client import EntryAnswer, HandInAnswer
from runner.cli.web.submit import print_handed_in
from runner.cluster.decisions.fitness import NodeFacts
from runner.cluster.survey import SurveyedNode
from runner.devices.device import Device
from runner.doctor.findings import Status, make_finding
from runner.doctor.table import show_findings
from runner.gallery.attacks import load_attacks
from runner.gallery.judge import judge_refusal
from runner.gallery.report import gallery_remarks, gallery_table
from runner.gallery.run import GalleryReport
from runner.reports.views.make import failure_view
from runner.reports.views.model import EvaluationView, MemoryView, NoticeView, ScoreView, TimeView
from runner.results.entry_result import EntryResult
from runner.results.population import Population, compare_populations
from runner.store.entries.records import Entry, Outcome
from runner.store.open_store import open_store
from runner.verdict import Verdict
from scoring.card.card import ScoreCard
from scoring.statistics.comparison import Comparison
from tests.support.populations import population
from tests.support.records import run_record
from tests.support.screens.contest import contest_of
from tests.support.screens.store import (
    CHALLENGE,
    DETAIL,
    ENDED,
    ESCAPES,
    FAILED,
    LOG,
    LONG,
    NAMES,
    ROWS,
    UNFINISHED,
    WIDE,
    summary_at,
)

Screen = Callable[[Path], None]
"""Prints what a command prints of the store in a folder."""


def _typed(*words: str) -> Screen:
    """Return what types a command on the store."""
    return lambda folder: run_words([*words, "--store", str(folder)])


def _check(folder: Path) -> None:
    """Print what `unlearn check` prints of each kind of ending."""
    failed = run_record(verdict=Verdict.CRASHED, detail=DETAIL, exception_type="ValueError")
    common: dict[str, Any] = {"submission": LONG, "challenge": WIDE, "n": 2, "verdicts": {"ok": 2}}
    problem = NoticeView(kind="unchanged", level="problem", sentence=LONG, advice=LONG)
    views = [
        EvaluationView(evaluation="0" * 12, path=f"{folder}/{LONG}", status="smoke-test", **common),
        EvaluationView(
            evaluation="1" * 12,
            path=f"{folder}/{LONG}.zip",
            status="failed",
            failure=failure_view(failed, LOG, f"{folder}/mine.zip"),
            notices=[problem],
            **common,
        ),
        EvaluationView(
            evaluation="2" * 12,
            status="scored",
            score=ScoreView(value=0.1234, low=0.1, high=0.2),
            time=TimeView(run_seconds=1.0, limit_seconds=60.0, projected_runs=64, projected_seconds=64.0),
            memory=MemoryView(peak_bytes=1 << 28, limit_bytes=1 << 30),
            next=[f"unlearn show 222222222222 --card --store {folder}"],
            **common,
        ),
    ]
    for github in (False, True):
        output = CheckOutput(as_json=False, github=github, junit=None)
        for view in views:
            output.print_view(view)


def _run(folder: Path) -> None:
    """Print what `unlearn run` prints in the end."""
    with closing(open_store(folder, create=False)) as store:
        entries = [store.entries_of(identity)[0] for identity in ROWS]
    outcomes = {"failed": Outcome.FAILED, "held": Outcome.HELD}
    ended = [(entry, *ROWS[entry.evaluation or ""]) for entry in entries]
    results = [
        EntryResult(
            entry=entry,
            summary=summary_at(entry.evaluation or ""),
            outcome=outcomes.get(status, Outcome.SCORED),
            same_as=_same(entry) if at == 2 else None,
            evaluated_at=datetime(2026, 1, 1, tzinfo=UTC) if at == 4 else None,
        )
        for at, (entry, status, _score) in enumerate(ended)
        if not status.startswith("interrupted")
    ]
    run._show(results, folder, as_json=False, keep_going=False, may_repeat=True)


def _same(entry: Entry) -> Entry:
    return replace(entry, id=entry.id + 1000, name=WIDE)


def _verify(_folder: Path) -> None:
    verify._show(ENDED, {"checkpoint": 8}, [0, 4], [f"{ESCAPES} {LONG}", WIDE], as_json=False)


def _compare(_folder: Path) -> None:
    """Print the cards and the ranks of evaluations, as `show --card`, `score` and `compare` do."""
    cards, comparison = _scored()
    requested = score._Requested(seed=None, retraining_seconds=None)
    score._show(list(NAMES[:2]), list(cards), comparison, requested, as_json=False)
    failed = replace(_population(1), name=ESCAPES, no_score=DETAIL)
    score._show_failed([failed], as_json=False, below=True)


@functools.cache
def _scored() -> tuple[tuple[ScoreCard, ScoreCard], Comparison | str]:
    """Return two cards with every part, which takes a second, and their comparison."""
    populations = [_population(1), _population(2)]
    card = populations[0].new_card(seed=0, retraining_seconds=None)
    return (card, card), compare_populations(populations, seed=0)


def _population(seed: int) -> Population:
    outputs = population(seed, models=20, classes=2), population(0, models=20, classes=2)
    return Population(name=LONG, challenge_sha256="", load=lambda: outputs)


def _image(_folder: Path) -> None:
    _show_facts(
        {
            "tag": "unlearn:0123456789abcdef",
            "inputs": "1" * 64,
            "identity": f"sha256:{'2' * 64}",
            "config": None,
            "references": [f"registry.example/{LONG}@sha256:{'3' * 64}"],
            "torch_index": ESCAPES,
            "size_bytes": 6_000_000_000,
        },
        as_json=False,
    )


def _doctor(_folder: Path) -> None:
    findings = [
        make_finding("store", status, f"{ESCAPES} {LONG}", WIDE, lost=f"that {ESCAPES}") for status in Status
    ]
    show_findings(findings, stdout_console())


def _cluster_status(_folder: Path) -> None:
    """Print what `unlearn cluster status` prints of nodes with hostile names."""
    device = Device(name="cpu 1/1", requested="cpu", recorded="cpu", cores=2.0)
    facts = NodeFacts(
        host=WIDE, version="", cores=2, memory_bytes=1 << 35, free_bytes=1 << 36, devices=(device,)
    )
    show_nodes(
        [
            SurveyedNode(id="0", name=f"{ESCAPES} {LONG}", facts=facts, problem=""),
            SurveyedNode(id="1", name=WIDE, facts=None, problem=f"{ESCAPES} {LONG}"),
        ]
    )


def _gallery(_folder: Path) -> None:
    attacks = [attack for attack in load_attacks() if attack.description.refusal is not None]
    results = [
        judge_refusal(
            attack=attack, runtime="runc", isolation="process", refusal=refusal, problems=(ESCAPES,)
        )
        for attack, refusal in zip(attacks, (ESCAPES, None) * len(attacks), strict=False)
    ]
    report = GalleryReport(results=tuple(results), leftovers=(LONG,))
    out = stdout_console()
    out.print(gallery_table(report, out.width))
    for line in gallery_remarks(report):
        out.print(line, markup=False, soft_wrap=True)


def _messages(_folder: Path) -> None:
    print_error(f"{ESCAPES} {LONG}")
    print_note(f"{ESCAPES} {LONG}")


def _help(words: str) -> Screen:
    return lambda _folder: run_words([*words.split(), "--help"])


def _contest(*words: str) -> Screen:
    """Return what types a command on the competition of the store."""
    return lambda folder: run_words(["competition", *words, str(contest_of(folder)), "--store", str(folder)])


def _submit(_folder: Path) -> None:
    """Print what `unlearn submit` prints of an answer with hostile text."""
    entry = EntryAnswer(id=7, state="refused", position=2, score=0.25, starts_in_seconds=90.0, reason=LONG)
    print_handed_in(HandInAnswer(entry=entry, is_new=False, remaining=4, resets_at=ESCAPES))


TABLES: Final[Mapping[str, Screen]] = {
    "list": _typed("list"),
    "list --sort": _typed("list", "--sort", "score", "--all"),
    "list -c": _typed("list", "-c", f"{0:064x}"),
    "run": _run,
}
"""Those with a row for each evaluation."""
SCREENS: Final[Mapping[str, Screen]] = {
    **TABLES,
    "show": _typed("show", ENDED),
    "show failed": _typed("show", FAILED),
    "show unfinished": _typed("show", UNFINISHED),
    "show --logs": _typed("show", FAILED, "--logs"),
    "show --participant": _typed("show", ENDED, "--participant"),
    "compare": _compare,
    "verify": _verify,
    "submit": _submit,
    "checkpoints list": _typed("checkpoints", "list"),
    "checkpoints list EVALUATION": _typed("checkpoints", "list", ENDED),
    "challenge show": lambda _folder: run_words(["challenge", "show", str(CHALLENGE)]),
    "check": _check,
    "image show": _image,
    "doctor": _doctor,
    "gallery": _gallery,
    "cluster status": _cluster_status,
    "competition status": _contest("status"),
    "competition audit": _contest("audit"),
    "competition team list": _contest("team", "list"),
    "competition team tokens": _contest("team", "tokens"),
    "competition final": _contest("final"),
    "competition final --dry-run": _contest("final", "--dry-run"),
    "competition clean --dry-run": _contest("clean", "--dry-run"),
    "errors": _messages,
    "--help": _help(""),
    **{f"{name} --help": _help(name) for name in COMMANDS},
    **{f"cluster {name} --help": _help(f"cluster {name}") for name in CLUSTER_COMMANDS},
    **{f"challenge {name} --help": _help(f"challenge {name}") for name in CHALLENGE_COMMANDS},
    **{f"store {name} --help": _help(f"store {name}") for name in STORE_COMMANDS},
    **{f"checkpoints {name} --help": _help(f"checkpoints {name}") for name in CHECKPOINT_COMMANDS},
    **{f"competition {name} --help": _help(f"competition {name}") for name in COMPETITION_COMMANDS},
    **{f"competition team {name} --help": _help(f"competition team {name}") for name in TEAM_COMMANDS},
    **{
        f"competition rejudge {name} --help": _help(f"competition rejudge {name}")
        for name in REJUDGE_COMMANDS
    },
}
"""What each command prints, by the command."""
