"""The program prints what the participants' page explains, and shows no text of a submission as advice."""

from __future__ import annotations

import json
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.reports.advice import (
    advice,
    advice_on_reason,
    advice_on_runs,
    advice_on_warning,
    table,
)
from runner.reports.mistakes import LIBRARIES, MISTAKES, WARNING, Mistake
from runner.reports.scores import score_remarks
from runner.results.summarize import failure_reason
from runner.verdict import Verdict
from tests.support.paths import ROOT
from tests.support.records import run_record, summary_of

PARTICIPANTS = (ROOT / "docs" / "participants.md").read_text()
OF_RUNS = [mistake for mistake in MISTAKES if mistake.verdict != WARNING]
CAUSES = {
    "No module named 'einops'": [
        "import failed: ModuleNotFoundError: No module named 'train' (submission.py, line 2)",
        "ModuleNotFoundError: No module named 'wandb' (methods/run.py, line 11)",
    ],
    "too many values to unpack": [
        "ValueError: too many values to unpack (expected 2) (submission.py, line 9)",
        "AttributeError: 'dict' object has no attribute 'to' (submission.py, line 9)",
    ],
    "Found no NVIDIA driver": [
        "RuntimeError: No CUDA GPUs are available (submission.py, line 3)",
        "AssertionError: Torch not compiled with CUDA enabled",
    ],
    "Failed to find C compiler": [
        "ImportError: /tmp/cuda_utils.so: failed to map segment from shared object (submission.py, line 8)",
        "TritonMissing: Cannot find a working triton installation.",
    ],
    "%load_ext": ["import failed: SyntaxError: invalid syntax (submission.py, line 7): !pip install timm"],
    "type Pair": [
        "import failed: SyntaxError: expected '(' (submission.py, line 1): def first[T](x: T) -> T: return x",
    ],
    "null bytes": [
        "import failed: SyntaxError: (unicode error) 'utf-8' codec can't decode byte 0xff in position 0: invalid",
    ],
    "no function called": [
        "submission.py defines no function called unlearning; it defines unlearn: did you …"
    ],
    "name resolution": ["ConnectionError: HTTPSConnectionPool(): (Caused by NameResolutionError(…))"],
    "takes 3 positional": [
        "TypeError: unlearning() missing 1 required positional argument: 'epochs' (submission.py, line 3)",
    ],
    "no attribute 'asscalar'": [
        "TypeError: LogisticRegression.__init__() got an unexpected keyword argument 'multi_class'",
    ],
    "_packed_params": [
        "the network could not be saved: TypeError: fc.weight is on the device meta, so it has no values"
    ],
}


@pytest.mark.parametrize("mistake", OF_RUNS, ids=lambda mistake: mistake.example[:40])
def test_each_example_gets_its_own_advice(mistake: Mistake) -> None:
    """No earlier pattern takes it."""
    assert advice(mistake.example) == mistake.line
    assert advice(f"{mistake.example} (submission.py, line 3)") == mistake.line
    assert advice_on_warning(mistake.example) == ""


@pytest.mark.parametrize(("part", "sentence"), [(part, text) for part in CAUSES for text in CAUSES[part]])
def test_other_sentences_of_the_same_cause(part: str, sentence: str) -> None:
    """They get the same advice."""
    (mistake,) = (mistake for mistake in MISTAKES if part in mistake.example)
    assert advice(sentence) == mistake.line


@pytest.mark.parametrize(
    "sentence", ["", "ValueError: no", "SyntaxError: invalid syntax (a.py, line 1): x = = 1"]
)
def test_what_is_not_known_gets_none(sentence: str) -> None:
    """Better no advice than a wrong one."""
    assert advice(sentence) == ""


@given(st.text(max_size=200), st.sampled_from([mistake.example for mistake in OF_RUNS]))
def test_no_text_of_a_submission_is_shown_as_advice(text: str, example: str) -> None:
    """The answer is one of the known lines, whatever surrounds the words that are searched."""
    lines = {mistake.line for mistake in MISTAKES} | {""}
    for sentence in (text, text + example, example + text, f"{text}\n{example}"):
        assert advice(sentence) in lines


@pytest.mark.parametrize(
    "unit", ["wrong keys: ", "SyntaxError: , line 1): ", "unlearning() takes 1", " has shape [", "a"]
)
def test_a_long_sentence_takes_little_time(unit: str) -> None:
    """Only its beginning is searched."""
    started_at = time.process_time()
    advice(unit * 100_000)
    assert time.process_time() - started_at < 1.0


def test_the_reason_of_a_summary_gets_the_advice_of_its_run() -> None:
    """By the words of `failure_reason`; the table of scores shows it below the reason."""
    for mistake in OF_RUNS:
        reason = failure_reason(run_record(index=3, verdict=Verdict.CRASHED, detail=mistake.example))
        assert advice_on_reason(reason) == mistake.line
        shown = [line.plain for line in score_remarks([summary_of(submission="[red]x", reason=reason)])]
        assert shown[1:] == [f"[red]x: {mistake.line}"]
    assert advice_on_reason("The scorer is not ready.") == ""


def test_a_warning_gets_its_advice_once() -> None:
    """Below all warnings."""
    warning = "2 of 2 checkpoints are the original network, unchanged"
    (line,) = (line.plain for line in score_remarks([summary_of(warnings=[warning, warning])]))
    assert line == f"mine: problem: {warning}. {advice_on_warning(warning)}"


def test_runs_of_the_same_mistake_share_a_line() -> None:
    """Named by the numbers of the first three."""
    crashed = [run_record(index=i, verdict=Verdict.CRASHED, detail="SystemExit: 0") for i in range(5)]
    late = run_record(index=9, verdict=Verdict.TIME_LIMIT, detail="not finished within 60 s")
    first, second = advice_on_runs([*crashed, late, run_record()])
    assert first == "runs 0, 1, 2 and 2 more: Return from the function instead of leaving Python."
    assert second.startswith("run 9: ")


def test_the_page_has_the_same_table() -> None:
    """Row by row; `python -m website.generate` writes it."""
    assert table() in PARTICIPANTS
    assert json.dumps(table()).count("\\n") == len(MISTAKES) + 2


def pins() -> dict[str, str]:
    return {
        name: version
        for lock in ("image", "image-extras")
        for name, version in re.findall(
            r"^([\w.-]+)==([\d.]+)", (ROOT / "requirements" / f"{lock}.txt").read_text(), re.MULTILINE
        )
    }


def test_the_libraries_are_those_of_the_image() -> None:
    """What the lock files were made from, but for what only this project uses."""
    wanted_by_name = {
        re.split("[=<>]", line)[0].lower()
        for lock in ("image", "image-extras")
        for line in (ROOT / "requirements" / f"{lock}.in").read_text().splitlines()
    }
    assert {name.lower() for name in LIBRARIES} == wanted_by_name - {"pyseccomp"}


@pytest.mark.parametrize("name", LIBRARIES)
def test_the_page_names_the_version_that_is_pinned(name: str) -> None:
    """Major and minor number, next to the library's name."""
    short = ".".join(pins()[name.lower()].split(".")[:2])
    assert re.search(rf"\b{name} {re.escape(short)}(?![\d])", PARTICIPANTS), f"{name} {short}"
