"""The page of an evaluation: whole for every status, safe for every text, the same for the same data."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from html.parser import HTMLParser

import pytest

from runner.pages.report import report_page
from runner.pages.write import page_bytes
from runner.reports.participant import filtered_report
from runner.reports.views.headline import worth_sentence
from runner.reports.views.model import NoticeView
from runner.reports.views.report_model import ReportView
from tests.support.pages.reports import (
    STATUSES,
    failed_report,
    populations,
    report_of_status,
    runs,
    scored_report,
)

HOSTILE = {
    "markup": "</title></style><script>alert(1)</script><img src=x onerror=alert(1)>\"'",
    "attribute": '" autofocus onfocus=alert(1) style="color:red" x="',
    "template": "{{ 7*7 }}{% include 'base.html' %}{# #}",
    "mathtext": r"$\frac{$ $" + "{" * 200,
    "bidi": "\u202etxt.exe\u2066\u200d",
    "controls": "\x00\x1b[2J\x07\r\n\x85",
    "entity": "&lt;b&gt; &#60;script&#62;",
    "lookalike": "\uff1cscript\uff1ealert\uff081\uff09",
    "svg": "<svg onload=alert(1)><style>*{display:none}</style></svg>",
    "megabytes": "<b>" * 3_500_000,
}


class Structure(HTMLParser):
    """Collects tags with their attributes, ids, and what refers to ids."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[tuple[str, str | None], ...]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(attrs)))

    def values(self, *names: str) -> list[str]:
        return [value or "" for _tag, attrs in self.tags for name, value in attrs if name in names]


def check_page(page: str) -> None:
    """Check what holds for every page."""
    structure = Structure(page)
    names = {name for _tag, attrs in structure.tags for name, _value in attrs}
    tags = [tag for tag, _attrs in structure.tags]
    assert not {name for name in names if name == "style" or name.startswith("on")}
    assert not {"script", "iframe", "object", "embed", "form", "base", "link img"} & set(tags)
    assert tags.count("style") == tags.count("h1") == tags.count("main") == 1
    assert set(structure.values("src")) == set()
    assert all(value.startswith("#") or value == "data:," for value in structure.values("href"))
    ids = structure.values("id")
    assert len(ids) == len(set(ids))
    used = {word for value in structure.values("aria-labelledby") for word in value.split()}
    used |= {value[1:] for value in structure.values("href") if value.startswith("#")}
    used |= set(re.findall(r"url\(#([^)]+)\)", page))
    assert used <= set(ids)
    assert all(
        dict(attrs).get("role") or dict(attrs).get("aria-hidden")
        for tag, attrs in structure.tags
        if tag == "svg"
    )
    assert all(dict(attrs).get("scope") for tag, attrs in structure.tags if tag == "th")
    assert tags.count("table") == tags.count("caption")


def with_one_figure(report: ReportView) -> ReportView:
    """Return a report whose page is drawn quickly: figures show no text of the submission."""
    return replace(report, examples=(), runs=report.runs[:2])


@lru_cache
def tags_of_harmless_page(status: str) -> object:
    return Structure(report_page(with_one_figure(report_of_status(status)))).tags


@pytest.mark.parametrize("status", STATUSES)
def test_every_status_has_a_page(status: str) -> None:
    """With its word, whatever is missing otherwise."""
    page = report_page(report_of_status(status))
    check_page(page)
    words = {"smoke-test": "smoke test", "held": "not judged", "unfinished": "not finished"}
    assert f">{words.get(status, status)}</span>" in page
    assert len(page_bytes(page)) < 300_000


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("status", ["scored", "failed", "refused"])
def test_hostile_text_changes_only_the_text(status: str, text: str) -> None:
    """The tags and attributes of the page are those that it has with a harmless text."""
    page = report_page(with_one_figure(report_of_status(status, text)))
    check_page(page)
    assert Structure(page).tags == tags_of_harmless_page(status)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200d\u202a-\u202e\u2066-\u2069]", page)
    assert len(page_bytes(page)) < 300_000


def test_the_same_evaluation_gives_the_same_bytes() -> None:
    """Ids of figures are no random numbers, and no date of writing is in the page."""
    assert report_page(scored_report()) == report_page(scored_report())


def test_a_scored_page_has_all_parts_and_one_interval_for_each_number() -> None:
    """First screen, factors, epsilon, twelve examples, notices, runs, provenance."""
    report = scored_report()
    page = report_page(report)
    anchors = ("card", "epsilon", "examples", "notices", "runs", "provenance")
    assert [f'id="{anchor}"' in page for anchor in anchors] == [True] * 6
    assert len(report.examples) == 12
    assert [example.epsilon for example in report.examples] == sorted(
        (example.epsilon for example in report.examples), reverse=True
    )
    assert page.count('role="img"') == 1 + 12 + 2
    assert sum(each.unlearned for each in report.epsilon) == pytest.approx(1)
    assert sum(each.references or 0 for each in report.epsilon) == pytest.approx(1)
    assert "limit 2" in page
    assert "limit 200" in page


