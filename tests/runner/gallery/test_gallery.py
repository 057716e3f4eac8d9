"""The gallery without containers: reading attacks, packing batches, judging results."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from runner.errors import ConfigurationError
from runner.gallery.attacks import GALLERY_LIMITS, HONEST_LIMITS, PODMAN, Attack, load_attack, load_attacks
from runner.gallery.batches import Batch, Role, Step, plan_batches, plan_phases
from runner.gallery.judge import Outcome, Result, RunResult, judge_attack, judge_refusal
from runner.gallery.report import gallery_json, gallery_remarks
from runner.gallery.run import GalleryReport
from runner.time_limits.policy import wall_seconds
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


def make_attack(folder: Path, more: str = "", verdicts: str = '["time-limit"]') -> Attack:
    return load_attack(write(folder, f'threat = 1\ntitle = "t"\nverdicts = {verdicts}\n{more}'))


def no_files(_attack: Attack, _role: Role) -> Path:
    raise AssertionError("no attack of kind host is expected")


def ended(
    role: Role,
    verdict: Verdict | None,
    *,
    seconds: float = 1.0,
    output: str = "",
    leftovers: tuple[str, ...] = (),
) -> RunResult:
    return RunResult(
        step=Step(attack="a", role=role, seed=0),
        verdict=verdict,
        detail="",
        output=output,
        seconds=seconds,
        container_ended=False,
        leftovers=leftovers,
    )


def judged(
    attack: Attack, *, run: RunResult, control: Verdict = Verdict.OK, probe: Verdict = Verdict.OK
) -> Result:
    runs = [ended("control", control), run, ended("probe", probe)]
    return judge_attack(attack=attack, runtime="runc", isolation="process", runs=runs)


@pytest.mark.parametrize(
    ("control", "attack", "probe", "out_of_time"),
    [
        (Verdict.OK, Verdict.OK, Verdict.TIME_LIMIT, True),
        (Verdict.TIME_LIMIT, Verdict.OK, Verdict.TIME_LIMIT, True),
        (Verdict.OK, Verdict.OK, Verdict.CRASHED, False),
        (Verdict.OK, Verdict.CRASHED, Verdict.TIME_LIMIT, False),
        (Verdict.OK, Verdict.OK, Verdict.OK, False),
    ],
)
def test_lateness_alone_is_told_from_other_problems(
    tmp_path: Path, control: Verdict, attack: Verdict, probe: Verdict, out_of_time: bool
) -> None:
    """Of the control and of the next run; where anything else failed too, lateness excuses nothing."""
    made = make_attack(tmp_path / "a", verdicts='["ok"]')
    result = judged(made, run=ended("attack", attack), control=control, probe=probe)
    assert result.out_of_time is out_of_time


def test_unset_keys_default_to_the_gallerys(tmp_path: Path) -> None:
    """Keys and limits that a description does not set have the gallery's values."""
    attack = make_attack(tmp_path / "a", "limits = { processes = 8 }")
    assert attack.name == "a"
    assert attack.description.all_limits() == GALLERY_LIMITS.with_changes(processes=8)
    assert attack.description.isolations == ("process", "container")


