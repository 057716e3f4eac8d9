"""The command as a user types it: scores, exit codes, one sentence, nothing lost."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import time
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from runner.challenge.challenge import Challenge
from runner.engine.api import Engine
from runner.engine.container_spec import EVALUATION_LABEL
from runner.errors import RunnerError
from runner.image.image import Image
from runner.store.open_store import open_store
from tests.support.command import command_line, type_command
from tests.support.evaluating import first_seeds
from tests.support.paths import SAMPLES

pytestmark = pytest.mark.container

FIELDS = {
    *("evaluation", "submission", "challenge", "n", "verdicts", "score", "forgetting_quality"),
    *("retain_ratio", "test_ratio", "epsilon_mean", "seconds", "warnings"),
}
SLOW_FROM_THE_NINTH_ON = """
import time
unlearn_quickly = unlearning

def unlearning(*given):
    if torch.initial_seed() not in FIRST_SEEDS: time.sleep(1.0)
    return unlearn_quickly(*given)
"""


def summaries(done: subprocess.CompletedProcess[str]) -> dict[str, dict[str, Any]]:
    parsed = [json.loads(line) for line in done.stdout.splitlines()]
    return {summary["submission"]: summary for summary in parsed}


def one_sentence(done: subprocess.CompletedProcess[str]) -> str:
    lines = [line for line in done.stderr.splitlines() if line.startswith("unlearn: ")]
    assert len(lines) == 1, done.stderr
    assert "Traceback" not in done.stderr
    return lines[0]


def write(folder: Path, source: str) -> Path:
    folder.mkdir(parents=True)
    (folder / "submission.py").write_text(source)
    return folder


def finished(store: Path) -> tuple[str, int]:
    """Return the evaluation of a store and how many of its runs are published."""
    try:
        with closing(open_store(store, create=False)) as opened:
            names = [item.id for item in opened.evaluations()]
            return (names[0], len(opened.runs(names[0]))) if names else ("", 0)
    except RunnerError:
        return "", 0  # it is not there yet


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store")


@pytest.fixture(scope="module")
def scored(challenge: Challenge, store: Path) -> subprocess.CompletedProcess[str]:
    names = ("original", "finetune", "noisy_finetune")
    return type_command(
        "run",
        *(SAMPLES / name for name in names),
        *("-c", challenge.folder, "-n", 16, "--store", store, "--json"),
    )


def test_samples_are_scored_and_forgetting_pays(
    scored: subprocess.CompletedProcess[str], store: Path
) -> None:
    """`original` scores 0, warned about; `noisy_finetune` above it; every field is there."""
    assert scored.returncode == 0, scored.stderr
    by_name = summaries(scored)
    assert all(summary.keys() >= FIELDS for summary in by_name.values())
    assert all(summary["verdicts"] == {"ok": 16} for summary in by_name.values())
    assert by_name["original"]["score"] == 0
    assert any("unchanged" in text for text in by_name["original"]["warnings"])
    assert by_name["noisy_finetune"]["score"] > by_name["original"]["score"]
    assert by_name["finetune"]["warnings"] == []
    card = json.loads((store / by_name["finetune"]["evaluation"] / "card.json").read_text())
    assert card["run_time"]["median"] > 0, "retraining is timed, though the limit is in seconds"
    product = (
        by_name["noisy_finetune"]["forgetting_quality"]
        * by_name["noisy_finetune"]["retain_ratio"]
        * by_name["noisy_finetune"]["test_ratio"]
    )
    assert by_name["noisy_finetune"]["score"] == pytest.approx(product)


def test_a_second_call_repeats_nothing(
    scored: subprocess.CompletedProcess[str], challenge: Challenge, store: Path
) -> None:
    """No run, no attempt, no second file; the same summary, with the time of its last run."""
    name = summaries(scored)["finetune"]["evaluation"]
    before = {file: file.stat().st_mtime_ns for file in (store / name).rglob("*")}
    again = type_command(
        *("run", SAMPLES / "finetune", "-c", challenge.folder, "-n", 16, "--store", store, "--json")
    )
    assert again.returncode == 0
    first, second = summaries(scored)["finetune"], summaries(again)["finetune"]
    assert first["evaluated"] is None
    assert datetime.fromisoformat(second["evaluated"]).utcoffset() is not None
    assert second | {"evaluated": None} == first
    assert {file: file.stat().st_mtime_ns for file in (store / name).rglob("*")} == before


def test_checkpoints_are_removed_once_evaluated_unless_kept(
    scored: subprocess.CompletedProcess[str], challenge: Challenge, store: Path
) -> None:
    """`none` by default; `all` keeps N files owned by whoever ran the command."""
    name = summaries(scored)["finetune"]["evaluation"]
    assert list((store / name / "checkpoints").glob("*")) == []
    assert len(list((store / name / "outputs").glob("*.npz"))) == 16
    stored = type_command(
        *("run", SAMPLES / "original", "-c", challenge.folder, "-n", 4, "--store", store, "--json"),
        *("--keep-checkpoints", "all"),
    )
    folder = store / summaries(stored)["original"]["evaluation"] / "checkpoints"
    files = sorted(folder.glob("*"))
    assert [file.name for file in files] == [f"{index:05d}.safetensors" for index in range(4)]
    assert {file.stat().st_uid for file in files} == {os.getuid()}


def test_show_and_list_tell_what_is_kept(scored: subprocess.CompletedProcess[str], store: Path) -> None:
    """For people and for programs."""
    name = summaries(scored)["finetune"]["evaluation"]
    shown = json.loads(type_command("show", name[:8], "--store", store, "--json").stdout)
    assert [run["index"] for run in shown["runs"]] == list(range(16))
    assert len({run["seed"] for run in shown["runs"]}) == 16
    listed = type_command("list", "--store", store)
    assert listed.returncode == 0
    assert "noisy_finetune" in listed.stdout
    assert name in listed.stdout


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("def unlearning(net, retain, forget, val): raise KeyError('here')", "crashed"),
        ("def unlearning(net, retain, forget, val) return net", "no-function"),
        ("x = 1", "no-function"),
        ("def unlearning(net, retain, forget, val):\n    net.fc.bias.data += float('nan')", "bad-checkpoint"),
    ],
)
def test_a_failing_submission_earns_no_score_and_exit_code_1(
    challenge: Challenge, tmp_path: Path, source: str, words: str
) -> None:
    """The evaluation ends at the first failure, says why, and does not run again."""
    arguments = (
        *("run", write(tmp_path / "bad", source), "-c", challenge.folder),
        *("-n", 8, "--store", tmp_path / "store", "--json"),
    )
    done = type_command(*arguments)
    assert done.returncode == 1, done.stderr
    summary = summaries(done)["bad"]
    assert summary["score"] is None
    assert words in summary["reason"]
    assert sum(summary["verdicts"].values()) < 8
    again = summaries(type_command(*arguments))["bad"]
    assert again["evaluated"] is not None
    assert again | {"evaluated": None} == summary


def test_hostile_names_and_words_are_shown_as_plain_text(challenge: Challenge, tmp_path: Path) -> None:
    """Neither the terminal nor rich's markup obeys what a submission says."""
    source = "def unlearning(*_): raise ValueError('\\x1b[2J[red]\\u202egnp.exe[/red]')"
    done = type_command(
        *("run", write(tmp_path / "[bold]name", source), "-c", challenge.folder),
        *("-n", 2, "--store", tmp_path / "store"),
    )
    assert done.returncode == 1
    assert "[bold]name" in done.stdout
    assert "[red]" in done.stdout
    assert "\x1b" not in done.stdout
    assert "\u202e" not in done.stdout
    logs = "".join(file.read_text() for file in (tmp_path / "store").rglob("logs/*.txt"))
    assert "ValueError" in logs
    assert "\x1b" not in logs


