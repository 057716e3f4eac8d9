"""Reports of evaluations in a browser: of every kind, for organizers and participants, with hostile text in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from runner.pages.report import report_page
from runner.reports.participant import filtered_report
from runner.reports.views.model import EvaluationView, FailureView, NoticeView
from runner.reports.views.report_make import make_report
from runner.reports.views.report_model import Provenance, ReportView
from runner.sanitize import sanitize_line
from tests.browser.conftest import Examine
from tests.browser.examination import opened
from tests.browser.hostile import ALL, HOSTILE, LINES, LONG_WORD, MARKUP
from tests.support.pages.reports import report_of_status
from website.made_up import made_up_report, run_records

MOST_BYTES = 300_000


@pytest.fixture(scope="module")
def scored() -> ReportView:
    """A report of few runs: its figures and tables are those of a large one."""
    return made_up_report(16, 4)


def written(folder: Path, report: ReportView) -> Path:
    page = report_page(report)
    assert len(page.encode()) <= MOST_BYTES
    file = folder / "report.html"
    file.write_text(page, encoding="utf-8")
    return file


def hostile_notices() -> Iterator[NoticeView]:
    for level in ("problem", "suspicion", "note"):
        for text in (*MARKUP, LONG_WORD):
            yield NoticeView(kind="joint-attack", level=level, sentence=text)


def failed(submission: str) -> ReportView:
    """Return a failed evaluation in which every text that a submission writes is hostile."""
    runs = [replace(run, exception_type=HOSTILE[run.index]) for run in run_records(6, failed=(2, 4))]
    view = EvaluationView(
        evaluation="a3c91f04d7e2",
        submission=submission,
        path=ALL,
        challenge=ALL,
        n=64,
        status="failed",
        verdicts={"ok": 4, "crashed": 2},
        reason=ALL,
        failure=FailureView(
            run=2, verdict="crashed", message=ALL, exception=ALL, file=ALL, line=41, source=LINES, traceback=LINES
        ),
        notices=list(hostile_notices()),
    )  # fmt: skip
    provenance = Provenance(
        facts=[("versions", sanitize_line(ALL, 300))],
        command=sanitize_line(f"unlearn run {ALL}", 1000),
        check=None,
    )
    return make_report(view, runs=runs, provenance=provenance)


def test_a_scored_report_is_a_good_page(scored: ReportView, examine_file: Examine, tmp_path: Path) -> None:
    assert examine_file(written(tmp_path, scored)) == []


def test_what_participants_get_is_a_good_page(
    scored: ReportView, examine_file: Examine, tmp_path: Path
) -> None:
    """With as little as a policy leaves."""
    assert examine_file(written(tmp_path, filtered_report(scored, "verdict-only"))) == []


@pytest.mark.parametrize("status", ["smoke-test", "refused"])
def test_a_report_without_a_score_is_a_good_page(examine_file: Examine, tmp_path: Path, status: str) -> None:
    """Of few runs, and of files that are no submission, with all hostile text where text may be."""
    file = written(tmp_path, report_of_status(status, sanitize_line(ALL, 3000)))
    assert examine_file(file, with_axe=status == "smoke-test") == []


def test_hostile_text_stays_text(chromium: Browser, examine_file: Examine, tmp_path: Path) -> None:
    """In a report of a failure, which has most of it."""
    file = written(tmp_path, failed(MARKUP[3]))
    assert examine_file(file) == []
    with opened(chromium) as page:
        page.goto(file.as_uri())
        assert "</bdi></title></style></pre></svg><script>" in page.title()
        text = page.locator("pre").first.inner_text()
        for line in MARKUP:
            assert line in text
        assert "\\u202egnp.exe" in text
        assert not any(character in page.content() for character in "\u202e\u2066\x1b\x00")


def test_every_name_is_a_heading_of_its_own(chromium: Browser, tmp_path: Path) -> None:
    """No name adds an element, leaves the first screen of a phone, or leaves the page without a heading."""
    with opened(chromium) as page:
        page.set_viewport_size({"width": 320, "height": 900})
        for name in HOSTILE:
            page.goto(written(tmp_path, make_report(failed(name).view)).as_uri())
            elements = page.evaluate("() => [...document.querySelectorAll('h1 *')].map(each => each.tagName)")
            assert elements == ["BDI"], name
            heading = page.locator("h1")
            assert heading.inner_text().strip(), name
            box = heading.bounding_box()
            assert box is not None, name
            assert box["x"] + box["width"] <= 320, name
            assert box["y"] + box["height"] < 600, name