@pytest.mark.parametrize(
    ("description", "message"),
    [
        ('threat = 1\ntitle = "t"\nverdicts = ["ok"]\nverdict = "ok"', "verdict"),
        ('threat = 1\ntitle = "t"\nverdicts = ["fine"]', "verdicts.0"),
        ('threat = 1\ntitle = "t"\nverdicts = []', "verdicts"),
        ('threat = 24\ntitle = "t"\nverdicts = ["ok"]', "threat"),
        ('threat = 1\ntitle = "t"', "verdicts or a refusal"),
        ('threat = 1\ntitle = "t"\nrefusal = "no"', "kind host"),
        ('threat = 1\ntitle = "t"\nverdicts = ["ok"]\noutput = "("', "regular expression"),
        ('threat = 1\ntitle = "t"\nkind = "host"\nrefusal = "("', "regular expression"),
        ('threat = 1\ntitle = "t"\nverdicts = ["ok"]\nlimits = { wall = 1 }', "wall"),
        ('threat = 1\ntitle = "t"\nverdicts = ["ok"]\n[runsc]\nopen = "x"', "runsc"),
        ('threat = 1\ntitle = "t"\nverdicts = ["ok"]\n[[expect]]\nopens = "x"', "expect.0.opens"),
        ('threat = 1\ntitle = "t"\nverdicts = ["ok"]\n[[expect]]\nruntimes = ["kata"]', "runtimes.0"),
        ('threat = 1\ntitle = "t"\nverdicts = ["ok"]\n[[expect]]\nisolations = []', "isolations"),
        ("threat = ", "not TOML"),
    ],
)
def test_mistakes_in_a_description_are_named(tmp_path: Path, description: str, message: str) -> None:
    """The message names the key; unknown keys are mistakes, too."""
    with pytest.raises(ConfigurationError, match=message):
        load_attack(write(tmp_path / "a", description))


def test_an_attack_without_its_control_is_refused(tmp_path: Path) -> None:
    """Every attack needs the permitted form of its action."""
    folder = write(tmp_path / "a", 'threat = 1\ntitle = "t"\nverdicts = ["ok"]', files=("submission.py",))
    with pytest.raises(ConfigurationError, match=r"no control\.py"):
        load_attack(folder)


def test_an_unknown_name_is_refused(tmp_path: Path) -> None:
    """A mistyped name must not pass as an attack that was contained."""
    make_attack(tmp_path / "a")
    with pytest.raises(ConfigurationError, match="no attack called 'b'"):
        load_attacks(tmp_path, ["b"])


def test_later_tables_replace_the_keys_that_they_set(tmp_path: Path) -> None:
    """Every matching table applies, in the order of the file, over the keys at the top."""
    more = (
        '[[expect]]\nruntimes = ["runsc"]\nverdicts = ["crashed"]\nopen = "gVisor"\n'
        '[[expect]]\nisolations = ["container"]\nverdicts = ["ok"]'
    )
    attack = make_attack(tmp_path / "a", more)
    assert attack.expectation("runc", "process").verdicts == (Verdict.TIME_LIMIT,)
    assert attack.expectation("runc", "process").open is None
    assert attack.expectation("runc", "container").verdicts == (Verdict.OK,)
    assert attack.expectation("runsc", "process").verdicts == (Verdict.CRASHED,)
    assert attack.expectation("runsc", "container").verdicts == (Verdict.OK,)
    assert attack.expectation("runsc", "container").open == "gVisor"


def test_a_table_may_concern_one_runtime_in_one_isolation(tmp_path: Path) -> None:
    """A hole that only shared containers have under gVisor is marked there alone."""
    more = '[[expect]]\nruntimes = ["runsc"]\nisolations = ["process"]\nopen = "shared"'
    attack = make_attack(tmp_path / "a", more)
    assert attack.expectation("runsc", "process").open == "shared"
    assert attack.expectation("runsc", "container").open is None
    assert attack.expectation("runc", "process").open is None


def test_podman_is_named_apart_from_its_runtime(tmp_path: Path) -> None:
    """A table for runc does not apply under Podman unless it names Podman, too."""
    attack = make_attack(tmp_path / "a", '[[expect]]\nruntimes = ["runc"]\nopen = "Docker"')
    assert attack.expectation(PODMAN, "process").open is None
    both = make_attack(tmp_path / "b", '[[expect]]\nruntimes = ["runc", "podman"]\nopen = "both"')
    assert both.expectation(PODMAN, "process").open == "both"
    assert both.expectation("kata", "process").open is None


