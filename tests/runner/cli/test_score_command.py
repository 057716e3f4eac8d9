"""`unlearn score` prints cards of evaluations and of files, ranks them, and refuses wrong arguments."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from runner.challenge.challenge import Challenge
from runner.challenge.limits import Limits
from runner.challenge.outputs import NetworkOutputs, pack_outputs
from runner.store.open_store import open_store
from runner.store.paths import EvaluationPaths
from runner.store.records import RunRecord
from runner.time_limits.terms import resolve_terms
from runner.verdict import Verdict
from scoring.card.card import ScoreCard
from scoring.outputs import Outputs, save_outputs
from tests.support.command import type_command
from tests.support.records import evaluation_record

COUNTS = np.full((4, 2), 10)
LABELS = np.arange(12) % 2


def population(seed: int, models: int = 20, shift: float = 0.0) -> Outputs:
    """Return models with two classes whose margins lie ``shift`` too high."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(models, 12, 2))
    logits[:, np.arange(12), LABELS] += shift
    return Outputs(
        logits=logits,
        labels=LABELS,
        correct=np.full((models, 4, 2), 9),
        class_counts=COUNTS,
        unseen_losses=rng.exponential(size=(models, 10)),
    )


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Return a folder with outputs: references, two populations like them, one unlike, and one too small."""
    for name, outputs in {
        "references": population(0),
        "like": population(1),
        "alike": population(2),
        "far": population(3, shift=2.0),
        "few": population(4, models=3),
    }.items():
        save_outputs(outputs, tmp_path / f"{name}.npz")
    return tmp_path


def score(folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    return type_command("score", *arguments, cwd=folder)


def test_the_card_of_a_file_is_a_table_or_json(files: Path) -> None:
    """The JSON on stdout and in the file can be parsed as the score card that the table shows."""
    arguments = ("--unlearned", "like.npz", "--references", "references.npz")
    table = score(files, *arguments, "--retraining-seconds", "10", "--out", "card.json")
    assert table.returncode == 0, table.stderr
    for word in ("score", "ceiling", "held-out", "joint attack", "KLoM", "U-LiRA", "loss MIA", "ToW"):
        assert word in table.stdout
    assert "The times of the runs are unknown." in table.stdout
    card = ScoreCard.from_json((files / "card.json").read_bytes())
    assert (card.n, card.references, card.examples) == (20, 20, 12)
    printed = json.loads(score(files, *arguments, "--json").stdout)
    assert printed.pop("submission") == "like"
    assert ScoreCard.from_json(json.dumps(printed)).published.score == card.published.score


def test_several_files_are_ranked(files: Path) -> None:
    """Two similar populations share a rank; a very different one ranks after them."""
    arguments = [part for name in ("like", "alike", "far") for part in ("--unlearned", f"{name}.npz")]
    process = score(files, *arguments, "--references", "references.npz", "--json")
    assert process.returncode == 0, process.stderr
    *cards, last = map(json.loads, process.stdout.splitlines())
    assert [card["submission"] for card in cards] == last["submissions"] == ["like", "alike", "far"]
    ranks = last["comparison"]["score"]["rank"]
    assert ranks[0] == ranks[1] == 1
    assert "Ranks" in score(files, *arguments, "--references", "references.npz").stdout


def test_too_few_models_are_not_ranked(files: Path) -> None:
    """The cards are shown, with the reason why there are no ranks."""
    process = score(
        files, "--unlearned", "few.npz", "--unlearned", "few.npz", "--references", "references.npz"
    )
    assert process.returncode == 0, process.stderr
    assert "They are not compared" in process.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ((), 2, "Name evaluations, or files"),
        (("x", "--unlearned", "like.npz", "--references", "references.npz"), 2, "Name evaluations, or files"),
        (("--unlearned", "like.npz"), 2, "go together"),
        (("--unlearned", "missing.npz", "--references", "references.npz"), 3, "cannot be read"),
        (("--unlearned", "garbage.npz", "--references", "references.npz"), 2, "not an npz file"),
        (("--unlearned", "other.npz", "--references", "references.npz"), 2, "do not go together"),
        (
            (*("--unlearned", "like.npz") * 2, "--references", "references.npz", "--out", "x.json"),
            2,
            "--out takes",
        ),
        (
            ("--unlearned", "like.npz", "--references", "references.npz", "--retraining-seconds", "0"),
            2,
            "above zero and finite",
        ),
        (("abc", "--store", "nowhere"), 2, "nowhere"),
    ],
)
def test_wrong_arguments_are_refused(
    files: Path, arguments: tuple[str, ...], code: int, message: str
) -> None:
    """Stderr holds one sentence and no traceback; the exit code is the documented one."""
    (files / "garbage.npz").write_bytes(b"garbage")
    other = population(5)
    save_outputs(
        Outputs(
            logits=other.logits,
            labels=1 - other.labels,
            correct=other.correct,
            class_counts=other.class_counts,
        ),
        files / "other.npz",
    )
    process = score(files, *arguments)
    assert process.returncode == code, process.stderr
    assert message in " ".join(process.stderr.split())
    assert "Traceback" not in process.stderr


def store_evaluation(
    folder: Path,
    challenge: Challenge,
    *,
    verdict: Verdict = Verdict.OK,
    n: int = 3,
    reason: str | None = None,
    identity: str = "0123456789ab",
) -> None:
    """Store an evaluation with three published runs, and finish it."""
    with closing(open_store(folder, create=True)) as store:
        store.begin(
            evaluation_record(
                id=identity,
                challenge="tiny",
                challenge_sha256=challenge.sha256,
                n=n,
                challenge_folder=str(challenge.folder),
            )
        )
        terms = resolve_terms(Limits(), "full")
        store.agree(identity, terms.machine, terms.model_dump(mode="json"))
        for index in range(3):
            store.publish(
                identity,
                RunRecord(
                    index=index,
                    seed=index,
                    attempt=1,
                    verdict=verdict,
                    detail="" if verdict is Verdict.OK else "ValueError: no such luck\n  more",
                    host_seconds=1.0,
                    run_seconds=1.0,
                    checkpoint_sha256="",
                    log_bytes_dropped=0,
                ),
            )
            file = EvaluationPaths(folder=folder / identity).outputs(index)
            file.parent.mkdir(parents=True, exist_ok=True)
            logits = np.random.default_rng(index).normal(size=(3, 2)).astype(np.float32)
            outputs = NetworkOutputs(
                logits=logits, correct=np.ones((4, 2), np.int64), unseen_losses=np.ones(2, np.float32)
            )
            file.write_bytes(pack_outputs(outputs))
        store.finish(identity, {"score": None, "warnings": [], **({"reason": reason} if reason else {})})


def test_the_card_of_an_evaluation_reports_missing_parts(
    tmp_path: Path, load_challenge: Callable[[Limits], Challenge]
) -> None:
    """A prefix of its name is enough, and its challenge is loaded from the recorded folder."""
    store_evaluation(tmp_path / "store", load_challenge(Limits()))
    process = score(tmp_path, "0123", "--store", "store")
    assert process.returncode == 0, process.stderr
    assert "mine: 3 runs, 3 references" in process.stdout
    assert "no uncertainty:" in process.stdout


def test_an_unfinished_evaluation_has_no_card(
    tmp_path: Path, load_challenge: Callable[[Limits], Challenge]
) -> None:
    """Repeating the command that began it would help."""
    store_evaluation(tmp_path / "store", load_challenge(Limits()), n=4)
    process = score(tmp_path, "0123", "--store", "store")
    assert process.returncode == 2
    assert "has not ended" in " ".join(process.stderr.split())


@pytest.mark.parametrize(
    ("verdict", "n", "reason", "words"),
    [
        ("crashed", 3, None, "run 0 ended as crashed (ValueError: no such luck)"),
        (
            "time-limit",
            64,
            "run 0 ended as time-limit",
            "run 0 ended as time-limit (ValueError: no such luck)",
        ),
        ("ok", 3, "the references never classify correctly", "the references never classify correctly"),
    ],
    ids=["all runs ended", "stopped at the first failure", "cannot be scored"],
)
def test_an_evaluation_that_earned_no_score_is_exit_code_1(
    tmp_path: Path,
    load_challenge: Callable[[Limits], Challenge],
    verdict: str,
    n: int,
    reason: str | None,
    words: str,
) -> None:
    """It has ended: the reason is told, and no command that would change it."""
    store_evaluation(
        tmp_path / "store", load_challenge(Limits()), verdict=Verdict(verdict), n=n, reason=reason
    )
    process = score(tmp_path, "0123", "--store", "store")
    assert process.returncode == 1
    assert f"mine (evaluation 0123456789ab) earned no score: {words}." in " ".join(process.stderr.split())
    assert process.stdout == ""
    printed = json.loads(score(tmp_path, "0123", "--store", "store", "--json").stdout)
    assert (printed["score"], printed["reason"]) == (None, words)


def test_a_failed_evaluation_is_listed_below_the_ranked_ones(
    tmp_path: Path, load_challenge: Callable[[Limits], Challenge]
) -> None:
    """The others are scored and compared as without it; its position among the arguments does not matter."""
    challenge = load_challenge(Limits())
    for identity, verdict in (("0" * 12, "ok"), ("1" * 12, "crashed"), ("2" * 12, "ok")):
        store_evaluation(tmp_path / "store", challenge, verdict=Verdict(verdict), identity=identity)
    names = ("000", "111", "222", "--store", "store")
    process = score(tmp_path, *names)
    assert process.returncode == 1, process.stderr
    assert process.stdout.count("mine: 3 runs") == 2
    last = " ".join(process.stdout.split()).rpartition("They are not compared")[2]
    assert "(evaluation 111111111111) earned no score: run 0 ended as crashed" in last
    *cards, comparison, failed = map(json.loads, score(tmp_path, *names, "--json").stdout.splitlines())
    assert len(cards) == len(comparison["submissions"]) == 2
    assert failed["evaluation"] == "1" * 12
