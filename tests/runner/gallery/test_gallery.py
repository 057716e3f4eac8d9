"""The gallery without containers: what is read, what is packed, and how it is judged."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from runner.challenge.limits import wall_seconds
from runner.errors import ConfigurationError
from runner.gallery.attacks import GALLERY_LIMITS, Attack, load_attack, load_attacks
from runner.gallery.batches import Batch, Role, Step, batches, phases
from runner.gallery.judge import Outcome, Result, StepEnd, judge_attack, judge_refusal
from runner.gallery.report import gallery_json, gallery_remarks
from runner.gallery.run import GalleryReport
from runner.verdict import Verdict

SOURCE = "def unlearning(net, retain, forget, val): pass\n"


def write(
    folder: Path, description: str, *, files: tuple[str, ...] = ("submission.py", "control.py")
) -> Path:
    folder.mkdir(parents=True)
    (folder / "attack.toml").write_text(description)
    for name in files:
        (folder / name).write_text(SOURCE)
    return folder


def attack(folder: Path, more: str = "", verdicts: str = '["time-limit"]') -> Attack:
    return load_attack(write(folder, f'threat = 1\ntitle = "t"\nverdicts = {verdicts}\n{more}'))


def no_files(_attack: Attack, _role: Role) -> Path:
    raise AssertionError("nothing is to be made")


def end(
    role: Role, verdict: Verdict | None, *, seconds: float = 1.0, said: str = "", left: tuple[str, ...] = ()
) -> StepEnd:
    return StepEnd(
        step=Step(attack="a", role=role, seed=0),
        verdict=verdict,
        detail="",
        said=said,
        seconds=seconds,
        container_ended=False,
        left=left,
    )


def judged(
    one: Attack, *, ending: StepEnd, control: Verdict = Verdict.OK, probe: Verdict = Verdict.OK
) -> Result:
    ends = [end("control", control), ending, end("probe", probe)]
    return judge_attack(attack=one, runtime="runc", isolation="process", ends=ends)


def test_what_a_description_leaves_out_is_the_gallerys(tmp_path: Path) -> None:
    """Limits too; those that are named replace single ones."""
    found = attack(tmp_path / "a", "limits = { processes = 8 }")
    assert found.name == "a"
    assert found.description.all_limits() == GALLERY_LIMITS.with_changes(processes=8)
    assert found.description.isolations == ("process", "container")


@pytest.mark.parametrize(
    ("description", "complaint"),
    [
        ('threat = 1\ntitle = "t"\nverdicts = ["ok"]\nverdict = "ok"', "verdict"),
        ('threat = 1\ntitle = "t"\nverdicts = ["fine"]', "verdicts.0"),
        ('threat = 1\ntitle = "t"\nverdicts = []', "verdicts"),
        ('threat = 24\ntitle = "t"\nverdicts = ["ok"]', "threat"),
        ('threat = 1\ntitle = "t"', "verdicts or a refusal"),
        ('threat = 1\ntitle = "t"\nrefusal = "no"', "kind host"),
        ('threat = 1\ntitle = "t"\nverdicts = ["ok"]\nsays = "("', "pattern"),
        ('threat = 1\ntitle = "t"\nkind = "host"\nrefusal = "("', "pattern"),
        ('threat = 1\ntitle = "t"\nverdicts = ["ok"]\nlimits = { wall = 1 }', "wall"),
        ('threat = 1\ntitle = "t"\nverdicts = ["ok"]\n[runsc]\nopens = "x"', "runsc"),
        ("threat = ", "not TOML"),
    ],
)
def test_mistakes_in_a_description_are_named(tmp_path: Path, description: str, complaint: str) -> None:
    """Unknown keys are mistakes."""
    with pytest.raises(ConfigurationError, match=complaint):
        load_attack(write(tmp_path / "a", description))


def test_an_attack_without_its_control_is_refused(tmp_path: Path) -> None:
    """Beside every cannot stands its can."""
    folder = write(tmp_path / "a", 'threat = 1\ntitle = "t"\nverdicts = ["ok"]', files=("submission.py",))
    with pytest.raises(ConfigurationError, match=r"no control\.py"):
        load_attack(folder)


def test_an_unknown_name_is_refused(tmp_path: Path) -> None:
    """Rather than running nothing and finding it contained."""
    attack(tmp_path / "a")
    with pytest.raises(ConfigurationError, match="no attack called 'b'"):
        load_attacks(tmp_path, ["b"])


def test_the_nearest_ending_counts(tmp_path: Path) -> None:
    """What is said of the isolation, then of the runtime, then of all."""
    more = '[runsc]\nverdicts = ["crashed"]\nopen = "gVisor"\n[container]\nverdicts = ["ok"]'
    found = attack(tmp_path / "a", more)
    assert found.expectation("runc", "process").verdicts == (Verdict.TIME_LIMIT,)
    assert found.expectation("runc", "process").open is None
    assert found.expectation("runsc", "process").verdicts == (Verdict.CRASHED,)
    assert found.expectation("runsc", "container").verdicts == (Verdict.OK,)
    assert found.expectation("runsc", "container").open == "gVisor"


def test_an_ending_may_be_said_of_one_runtime_in_one_isolation(tmp_path: Path) -> None:
    """A hole that only shared containers have under gVisor is marked there alone."""
    found = attack(tmp_path / "a", '[runsc.process]\nopen = "shared"')
    assert found.expectation("runsc", "process").open == "shared"
    assert found.expectation("runsc", "container").open is None
    assert found.expectation("runc", "process").open is None


def names_of(batch: Batch) -> list[str]:
    return zipfile.ZipFile(io.BytesIO(batch.submission.archive)).namelist()


def test_attacks_with_equal_limits_share_an_archive(tmp_path: Path) -> None:
    """And others do not; each is preceded by its control and followed by a probe."""
    found = [
        attack(tmp_path / "a", "times = 2"),
        attack(tmp_path / "b"),
        attack(tmp_path / "c", "limits = { cpus = 1.0 }"),
    ]
    first, second = batches(found, no_files)
    assert [(step.attack, step.role) for step in first.steps] == [
        *[("a", "control"), ("a", "attack"), ("a", "attack"), ("a", "probe")],
        *[("b", "control"), ("b", "attack"), ("b", "probe")],
    ]
    assert {step.attack for step in second.steps} == {"c"}
    assert second.limits.cpus == 1.0
    assert {"submission.py", "probe.py", "a/submission.py", "a/control.py"} <= set(names_of(first))


def test_with_a_container_each_the_runs_of_an_attack_stay_together_and_in_order(tmp_path: Path) -> None:
    """Else a run might look for what another has yet to leave. A probe may come from another batch."""
    found = [
        attack(tmp_path / "a", "times = 2"),
        attack(tmp_path / "b", "alone = true"),
        attack(tmp_path / "c"),
    ]
    (attacks,) = phases(batches(found, no_files), "container")
    assert sorted([[(batch.steps[0].attack, batch.steps[0].role) for batch in one] for one in attacks]) == [
        [("a", "control"), ("a", "attack"), ("a", "attack"), ("a", "probe")],
        [("b", "control"), ("b", "attack"), ("b", "probe")],
        [("c", "control"), ("c", "attack"), ("c", "probe")],
    ]
    assert all(len(batch.steps) == 1 for one in attacks for batch in one)


def test_the_runs_that_follow_an_attack_that_is_alone_come_after_all_of_those(tmp_path: Path) -> None:
    """In a worker that is shared: side by side go first the attacks without their probes, then all else."""
    found = [
        attack(tmp_path / "a"),
        attack(tmp_path / "b", "alone = true"),
        attack(tmp_path / "c", "apart = true"),
    ]
    first, then = phases(batches(found, no_files), "process")
    assert [[step.role for step in batch.steps] for (batch,) in first] == [["control"], ["attack"]]
    assert {batch.steps[0].attack for (batch,) in first} == {"b"}
    assert sorted({step.attack for step in batch.steps} for (batch,) in then) == [{"a"}, {"b"}, {"c"}]


def test_an_attack_apart_shares_no_worker(tmp_path: Path) -> None:
    """Its control, itself and its probe follow each other in one worker, without anybody else's."""
    found = batches([attack(tmp_path / "a", "apart = true"), attack(tmp_path / "b")], no_files)
    assert [{step.attack for step in batch.steps} for batch in found] == [{"a"}, {"b"}]
    assert [step.role for step in found[0].steps] == ["control", "attack", "probe"]


