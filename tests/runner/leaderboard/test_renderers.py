"""Terminal, page, CSV and JSON: the same order and groups, whatever names and figures there are."""

from __future__ import annotations

import json
import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.leaderboard.audience import visible_board
from runner.leaderboard.board import make_board
from runner.leaderboard.lines import conditions_text, rank_text, score_text
from runner.leaderboard.model import Board
from runner.leaderboard.page import board_page
from runner.leaderboard.row_page import row_page
from runner.leaderboard.spreadsheet import COLUMNS, board_csv, spreadsheet_cell
from runner.leaderboard.terminal import board_lines
from runner.pages.text import plain_name
from runner.pages.write import page_bytes
from tests.runner.leaderboard.made_up import HOSTILE_NAMES, NOON, candidate, crowd
from tests.runner.leaderboard.rendering import csv_rows, page_tables, text_of
from tests.support.paths import ROOT

SCHEMA = ROOT / "tests" / "runner" / "golden" / "leaderboard_schema.json"
DASH = "\u2013"
DANGEROUS = {"script", "img", "iframe", "object", "form", "foreignobject"}


def board_of_names(names: tuple[str, ...]) -> Board:
    return make_board(
        [
            *(candidate(at, 0.3 - at / 1000, submission=name, team=name) for at, name in enumerate(names)),
            *(
                candidate(1000 + at, submission=name, status="failed", reason=name, verdicts={"crashed": 1})
                for at, name in enumerate(names)
            ),
        ],
        challenge=names[0],
        seed=1,
    )


def test_the_schema_is_recorded() -> None:
    """Run this file as a script to record a new one; fields are added with a default."""
    assert json.loads(SCHEMA.read_text()) == Board.model_json_schema()


scores = st.lists(st.tuples(st.floats(0, 0.3), st.booleans(), st.booleans()), max_size=10)


@settings(max_examples=40)
@given(scores)
def test_order_and_groups_agree_in_all_formats(rows: list[tuple[float, bool, bool]]) -> None:
    """With baselines between the rows, several tables, and rows without a rank."""
    candidates = [
        candidate(at, score, is_baseline=is_baseline, status="failed" if fails else "scored", reason="x")
        for at, (score, is_baseline, fails) in enumerate(rows)
    ]
    board = make_board(candidates, challenge="hidden")
    again = Board.model_validate_json(board.model_dump_json())
    assert again == board
    expected = []
    for table in board.tables:
        merged = sorted([*table.rows, *table.baselines], key=lambda row: -(row.score or 0))
        expected += [(f"mine{row.entry}", rank_text(row)) for row in merged]
    expected += [(f"mine{row.entry}", "") for section in board.sections for row in section.rows]
    from_csv = [
        (line["submission"], DASH.join(dict.fromkeys((line["first_rank"], line["last_rank"]))))
        for line in csv_rows(board_csv(board))
    ]
    assert from_csv == [(name, rank.strip("()")) for name, rank in expected]
    cells = [[cell.removesuffix(" baseline") for cell in row] for row in page_tables(board_page(board)).rows]
    from_page = [
        (row[0], "") if row[0].startswith("mine") else (row[1], row[0])
        for row in cells
        if any(cell.startswith("mine") for cell in row[:2])
    ]
    assert from_page == expected
    lines = (line.split() for line in text_of(board_lines(board, 400)).splitlines())
    from_terminal = [
        (words[1], words[0] if words[0][0] in "(0123456789" else "")
        for words in lines
        if len(words) > 1 and words[1].startswith("mine")
    ]
    assert from_terminal == expected


@pytest.mark.parametrize("audience", ["organizer", "public"])
def test_hostile_names_stay_text(audience: str) -> None:
    """No markup, no formula, no control or bidirectional character gets through, in any format."""
    board = visible_board(board_of_names(HOSTILE_NAMES), audience)  # type: ignore[arg-type]
    pages = [board_page(board), *(row_page(board, row, None) for row in board.all_rows())]
    for page in pages:
        tables = page_tables(page)
        assert not tables.tags & DANGEROUS
        assert not {name for name in tables.attributes if name.startswith("on") or name == "style"}
        assert not [
            link
            for link in tables.links
            if not re.fullmatch(r"reports/entry-\d+\.html|\.\./index\.html|data:,", link)
        ]
        assert "49" not in re.findall(r"<bdi[^>]*>([^<]*)</bdi>", page), "no template is filled in"
    texts = [
        *(page.split("</style>")[1] for page in pages),
        text_of(board_lines(board, 200)),
        board_csv(board).decode(),
    ]
    for text in texts:
        strange = {c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Co", "Cs", "Zl", "Zp")} - {
            "\n",
            "\r",
        }
        assert strange == set()
    for line in csv_rows(board_csv(board)):
        for name, cell in line.items():
            assert not cell.startswith(("=", "+", "-", "@", "\t", "\r")) or re.fullmatch(r"-?\d.*", cell), (
                name,
                cell,
            )
    for page in pages:
        page_bytes(page).decode()


@pytest.mark.parametrize(
    ("digest", "text"), [("sha256:" + "1" * 64, f"image {'1' * 12}"), ("2" * 64, f"image inputs {'2' * 12}")]
)
def test_the_conditions_say_what_the_digest_of_the_image_is_of(digest: str, text: str) -> None:
    """Of the image itself or, from an engine that did not report that, of its inputs."""
    (table,) = make_board([candidate(1)], challenge="h").tables
    conditions = table.conditions.model_copy(update={"image": digest})
    assert text in conditions_text(conditions).split(", ")