def test_time_is_ample_unless_the_time_limit_may_be_reached(tmp_path: Path) -> None:
    """Any table that expects the time limit keeps the limit short, so that the gallery stays quick."""
    ample = make_attack(tmp_path / "a", verdicts='["ok"]')
    assert ample.description.all_limits() == HONEST_LIMITS
    more = '[[expect]]\nruntimes = ["runsc"]\nverdicts = ["time-limit"]'
    short = make_attack(tmp_path / "b", more, verdicts='["ok"]')
    assert short.description.all_limits() == GALLERY_LIMITS
    assert short.description.control_limits() == HONEST_LIMITS


def names_of(batch: Batch) -> list[str]:
    return zipfile.ZipFile(io.BytesIO(batch.submission.archive)).namelist()


def sources_of(batch: Batch) -> dict[str, str]:
    text = zipfile.ZipFile(io.BytesIO(batch.submission.archive)).read("sources.json")
    sources: dict[str, str] = json.loads(text)
    return sources


def test_attacks_with_equal_limits_share_an_archive(tmp_path: Path) -> None:
    """Attacks with other limits do not; a control precedes and a probe follows each attack."""
    attacks = [
        make_attack(tmp_path / "a", "times = 2"),
        make_attack(tmp_path / "b"),
        make_attack(tmp_path / "c", "limits = { cpus = 1.0 }"),
    ]
    first, second = plan_batches(attacks, no_files)
    assert [(step.attack, step.role) for step in first.steps] == [
        *[("a", "control"), ("a", "attack"), ("a", "attack"), ("a", "probe")],
        *[("b", "control"), ("b", "attack"), ("b", "probe")],
    ]
    assert {step.attack for step in second.steps} == {"c"}
    assert second.limits.cpus == 1.0
    assert {"probe.py", "a/submission.py", "a/control.py"} <= sources_of(first).keys()


def test_attacks_that_may_reach_the_time_limit_are_spread(tmp_path: Path) -> None:
    """Their batches overlap, since they mostly wait; no attack is missing or doubled."""
    slow = [make_attack(tmp_path / f"slow-{n}", verdicts='["time-limit"]') for n in range(13)]
    quick = [make_attack(tmp_path / f"quick-{n}", verdicts='["ok"]') for n in range(65)]
    planned = plan_batches([*slow, *quick], no_files)
    by_batch = [list(dict.fromkeys(step.attack for step in batch.steps)) for batch in planned]
    assert [len(names) for names in by_batch] == [6, 6, 1, 64, 1]
    assert [name for names in by_batch for name in names] == [attack.name for attack in [*slow, *quick]]


def test_isolated_runs_of_an_attack_stay_in_order(tmp_path: Path) -> None:
    """Otherwise a run might search for leftovers that do not exist yet. A probe may be in another batch."""
    attacks = [
        make_attack(tmp_path / "a", "times = 2"),
        make_attack(tmp_path / "b", "own_archive = true"),
        make_attack(tmp_path / "c"),
    ]
    (jobs,) = plan_phases(plan_batches(attacks, no_files), "container")
    assert sorted([[(batch.steps[0].attack, batch.steps[0].role) for batch in job] for job in jobs]) == [
        [("a", "control"), ("a", "attack"), ("a", "attack"), ("a", "probe")],
        [("b", "control"), ("b", "attack"), ("b", "probe")],
        [("c", "control"), ("c", "attack"), ("c", "probe")],
    ]
    assert all(len(batch.steps) == 1 for job in jobs for batch in job)


def test_probes_of_attacks_with_own_archives_form_the_second_phase(tmp_path: Path) -> None:
    """In shared workers, all other batches run before them."""
    attacks = [
        make_attack(tmp_path / "a"),
        make_attack(tmp_path / "b", "own_archive = true"),
        make_attack(tmp_path / "c", "own_worker = true"),
    ]
    first, second = plan_phases(plan_batches(attacks, no_files), "process")
    assert [(batch.steps[0].attack, [step.role for step in batch.steps]) for (batch,) in first] == [
        ("a", ["control", "attack", "probe"]),
        ("c", ["control", "attack", "probe"]),
        ("b", ["control"]),
        ("b", ["attack"]),
    ]
    assert [[(step.attack, step.role) for step in batch.steps] for (batch,) in second] == [[("b", "probe")]]