def test_too_few_runs_have_no_score_on_the_page() -> None:
    """Neither its factors nor anything that is made of them."""
    _unlearned, _references, card = populations()
    report = report_of_status("smoke-test")
    assert report.card is None
    assert report.omitted["card"].startswith("Fewer than 16 runs")
    page = report_page(report)
    assert "too few runs for a score" in page
    assert f"{card.published.score:.4f}" not in page


def test_without_outputs_the_page_has_what_the_card_has() -> None:
    """The challenge has moved: no ceiling behind the histogram and no examples, and it says why."""

    def missing() -> None:
        raise ValueError("the challenge is gone")

    report = scored_report(outputs=missing)
    page = report_page(report)
    check_page(page)
    assert report.examples == []
    assert page.count("the challenge is gone") == 2
    assert 'id="epsilon"' in page


def test_a_failure_comes_first_and_shows_its_line() -> None:
    """Verdict, blame, place, traceback; lost containers are not the submission's."""
    page = report_page(failed_report())
    assert page.index('id="error"') < page.index('id="runs"')
    assert "Traceback (most recent call last)" in page
    assert "1 of 8 requested runs failed, and none may. 6 runs were not started." in page
    assert re.search(r"container lost</th><td class=\"n\">1</td><td>this machine", page)
    assert re.search(r"crashed</th><td class=\"n\">1</td><td>the submission", page)


@pytest.mark.parametrize(
    ("n", "verdicts", "sentence"),
    [
        (32, {"crashed": 1}, "1 of 32 requested runs failed, and none may. 31 runs were not started."),
        (3, {"ok": 1, "crashed": 1}, "1 of 3 requested runs failed, and none may. 1 run was not started."),
        (8, {"ok": 6, "crashed": 2}, "2 of 8 requested runs failed, and none may."),
    ],
)
def test_a_failure_says_how_many_runs_were_not_started(
    n: int, verdicts: dict[str, int], sentence: str
) -> None:
    """Those that ended well are neither failed nor left out."""
    view = failed_report().view.model_copy(update={"n": n, "verdicts": verdicts})
    assert worth_sentence(view) == f"There is no score: {sentence}"


def test_a_suspicion_says_how_often_it_is_wrong() -> None:
    """Below its sentence and what its kind means."""
    report = failed_report()
    rate = "Measured: raised for 1 of 7 honest submissions."
    suspicion = NoticeView(kind="too-close", level="suspicion", sentence="It is near.", false_alarms=rate)
    page = report_page(replace(report, view=report.view.model_copy(update={"notices": [suspicion]}))).replace(
        "\n", ""
    )
    assert page.index("It is near.") < page.index("Fresh retrainings differ") < page.index(rate)


@pytest.mark.parametrize("status", ["scored", "failed"])
def test_a_page_shows_what_the_policy_allows(status: str) -> None:
    """Under `verdict-only` neither text of the submission nor a figure that it could have chosen."""
    secret = "pixels-7-31"
    report = report_of_status(status, "mine")
    view = report.view.model_copy(
        update={
            "reason": secret,
            "notices": [notice.model_copy(update={"sentence": secret}) for notice in report.view.notices],
        }
    )
    if view.failure is not None:
        view = view.model_copy(
            update={
                "failure": view.failure.model_copy(
                    update=dict.fromkeys(("message", "exception", "traceback", "source", "file"), secret)
                )
            }
        )
    report = replace(
        report, view=view, runs=[replace(run, exception=secret, seconds=1.2345) for run in report.runs]
    )
    shown = report_page(filtered_report(report, "verdict-only"))
    check_page(shown)
    assert secret in report_page(filtered_report(report, "full"))
    assert secret not in shown
    for hidden in (
        "1.23",
        "1.00",
        "MiB",
        "1000000000000000001",
        "2026-01-01",
        'role="img" aria-labelledby="epsilon',
        "ceiling",
    ):
        assert hidden not in shown, hidden
    assert '</td><td class="n">1</td></tr>' in shown, "the slowest runs"
    assert "<td>1<td>" in shown, "all runs"


def test_no_participant_sees_densities_seeds_or_the_organizers_paths() -> None:
    """Who knows how confident references are on an example can imitate them."""
    report = filtered_report(scored_report(), "full")
    page = report_page(report)
    assert (report.examples, report.provenance.command) == ((), None)
    assert "1000000000000000001" not in page
    assert 'id="epsilon"' in page


@pytest.mark.parametrize(("count", "most_bytes"), [(512, 200_000), (4096, 300_000)])
def test_the_largest_report_is_small(count: int, most_bytes: int) -> None:
    """Runs with figures of their own; the bins of examples do not depend on the number of models."""
    report = scored_report(runs=runs(count))
    assert len(page_bytes(report_page(report))) < most_bytes