def test_wrong_usage_is_one_sentence_and_exit_code_2(challenge: Challenge, tmp_path: Path) -> None:
    """Missing submissions, no challenge, a damaged one, a silly n; nothing is written."""
    good, store = SAMPLES / "original", tmp_path / "store"
    (tmp_path / "empty").mkdir()
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    (damaged / "challenge.toml").write_text("schema_version = 1\nsurprise = 2\n")
    cases = [
        ([tmp_path / "missing", "-c", challenge.folder], "No submission exists at"),
        ([good, "-c", tmp_path / "nowhere"], "No challenge exists at"),
        ([good, "-c", damaged], "challenge.toml"),
        ([good, "-c", challenge.folder, "-n", 0], "-n must be"),
        (
            [good, tmp_path / "missing", tmp_path / "empty", tmp_path / "gone", "-c", challenge.folder],
            f"No submission exists at {tmp_path / 'missing'}, {tmp_path / 'gone'}; name",
        ),
    ]
    for arguments, words in cases:
        done = type_command("run", *arguments, "--store", store)
        assert done.returncode == 2, (arguments, done.stderr)
        assert words in one_sentence(done)
        assert not store.exists()
    assert type_command("run", good).returncode == 2
    assert type_command("show", "abc", "--store", store).returncode == 2