def test_an_attack_with_its_own_worker_shares_none(tmp_path: Path) -> None:
    """Control, attack and probe follow each other in one worker, without runs of other attacks."""
    planned = plan_batches(
        [make_attack(tmp_path / "a", "own_worker = true"), make_attack(tmp_path / "b")], no_files
    )
    assert [{step.attack for step in batch.steps} for batch in planned] == [{"a"}, {"b"}]
    assert [step.role for step in planned[0].steps] == ["control", "attack", "probe"]


def test_the_dispatcher_names_the_file_of_each_seed(tmp_path: Path) -> None:
    """The seed of a step is the index of its file in the table."""
    (batch,) = plan_batches([make_attack(tmp_path / "a"), make_attack(tmp_path / "b")], no_files)
    text = zipfile.ZipFile(io.BytesIO(batch.submission.archive)).read("submission.py").decode()
    names: dict[str, object] = {}
    line = next(line for line in text.splitlines() if line.startswith("TABLE = "))
    exec(line, names)
    table = names["TABLE"]
    assert isinstance(table, list)
    files = {"control": "control.py", "attack": "submission.py"}
    for step in batch.steps:
        expected = "probe.py" if step.role == "probe" else f"{step.attack}/{files[step.role]}"
        assert table[step.seed] == expected


def test_attack_and_control_may_have_an_archive_each(tmp_path: Path) -> None:
    """The probe comes after both, in a shared archive."""
    planned = plan_batches(
        [make_attack(tmp_path / "a", "own_archive = true"), make_attack(tmp_path / "b")], no_files
    )
    assert [names_of(batch) for batch in planned[1:3]] == [["submission.py"]] * 2
    assert [[step.role for step in batch.steps] for batch in planned[1:3]] == [["control"], ["attack"]]
    assert [(step.attack, step.role) for step in planned[3].steps] == [("a", "probe")]


def test_an_attack_is_contained_if_all_three_runs_end_as_expected(tmp_path: Path) -> None:
    """The control, the attack and the run after it."""
    attack = make_attack(tmp_path / "a")
    assert judged(attack, run=ended("attack", Verdict.TIME_LIMIT)).outcome is Outcome.CONTAINED
    assert judged(attack, run=ended("attack", Verdict.OK)).outcome is Outcome.ESCAPED
    assert judged(attack, run=ended("attack", None)).outcome is Outcome.ESCAPED
    run = ended("attack", Verdict.TIME_LIMIT)
    assert judged(attack, run=run, control=Verdict.CRASHED).outcome is Outcome.ESCAPED
    assert judged(attack, run=run, probe=Verdict.CRASHED).outcome is Outcome.ESCAPED


def test_a_run_ended_late_is_not_contained(tmp_path: Path) -> None:
    """The problem states by how much."""
    attack = make_attack(tmp_path / "a")
    late = judged(
        attack, run=ended("attack", Verdict.TIME_LIMIT, seconds=wall_seconds(GALLERY_LIMITS) + 10.5)
    )
    assert late.problems == ("it was ended 10.5 s after its time limit",)


def test_leftovers_on_the_host_are_problems(tmp_path: Path) -> None:
    """Even if the run ended as expected."""
    attack = make_attack(tmp_path / "a")
    result = judged(attack, run=ended("attack", Verdict.TIME_LIMIT, leftovers=("3 processes",)))
    assert result.problems == ("after the attack: 3 processes",)


def test_the_output_must_match_its_pattern(tmp_path: Path) -> None:
    """A run that did not print the expected text did not make the attempt."""
    attack = make_attack(tmp_path / "a", 'output = "ENOSPC"', verdicts='["ok"]')
    assert judged(attack, run=ended("attack", Verdict.OK, output="x ENOSPC y")).passed
    assert not judged(attack, run=ended("attack", Verdict.OK, output="x")).passed


