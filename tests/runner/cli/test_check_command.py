"""`unlearn check` shows each submission as it ends, in the requested forms, and sets the exit code."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import pytest

from runner.challenge.challenge import Challenge
from runner.challenge.limits import Limits
from runner.cli.participant.check import _check_all, _checker, _fast, check_command
from runner.cli.participant.check_output import CheckOutput
from runner.cli.participant.stored_view import find_named
from runner.cli.participant.watch import changes_of, is_part_of
from runner.engine.placement import DEFAULT_PLACEMENT
from runner.errors import ConfigurationError, HostNotReadyError, SandboxLostError
from runner.evaluation.check import Checker
from runner.evaluation.entries import HandIn
from runner.image.image import Image
from runner.results.summary import Summary
from runner.store.listing import DATABASE_FILE
from runner.store.open_store import open_store
from runner.store.paths import EvaluationPaths, evaluation_id
from runner.store.store import Store
from runner.submission.load import Submission, load_submission
from runner.verdict import Verdict
from tests.support.records import evaluation_record, run_record

DETAIL = "NameError: name 'nett' is not defined (submission.py, line 2)"
LOG = 'Traceback (most recent call last):\n  File "/w/.submission/submission.py", line 2, in f\n    nett\n'


class Host:
    """Evaluates submissions in memory: one whose code contains ``nett`` crashes, ``lost`` loses the sandbox."""

    def __init__(self, store: Store, folder: Path, challenge: Challenge) -> None:
        self.store, self.folder, self.challenge = store, folder, challenge
        self.executed: list[tuple[str, int]] = []

    def name(self, submission: Submission, n: int) -> str:
        return f"{submission.sha256[:8]}{n:04d}"

    def evaluate(self, submission: Submission, n: int) -> Summary:
        self.executed.append((submission.name, n))
        name = self.name(submission, n)
        if b"lost" in submission.archive:
            raise SandboxLostError("The worker container ended in mid-run.")
        record = evaluation_record(
            id=name,
            submission_sha256=submission.sha256,
            submission=submission.name,
            challenge=self.challenge.description.name,
            challenge_sha256=self.challenge.sha256,
            n=n,
        )
        self.store.begin(record)
        crashes = b"nett" in submission.archive
        if crashes:
            run = run_record(verdict=Verdict.CRASHED, detail=DETAIL, exception_type="NameError")
            log = EvaluationPaths(folder=self.folder / name).log(0)
            log.parent.mkdir(parents=True)
            log.write_text(LOG)
            self.store.publish(name, run)
        else:
            for index in range(n):
                self.store.publish(name, run_record(index=index, run_seconds=0.5))
        summary = Summary(
            evaluation=name,
            submission=submission.name,
            challenge=record.challenge,
            n=n,
            verdicts={"crashed": 1} if crashes else {"ok": n},
            seconds=1.0,
            score=None if crashes else 0.1 + len(submission.name) / 100,
            score_low=None if crashes else 0.09,
            score_high=None if crashes else 0.15,
            reason=f"run 0 ended as crashed ({DETAIL})" if crashes else None,
        )
        self.store.finish(name, summary.to_json())
        return summary


@pytest.fixture
def host(tmp_path: Path, load_challenge: Callable[[Limits], Challenge]) -> Iterator[Host]:
    folder = tmp_path / "checks"
    with closing(open_store(folder, create=True)) as store:
        yield Host(store, folder, load_challenge(Limits()))


@pytest.fixture
def checker(host: Host) -> Checker:
    return Checker(
        store=host.store,
        folder=host.folder,
        challenge=host.challenge,
        evaluation_of=host.name,
        evaluate=host.evaluate,
        report=lambda _sentence: None,
    )


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], Path]:
    def write(name: str, source: str) -> Path:
        path = tmp_path / name
        path.write_text(source)
        return path

    return write


def output(**options: Any) -> CheckOutput:
    return CheckOutput(**{"as_json": False, "github": False, "junit": None, **options})


def test_a_failure_is_shown_with_its_line_and_the_command_for_more(
    checker: Checker, write: Callable[[str, str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """The path as it was typed; and the command names the evaluation, which `show` finds."""
    path = write("mine.py", "def unlearning(*args):\n    nett\n")
    assert _check_all(checker, [path], output()) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[:4] == [
        f"{path}: failed, 1 run (1 crashed)",
        f"  {path}:2",
        "  | nett",
        "  crashed: NameError: name 'nett' is not defined",
    ]
    word = lines[4].split()[3]
    assert lines[4] == f"  next: unlearn show {word} --logs"
    assert find_named(word, path.parent / "nowhere" / "evaluations", checker.folder).name == word
    assert find_named("last", path.parent, checker.folder).view().failure is not None


def test_exit_codes_and_junit_tell_failures_from_faults_of_the_host(
    checker: Checker, write: Callable[[str, str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """1 for a failure or a refusal, 4 for a lost sandbox; all of them are checked and in the file."""
    good, bad = write("good.py", "ok = 1\n"), write("bad.py", "nett\n")
    refused, lost = write("refused.ipynb", "{}"), write("lost.py", "lost = 1\n")
    junit = tmp_path / "out" / "junit.xml"
    assert _check_all(checker, [good], output(junit=junit)) == 0
    assert "submission" not in capsys.readouterr().out
    assert _check_all(checker, [good, refused], output(junit=junit)) == 1
    assert _check_all(checker, [good, bad, refused, lost, good], output(junit=junit)) == 4
    suite = ElementTree.parse(junit).getroot()[0]
    assert [[child.tag for child in case] for case in suite] == [[], ["failure"], ["failure"], ["error"], []]
    text = capsys.readouterr().out
    assert "nbconvert" in text
    assert text.endswith("\n5 submissions: 2 ok, 1 failed, 1 not judged, 1 refused\n")


@pytest.mark.parametrize(
    ("feedback", "expected"), [("full", ["2.345", "0.621"]), ("verdict-only", ["2.000", "1.000"])]
)
def test_junit_has_exact_times_only_where_the_policy_is_full(
    checker: Checker, write: Callable[[str, str], Path], tmp_path: Path, feedback: str, expected: list[str]
) -> None:
    """Of a submission that ran and of one that crashed; their sum is of these, too."""
    description = checker.challenge.description.model_copy(update={"feedback": feedback})
    checker = replace(checker, challenge=replace(checker.challenge, description=description))
    shown = output(junit=tmp_path / "junit.xml")
    for name, source, seconds in (("good.py", "ok = 1\n", 2.345), ("bad.py", "nett\n", 0.621)):
        path = write(name, source)
        shown.show(
            checker,
            path,
            replace(checker.check(HandIn(path=path, content=load_submission(path))), seconds=seconds),
        )
    shown.finish()
    suite = ElementTree.parse(tmp_path / "junit.xml").getroot()[0]
    assert [case.get("time") for case in suite] == expected
    assert suite.get("time") == f"{sum(map(float, expected)):.3f}"


def test_a_smoke_test_is_executed_anew_and_a_score_is_not(
    checker: Checker, host: Host, write: Callable[[str, str], Path]
) -> None:
    """Nothing is scored unless the smoke test passes."""
    good, bad = write("good.py", "ok = 1\n"), write("bad.py", "nett\n")
    scoring = Checker(
        **{
            name: getattr(checker, name)
            for name in ("store", "folder", "challenge", "evaluation_of", "report")
        },
        evaluate=host.evaluate,
        scored_runs=64,
    )
    for _repeated in range(2):
        _check_all(checker, [good], output())
    assert host.executed == [("good", 2), ("good", 2)]
    assert _check_all(scoring, [good, bad], output()) == 1
    assert host.executed[2:] == [("good", 2), ("good", 64), ("bad", 2)]


def test_a_smoke_test_has_what_a_run_has(load_challenge: Callable[[Limits], Challenge]) -> None:
    """One container, with the cores of one of several runs at once: its time is that of an evaluation."""
    challenge = load_challenge(Limits(cpus=4.0, concurrency=2))
    smoke = _fast(challenge, 2).description.limits
    assert (smoke.cpus, smoke.concurrency, smoke.threads) == (2.0, 1, 2)
    assert _fast(challenge, 64) == challenge


def test_checks_of_a_later_version_hide_no_evaluation(
    checker: Checker, write: Callable[[str, str], Path], tmp_path: Path
) -> None:
    """The store that was named is read all the same, also for the newest of both."""
    _check_all(checker, [write("mine.py", "ok = 1\n")], output())
    open_store(tmp_path / "later", create=True).close()
    with closing(sqlite3.connect(tmp_path / "later" / DATABASE_FILE)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    for word in ("mine", "last"):
        assert find_named(word, checker.folder, tmp_path / "later").folder == checker.folder
    with pytest.raises(HostNotReadyError, match="later version"):
        find_named("mine", tmp_path / "later", checker.folder)


def test_a_score_is_compared_with_that_of_a_known_method(
    checker: Checker,
    host: Host,
    write: Callable[[str, str], Path],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It is evaluated before the submission, so that this is the last evaluation; and never against itself."""
    known, mine = write("finetune.py", "known = 1\n"), write("mine.py", "ok = 1\n")
    scoring = replace(checker, scored_runs=64, baseline=load_submission(known))
    assert _check_all(scoring, [mine, known], output(as_json=True)) == 0
    assert host.executed == [("mine", 2), ("finetune", 64), ("mine", 64), ("finetune", 2), ("finetune", 64)]
    first, second = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert first["baseline"] == {"name": "finetune", "score": 0.18, "runs_to_tell_apart": 72}
    assert second["baseline"] is None
    _check_all(scoring, [mine], output())
    text = capsys.readouterr().out
    assert "finetune, the contest's simplest baseline, scores 0.1800 here: it takes about 72 runs" in text
    lost = replace(scoring, baseline=load_submission(write("lost.py", "lost\n")))
    assert _check_all(lost, [mine], output(as_json=True)) == 0
    assert json.loads(capsys.readouterr().out)["baseline"] is None