def test_the_dispatcher_names_the_file_of_each_seed(tmp_path: Path) -> None:
    """A step's seed is the place of its file in the table."""
    (batch,) = batches([attack(tmp_path / "a"), attack(tmp_path / "b")], no_files)
    text = zipfile.ZipFile(io.BytesIO(batch.submission.archive)).read("submission.py").decode()
    names: dict[str, object] = {}
    line = next(line for line in text.splitlines() if line.startswith("TABLE = "))
    exec(line, names)
    table = names["TABLE"]
    assert isinstance(table, list)
    files = {"control": "control.py", "attack": "submission.py"}
    for step in batch.steps:
        wanted = "probe.py" if step.role == "probe" else f"{step.attack}/{files[step.role]}"
        assert table[step.seed] == wanted


def test_an_attack_alone_has_archives_of_its_own(tmp_path: Path) -> None:
    """One for itself, one for its control; its probe comes after both."""
    found = batches([attack(tmp_path / "a", "alone = true"), attack(tmp_path / "b")], no_files)
    assert [names_of(batch) for batch in found[:2]] == [["submission.py"]] * 2
    assert [[step.role for step in batch.steps] for batch in found[:2]] == [["control"], ["attack"]]
    assert ("a", "probe") in [(step.attack, step.role) for step in found[2].steps]