def test_a_known_hole_is_excused_until_it_is_closed(tmp_path: Path) -> None:
    """A closed hole makes its mark the error; a broken control is never excused."""
    attack = make_attack(tmp_path / "a", 'open = "known"')
    assert judged(attack, run=ended("attack", Verdict.OK)).outcome is Outcome.OPEN
    assert judged(attack, run=ended("attack", Verdict.OK)).passed
    closed = judged(attack, run=ended("attack", Verdict.TIME_LIMIT))
    assert closed.outcome is Outcome.CLOSED
    assert not closed.passed
    assert not judged(attack, run=ended("attack", Verdict.OK), control=Verdict.CRASHED).passed


def test_an_unsteady_hole_that_does_not_show_is_still_open(tmp_path: Path) -> None:
    """Its mark stays; an unsteady attack without a mark is contained like any other."""
    unsteady = make_attack(
        tmp_path / "a", 'unsteady = true\n[[expect]]\nruntimes = ["runc"]\nopen = "shared"', verdicts='["ok"]'
    )
    assert judged(unsteady, run=ended("attack", Verdict.OK)).outcome is Outcome.OPEN
    assert judged(unsteady, run=ended("attack", Verdict.CRASHED)).outcome is Outcome.OPEN
    steady = make_attack(tmp_path / "b", "unsteady = true", verdicts='["ok"]')
    assert judged(steady, run=ended("attack", Verdict.OK)).outcome is Outcome.CONTAINED


def test_a_missing_run_is_no_success(tmp_path: Path) -> None:
    """An attack without any run is not contained."""
    attack = make_attack(tmp_path / "a")
    assert not judge_attack(attack=attack, runtime="runc", isolation="process", runs=[]).passed


def test_a_refusal_must_give_the_expected_reason(tmp_path: Path) -> None:
    """A file that the host accepts, or refuses for another reason, is not contained."""
    folder = write(
        tmp_path / "a",
        'threat = 19\ntitle = "t"\nkind = "host"\nrefusal = "plain files"',
        files=("make.py",),
    )
    attack = load_attack(folder)

    def outcome(refusal: str | None, *problems: str) -> Outcome:
        return judge_refusal(
            attack=attack, runtime="runc", isolation="process", refusal=refusal, problems=problems
        ).outcome

    assert outcome("it must be plain files") is Outcome.CONTAINED
    assert outcome("no") is Outcome.ESCAPED
    assert outcome(None) is Outcome.ESCAPED
    assert outcome("plain files", "its control was refused") is Outcome.ESCAPED


def test_the_last_line_holds_the_counts(tmp_path: Path) -> None:
    """Known holes are counted apart from contained attacks."""
    contained = judged(make_attack(tmp_path / "a"), run=ended("attack", Verdict.TIME_LIMIT))
    known = judged(make_attack(tmp_path / "b", 'open = "why"'), run=ended("attack", Verdict.OK))
    report = GalleryReport(results=(contained, known), leftovers=())
    assert report.passed
    assert gallery_remarks(report)[-1] == (
        "2 attacks, 1 contained, 1 known to be open; no leftovers on the host."
    )
    assert not replace(report, leftovers=("a file",)).passed
    assert gallery_json(report)["attacks"][0]["outcome"] == "contained"


def test_the_gallery_in_the_tree_is_complete() -> None:
    """Every attack can be read; attack and control each begin with a docstring."""
    attacks = load_attacks()
    assert len(attacks) >= 40
    for attack in attacks:
        for file in (attack.source, attack.control):
            assert file.read_text().startswith('"""'), file


def test_the_gallery_covers_the_first_rows_of_the_threat_model() -> None:
    """Time, memory, processes, daemons, state and network have attacks of their own."""
    rows = {attack.description.threat for attack in load_attacks()}
    assert set(range(1, 8)) <= rows
