"""Views of evaluations as JUnit XML: a test suite, in which each submission is a test case.

A verdict or a refusal is a ``failure``; what this host is to blame for is an ``error``; problems are in the
test case's ``system-out``. XML has no control characters, whatever a submission printed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final
from xml.etree import ElementTree

from runner.reports.views.model import EvaluationView, FailureView

_NOT_IN_XML: Final = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_xml(views: Sequence[EvaluationView], *, seconds: Sequence[float] | None = None) -> bytes:
    """Return the content of a JUnit file.

    Args:
        views: One for each submission.
        seconds: How long each took; none is stated by default.
    """
    times = [*(seconds or [])] or [0.0] * len(views)
    suite = ElementTree.Element(
        "testsuite",
        name="unlearn check",
        tests=str(len(views)),
        failures=str(sum(view.is_failure for view in views)),
        errors=str(sum(view.is_fault_of_host for view in views)),
        skipped="0",
        time=f"{sum(times):.3f}",
    )
    for view, taken in zip(views, times, strict=True):
        _case(suite, view, taken)
    suites = ElementTree.Element("testsuites")
    suites.append(suite)
    text: bytes = ElementTree.tostring(suites, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _case(suite: ElementTree.Element, view: EvaluationView, seconds: float) -> None:
    case = ElementTree.SubElement(
        suite,
        "testcase",
        classname=_text(view.challenge),
        name=_text(view.path or view.submission),
        time=f"{seconds:.3f}",
    )
    if view.is_failure and view.failure is not None:
        failure = view.failure
        element = ElementTree.SubElement(
            case, "failure", type=failure.verdict, message=_text(failure.message)
        )
        element.text = _text(_explanation(failure))
    elif view.is_failure or view.is_fault_of_host:
        kind = "failure" if view.is_failure else "error"
        ElementTree.SubElement(case, kind, type=view.status, message=_text(view.reason or view.status))
    lines = [f"problem: {problem.full_sentence} {problem.advice}".rstrip() for problem in view.problems]
    if view.score is not None:
        lines.append(f"score: {view.score.value:.4f}")
    if lines:
        ElementTree.SubElement(case, "system-out").text = _text("\n".join(lines))


def _explanation(failure: FailureView) -> str:
    place = f"{failure.file}:{failure.line}" if failure.file is not None else ""
    lines = (place, failure.source, failure.message, failure.advice, failure.traceback)
    return "\n".join(line for line in lines if line)


def _text(text: str) -> str:
    return _NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", text)