def test_a_refused_submission_ends_none_of_the_others(challenge: Challenge, tmp_path: Path) -> None:
    """It is a row of the table and an object of the JSON, with the reason; the others are scored.

    A copy has its own row and name, and says whose content it has.
    """
    (tmp_path / "broken.zip").write_bytes(b"no zip")
    (tmp_path / "empty").mkdir()
    shutil.copytree(SAMPLES / "original", tmp_path / "copycat")
    command = (
        *("run", tmp_path / "broken.zip", SAMPLES / "original", tmp_path / "empty", tmp_path / "copycat"),
        *("-c", challenge.folder, "-n", 2, "--store", tmp_path / "store"),
    )
    done = type_command(*command, "--json")
    assert done.returncode == 1, done.stderr
    outcomes = summaries(done)
    assert outcomes["original"]["verdicts"] == {"ok": 2}
    assert outcomes["original"]["score"] is not None
    assert "refused" not in outcomes["original"]
    assert list(outcomes) == ["broken", "original", "empty", "copycat"]
    assert [each["outcome"] for each in outcomes.values()] == ["refused", "scored", "refused", "scored"]
    assert outcomes["copycat"]["evaluation"] == outcomes["original"]["evaluation"]
    assert outcomes["copycat"]["same_as"]["submission"] == "original"
    for name, words in (("broken", "it is not a zip archive"), ("empty", "has no submission.py")):
        assert outcomes[name]["refused"] is True
        assert words in outcomes[name]["reason"]
        assert words in done.stderr
        assert outcomes[name].keys() >= FIELDS
    table = type_command(*command)
    assert table.returncode == 1
    assert "broken: no score: " in table.stdout
    assert table.stdout.count("refused") >= 2
    assert re.search("unlearn show [0-9a-f]{12}", table.stdout)
    assert "copycat: same content as original (" in table.stdout
    assert "not run again: original (evaluated " in table.stdout
    assert table.stdout.splitlines()[-1] == "4 submissions: 2 smoke tests, 2 refused"


def test_an_engine_that_does_not_answer_is_exit_code_3(challenge: Challenge, tmp_path: Path) -> None:
    """One sentence that says what to do."""
    done = type_command(
        *("run", SAMPLES / "original", "-c", challenge.folder, "--store", tmp_path / "store"),
        DOCKER_HOST=f"unix://{tmp_path}/no.sock",
    )
    assert done.returncode == 3
    assert "No container engine answers" in one_sentence(done)
    assert not (tmp_path / "store").exists()