def test_json_is_an_object_for_each_and_nothing_else(
    checker: Checker, write: Callable[[str, str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """With the version of its schema."""
    _check_all(checker, [write("good.py", "ok = 1\n"), write("x.tar", "")], output(as_json=True))
    values = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(value["schema_version"], value["status"]) for value in values] == [
        (1, "smoke-test"),
        (1, "refused"),
    ]
    assert values[0]["next"] == [f"unlearn check {values[0]['path']} --score"]


def test_annotations_stand_outside_of_the_text(
    checker: Checker, write: Callable[[str, str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """While text is printed, commands are stopped by a token that nobody can guess."""
    path = write("mine.py", "nett\n")
    _check_all(checker, [path], output(github=True))
    lines = capsys.readouterr().out.splitlines()
    token = lines[0].removeprefix("::stop-commands::")
    assert len(token) == 32
    assert lines[-2] == f"::{token}::"
    assert lines[-1].startswith(f"::error file={path},line=2,title=crashed::NameError")


def test_what_a_host_could_not_check_is_an_error_in_the_junit_file(tmp_path: Path) -> None:
    """So that no test case is missing."""
    junit = tmp_path / "junit.xml"
    output(junit=junit).write_unjudged([Path("a.py"), Path("b.py")], "No container engine answers.")
    suite = ElementTree.parse(junit).getroot()[0]
    assert (suite.get("tests"), suite.get("errors")) == ("2", "2")
    assert suite[1][0].get("message") == "No container engine answers."


def test_a_name_that_neither_store_has_is_refused(
    checker: Checker, write: Callable[[str, str], Path], tmp_path: Path
) -> None:
    """With what is wrong with the store that was named, and that there is no such check."""
    with pytest.raises(ConfigurationError, match=r"There are no evaluations at [^(]*$"):
        find_named("mine", tmp_path / "nowhere", tmp_path / "no checks")
    _check_all(checker, [write("mine.py", "ok = 1\n")], output())
    with pytest.raises(ConfigurationError, match=r"There are no evaluations at .*no check has this name"):
        find_named("yours", tmp_path / "nowhere", checker.folder)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n": 64}, "--runs goes with --score"),
        ({"n": 2, "with_score": True}, "from 16 to"),
        ({"as_json": True, "github": True}, "choose one"),
        ({"challenge": Path("nowhere")}, "nowhere"),
    ],
)
def test_options_that_do_not_fit_are_refused_before_anything_starts(
    options: dict[str, Any], message: str, write: Callable[[str, str], Path]
) -> None:
    """Exit code 2, and one sentence."""
    with pytest.raises(ConfigurationError, match=message):
        check_command([write("a.py", "")], **options)


def test_a_path_where_nothing_is_is_refused(tmp_path: Path) -> None:
    """Before an engine is needed."""
    with pytest.raises(ConfigurationError, match="No submission exists"):
        check_command([tmp_path / "nothing"])


def test_a_submission_that_is_removed_while_it_is_watched_is_refused(
    checker: Checker, tmp_path: Path
) -> None:
    """And watching goes on."""
    assert _check_all(checker, [tmp_path / "gone.py"], output()) == 1


def test_files_of_a_submission_are_watched(tmp_path: Path) -> None:
    """Not its neighbours."""
    assert is_part_of(tmp_path / "mine" / "a" / "b.py", [tmp_path / "mine"])
    assert is_part_of(tmp_path / "mine.py", [tmp_path / "mine.py"])
    assert not is_part_of(tmp_path / "mine2" / "b.py", [tmp_path / "mine"])
    assert not is_part_of(tmp_path / "other.py", [tmp_path / "mine.py"])


def test_a_change_of_a_file_is_noticed(tmp_path: Path) -> None:
    """Also when an editor replaces the file; a neighbour's change is none."""
    pytest.importorskip("watchfiles")
    mine = tmp_path / "mine.py"
    mine.write_text("1")

    def replace() -> None:
        (tmp_path / "other.py").write_text("x")
        (tmp_path / "mine.new").write_text("2")
        (tmp_path / "mine.new").rename(mine)

    timer = threading.Timer(1.0, replace)
    timer.start()
    changes = next(iter(changes_of([mine])))
    timer.join()
    assert {name for _change, name in changes} == {str(mine)}


def test_a_gpu_is_recorded_by_the_uuid_that_its_number_stands_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, load_challenge: Callable[[Limits], Challenge]
) -> None:
    """The name of an evaluation rests on its device, and numbers change when a host starts again."""
    challenge, typed = load_challenge(Limits()), list[str]()
    image = Image(digest="c" * 64, identity="sha256:1")

    @contextmanager
    def session(_reporter: object, *, device: str, **_rest: object) -> Iterator[object]:
        typed.append(device)
        yield SimpleNamespace(
            device="cuda:GPU-11111111",
            image=image,
            placement=DEFAULT_PLACEMENT,
            evaluation_context=lambda _store, _folder: None,
        )

    monkeypatch.setattr("runner.cli.participant.check.host_session", session)
    monkeypatch.setattr("runner.cli.participant.check.load_challenge", lambda _folder: challenge)
    monkeypatch.setattr("runner.cli.participant.check.check_store_folder", lambda: tmp_path / "checks")
    output = CheckOutput(as_json=False, github=False, junit=None, challenge=tmp_path)
    submission = Submission(name="mine", sha256="a" * 64, archive=b"PK")
    with _checker(tmp_path, [], device="cuda:0", scored_runs=None, output=output) as checker:
        name = checker.evaluation_of(submission, 2)
    assert typed == ["cuda:0"]
    assert name == evaluation_id(
        submission=submission.sha256,
        challenge=challenge.sha256,
        image=image.digest,
        n=2,
        where=("process", "", "cuda:GPU-11111111"),
    )