def test_an_attack_is_contained_if_all_three_end_as_they_must(tmp_path: Path) -> None:
    """Its control, itself and the run after it."""
    one = attack(tmp_path / "a")
    assert judged(one, ending=end("attack", Verdict.TIME_LIMIT)).outcome is Outcome.CONTAINED
    assert judged(one, ending=end("attack", Verdict.OK)).outcome is Outcome.ESCAPED
    assert judged(one, ending=end("attack", None)).outcome is Outcome.ESCAPED
    ending = end("attack", Verdict.TIME_LIMIT)
    assert judged(one, ending=ending, control=Verdict.CRASHED).outcome is Outcome.ESCAPED
    assert judged(one, ending=ending, probe=Verdict.CRASHED).outcome is Outcome.ESCAPED


def test_a_run_ended_late_is_not_contained(tmp_path: Path) -> None:
    """It says by how much."""
    one = attack(tmp_path / "a")
    late = judged(one, ending=end("attack", Verdict.TIME_LIMIT, seconds=wall_seconds(GALLERY_LIMITS) + 10.5))
    assert late.problems == ("it was ended 10.5 s after its time",)


def test_what_is_left_on_the_host_counts(tmp_path: Path) -> None:
    """However well the run ended."""
    one = attack(tmp_path / "a")
    found = judged(one, ending=end("attack", Verdict.TIME_LIMIT, left=("3 processes",)))
    assert found.problems == ("after the attack: 3 processes",)


def test_what_it_must_say_is_looked_for(tmp_path: Path) -> None:
    """In the detail and in what was printed."""
    one = attack(tmp_path / "a", 'says = "ENOSPC"', verdicts='["ok"]')
    assert judged(one, ending=end("attack", Verdict.OK, said="x ENOSPC y")).passed
    assert not judged(one, ending=end("attack", Verdict.OK, said="x")).passed


def test_a_known_hole_is_excused_until_it_is_closed(tmp_path: Path) -> None:
    """Then the mark itself is the error; a broken control is never excused."""
    one = attack(tmp_path / "a", 'open = "known"')
    assert judged(one, ending=end("attack", Verdict.OK)).outcome is Outcome.OPEN
    assert judged(one, ending=end("attack", Verdict.OK)).passed
    closed = judged(one, ending=end("attack", Verdict.TIME_LIMIT))
    assert closed.outcome is Outcome.CLOSED
    assert not closed.passed
    assert not judged(one, ending=end("attack", Verdict.OK), control=Verdict.CRASHED).passed


def test_an_unsteady_hole_that_does_not_show_is_still_open(tmp_path: Path) -> None:
    """Its mark stays; one that is not marked as open anywhere is contained as any other."""
    unsteady = attack(tmp_path / "a", 'unsteady = true\n[runc]\nopen = "shared"', verdicts='["ok"]')
    assert judged(unsteady, ending=end("attack", Verdict.OK)).outcome is Outcome.OPEN
    assert judged(unsteady, ending=end("attack", Verdict.CRASHED)).outcome is Outcome.OPEN
    steady = attack(tmp_path / "b", "unsteady = true", verdicts='["ok"]')
    assert judged(steady, ending=end("attack", Verdict.OK)).outcome is Outcome.CONTAINED


def test_a_run_that_was_not_done_is_no_success(tmp_path: Path) -> None:
    """Nothing seen is not contained."""
    one = attack(tmp_path / "a")
    assert not judge_attack(attack=one, runtime="runc", isolation="process", ends=[]).passed


def test_a_refusal_must_say_why(tmp_path: Path) -> None:
    """And must come at all."""
    folder = write(
        tmp_path / "a",
        'threat = 19\ntitle = "t"\nkind = "host"\nrefusal = "plain files"',
        files=("make.py",),
    )
    one = load_attack(folder)

    def outcome(refused: str | None, *problems: str) -> Outcome:
        return judge_refusal(
            attack=one, runtime="runc", isolation="process", refused=refused, problems=problems
        ).outcome

    assert outcome("it must be plain files") is Outcome.CONTAINED
    assert outcome("no") is Outcome.ESCAPED
    assert outcome(None) is Outcome.ESCAPED
    assert outcome("plain files", "its control was refused") is Outcome.ESCAPED


def test_the_last_line_counts(tmp_path: Path) -> None:
    """Known holes apart from contained attacks."""
    contained = judged(attack(tmp_path / "a"), ending=end("attack", Verdict.TIME_LIMIT))
    known = judged(attack(tmp_path / "b", 'open = "why"'), ending=end("attack", Verdict.OK))
    report = GalleryReport(results=(contained, known), left=())
    assert report.passed
    assert gallery_remarks(report)[-1] == (
        "2 attacks, 1 contained, 1 known to be open; nothing left on the host."
    )
    assert not replace(report, left=("a file",)).passed
    assert gallery_json(report)["attacks"][0]["outcome"] == "contained"


def test_the_gallery_in_the_tree_is_whole() -> None:
    """Every attack can be read, says in its first line what it tries, and has a control that does too."""
    found = load_attacks()
    assert len(found) >= 40
    for one in found:
        for file in (one.source, one.control):
            assert file.read_text().startswith('"""'), file


def test_the_gallery_covers_the_first_rows_of_the_threat_model() -> None:
    """Time, memory, processes, daemons, state and network have attacks of their own."""
    rows = {one.description.threat for one in load_attacks()}
    assert set(range(1, 8)) <= rows