def test_a_full_disk_is_exit_code_3_and_loses_nothing(
    engine: Engine, challenge: Challenge, tmp_path: Path
) -> None:
    """Files larger than 8 KB are refused, as on a full disk: no part of one is left, and the
    same command goes on once there is room."""
    store = tmp_path / "store"
    arguments = [
        *command_line("run", str(SAMPLES / "noisy_finetune"), "-c", str(challenge.folder)),
        *("-n", "4", "--store", str(store), "--json"),
    ]
    started = type_command("run", SAMPLES / "original", "-c", challenge.folder, "-n", 2, "--store", store)
    assert started.returncode == 0
    limited = ["bash", "-c", 'ulimit -f 20; exec "$@"', "bash", *arguments]
    done = subprocess.run(limited, capture_output=True, text=True, check=False)
    assert done.returncode == 3, done.stderr
    assert "cannot be" in one_sentence(done)
    assert [file for file in store.rglob("*") if file.name.startswith(".")] == []
    again = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["verdicts"] == {"ok": 4}


@pytest.mark.slow
def test_kill_9_loses_and_repeats_nothing_that_was_finished(
    engine: Engine, built_image: Image, challenge: Challenge, tmp_path: Path
) -> None:
    """Finished runs stay as they were, the rest is done, no container is left, and the score is
    that of an evaluation which nobody disturbed."""
    slow = write(
        tmp_path / "slow",
        (SAMPLES / "finetune" / "submission.py").read_text()
        + SLOW_FROM_THE_NINTH_ON.replace("FIRST_SEEDS", str(first_seeds(challenge, 8))),
    )
    arguments = [
        *command_line("run", str(slow), "-c", str(challenge.folder)),
        *("-n", "16", "--json", "--store"),
    ]
    store = tmp_path / "disturbed"
    for count in (3, 8):
        process = subprocess.Popen([*arguments, str(store)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        deadline = time.monotonic() + 600
        while finished(store)[1] < count:
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    name, _count = finished(store)
    before = {
        run["index"]: run
        for run in json.loads(type_command("show", name, "--store", store, "--json").stdout)["runs"]
    }
    assert 8 <= len(before) < 16
    disturbed = subprocess.run([*arguments, str(store)], capture_output=True, text=True, check=False)
    assert disturbed.returncode == 0, disturbed.stderr
    after = {
        run["index"]: run
        for run in json.loads(type_command("show", name, "--store", store, "--json").stdout)["runs"]
    }
    assert len(after) == 16
    for index, run in before.items():
        # A run may be finished, and its checkpoint not yet evaluated, when the process is killed.
        outputs = run["outputs_sha256"] or after[index]["outputs_sha256"]
        assert after[index] == {**run, "evaluated": True, "outputs_sha256": outputs}
        assert outputs
    assert engine.containers({EVALUATION_LABEL: name}) == []
    calm = subprocess.run([*arguments, str(tmp_path / "calm")], capture_output=True, text=True, check=False)
    first, second = json.loads(disturbed.stdout), json.loads(calm.stdout)
    assert first["score"] == second["score"]
    assert first["epsilon_mean"] == second["epsilon_mean"]


def test_clean_removes_what_is_named(
    scored: subprocess.CompletedProcess[str], store: Path, challenge: Challenge
) -> None:
    """An evaluation with its files, and nothing else."""
    done = type_command(
        "run", SAMPLES / "original", "-c", challenge.folder, "-n", 3, "--store", store, "--json"
    )
    name = summaries(done)["original"]["evaluation"]
    cleaned = type_command("clean", name, "--store", store)
    assert cleaned.returncode == 0, cleaned.stderr
    assert not (store / name).exists()
    assert type_command("show", name, "--store", store).returncode == 2
    assert (store / summaries(scored)["finetune"]["evaluation"]).exists()