def test_a_formula_gets_an_apostrophe_and_a_number_none() -> None:
    """Negative numbers stay numbers; cells with commas, quotes and line ends are quoted."""
    board = make_board(
        [candidate(1, -0.25, submission="=1+1", team="-x"), candidate(2, submission='a,"b"')], challenge="h"
    )
    data = board_csv(board)
    first, second = csv_rows(data)
    assert (second["submission"], second["team"], second["score"]) == ("'=1+1", "'-x", "-0.25")
    assert first["submission"] == 'a,"b"'
    assert data.count(b"\r\n") == data.count(b"\n") == 3
    assert data.startswith(",".join(COLUMNS).encode() + b"\r\n")


@pytest.mark.parametrize("text", ["a;=1+1", 'a;"=1+1"', '"=1+1', "\uff1d1+1", "a;\uff0d1", "a;;@b", "a\n+1"])
def test_a_text_has_no_formula_where_semicolons_separate_cells(text: str) -> None:
    """As for a spreadsheet where the decimal comma is used, and with an equals sign in full width."""
    shown = spreadsheet_cell(text)
    assert isinstance(shown, str)
    cells = re.split(r"[;\t\r\n]", shown)
    assert not [cell for cell in cells if cell.lstrip('"').startswith(tuple("=+-@\uff1d\uff0b\uff0d\uff20"))]
    assert shown.replace("'", "") == text, "nothing else is changed"


def test_an_ordinary_text_stays_as_it_is() -> None:
    """Separators alone are no formula."""
    texts = ["a; b", "a;b", "x=1", "1-2", "note level; warning other"]
    assert [spreadsheet_cell(text) for text in texts] == texts


def test_csv_and_json_have_figures_as_stored() -> None:
    """To the last digit; only tables for people round."""
    score = 0.12345678901234567
    board = make_board([candidate(1, score, noise=0.00123456789)], challenge="h")
    (line,) = csv_rows(board_csv(board))
    assert (
        float(line["score"]) == score == json.loads(board.model_dump_json())["tables"][0]["rows"][0]["score"]
    )
    assert float(line["score_low"]) == score - 0.00123456789


@pytest.mark.parametrize(
    ("score", "low", "high", "text"),
    [
        (0.18704, 0.1747, 0.1993, "0.187 ± 0.012"),
        (0.18704, 0.18692, 0.18716, "0.18704 ± 0.00012"),
        (0.5, 0.0, 1.0, "0.50 ± 0.50"),
        (0.1, 0.1, 0.1, "0.1000 ± 0.0000"),
        (12.3, -30.0, 50.0, "12 ± 40"),
        (0.18704, None, None, "0.1870"),
    ],
)
def test_a_score_is_rounded_by_the_width_of_its_interval(
    score: float, low: float | None, high: float | None, text: str
) -> None:
    """Two digits of half the width; never a digit that the noise decides alone."""
    (row,) = make_board([candidate(1, score)], challenge="h").all_rows()
    assert score_text(row.model_copy(update={"score": score, "score_low": low, "score_high": high})) == text


@pytest.mark.parametrize("width", [80, 200])
def test_the_table_fits_the_terminal(width: int) -> None:
    """In 80 columns it has rank, team, submission and score; in 200 everything."""
    rows = crowd(30)
    rows += [
        candidate(
            100, status="failed", reason="run 3 ended as crashed (ValueError: x)" * 3, verdicts={"crashed": 1}
        )
    ]
    text = text_of(board_lines(make_board(rows, challenge="h"), width), width=width)
    assert max(map(len, text.splitlines())) <= width
    header = next(line for line in text.splitlines() if "rank" in line)
    assert {"rank", "team", "submission", "score"} <= set(header.split())
    assert ("evaluation" in header and "flags" in header and "verified" in header) == (width == 200)
    assert re.search(r"0\.\d+ ± 0\.0\d+", text)
    assert "crashed" in text


def test_no_colour_without_a_terminal() -> None:
    """And none where NO_COLOR is set."""
    board = board_of_names(("alpha", "\u0430lpha"))
    assert "\x1b" not in text_of(board_lines(board, 80), width=80)
    assert "\x1b[3" not in text_of(board_lines(board, 80), width=80, force_terminal=True, no_color=True)
    assert "looks like" in text_of(board_lines(board, 80), width=80)


def test_twelve_hundred_rows_are_a_page_of_a_megabyte() -> None:
    """With all that a row can have."""
    page = page_bytes(board_page(make_board(crowd(1200), challenge="h")))
    assert 300_000 < len(page) <= 1_000_000


def test_the_longest_names_do_not_make_the_page_larger() -> None:
    """Each as long as a name can be shown, of characters with marks: they are cut shorter where they are many."""
    name = plain_name("\U0001f9d1\u0300\u0301\u0302\u0303" * 64)
    (table,) = make_board(
        [candidate(0, flags=(("problem", "too-slow"),), verified_at=NOON)], challenge="h"
    ).tables
    (row,) = table.rows
    rows = [
        row.model_copy(update={"team": name, "submission": name, "looks_like": [name]}) for _ in range(1200)
    ]
    board = Board(challenge="h", audience="organizer", tables=[table.model_copy(update={"rows": rows})])
    assert len(name.encode()) * 3600 > 2_500_000
    assert len(page_bytes(board_page(board))) <= 1_000_000


if __name__ == "__main__":
    SCHEMA.write_text(json.dumps(Board.model_json_schema(), indent=1) + "\n")
