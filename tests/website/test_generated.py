"""The reference pages are those that the code gives, and describe every command, option and field."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field
from typer.core import TyperOption

from runner.cli import main as cli
from runner.cli.interface.challenge_commands import (
    CHALLENGE_COMMANDS,
    COMPETITION_COMMANDS,
    REJUDGE_COMMANDS,
    TEAM_COMMANDS,
)
from runner.cli.interface.checkpoint_commands import CHECKPOINT_COMMANDS
from runner.cli.interface.exit_codes import EXIT_CODES
from runner.cli.interface.image_commands import IMAGE_COMMANDS
from runner.errors import UNFORESEEN_EXIT_CODE, ConfigurationError, HostNotReadyError, SandboxError
from runner.reports.advice import table as mistakes
from runner.validation import Sha256
from website.commands import all_commands
from website.fields import FieldDoc, classes_in, documented_fields, in_words
from website.formats import FORMATS, formats_page
from website.generate import PAGES, PARTICIPANTS, REFERENCE, rendered, with_mistakes
from website.tables import table


def no_link(cls: type) -> str:
    return cls.__name__


@pytest.mark.parametrize("name", PAGES)
def test_the_pages_are_up_to_date(name: str) -> None:
    """`python -m website.generate` writes them again."""
    assert (REFERENCE / name).read_text(encoding="utf-8") == rendered(name)


def test_the_table_of_mistakes_is_that_of_the_advice() -> None:
    """An earlier table is replaced in its place; a page without one is an error."""
    page = PARTICIPANTS.read_text(encoding="utf-8")
    assert with_mistakes(page) == page
    earlier = "above\n\n| message | cause and remedy |\n|---|---|\n| old | x |\n\nbelow\n"
    assert with_mistakes(earlier) == f"above\n\n{mistakes()}\nbelow\n"
    with pytest.raises(ValueError, match="no table"):
        with_mistakes("above\n")


def test_only_generated_pages_are_in_their_folder() -> None:
    """A page whose renderer is gone would stay as it is."""
    assert {file.name for file in REFERENCE.iterdir()} == PAGES.keys()


def test_every_option_of_every_command_is_described() -> None:
    """Also those of the command that has only an earlier name."""
    text = (REFERENCE / "commands.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^## `(unlearn[a-z -]*)`\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL))
    commands = dict(all_commands(cli.command_group()))
    assert commands.keys() == sections.keys() - {"unlearn"}
    assert len(commands) == sum(
        map(
            len,
            (
                cli.COMMANDS,
                IMAGE_COMMANDS,
                CHECKPOINT_COMMANDS,
                CHALLENGE_COMMANDS,
                COMPETITION_COMMANDS,
                REJUDGE_COMMANDS,
                TEAM_COMMANDS,
            ),
        )
    )
    for name, command in commands.items():
        options = [
            parameter
            for parameter in command.params
            if isinstance(parameter, TyperOption) and not parameter.hidden and parameter.name != "quiet"
        ]
        for option in options:
            row = re.search(rf"^\| `{re.escape(option.opts[0])}`.*\| (.+) \|$", sections[name], re.MULTILINE)
            assert row is not None, f"{name} {option.opts[0]}"
            assert row[1].strip() not in ("", "None"), f"{name} {option.opts[0]} has no help"


def test_exit_codes_are_those_of_the_errors() -> None:
    """The table has each of them, and `--help` prints the table."""
    errors = {error.exit_code for error in (ConfigurationError, HostNotReadyError, SandboxError)}
    assert EXIT_CODES.keys() == {0, 1, UNFORESEEN_EXIT_CODE, cli.INTERRUPTED} | errors
    epilog = str(cli.command_group().epilog)
    assert all(f"{code} {meaning}" in epilog for code, meaning in EXIT_CODES.items())


@pytest.mark.parametrize(
    "cls", [cls for item in FORMATS for cls in item.parts()], ids=lambda cls: cls.__name__
)
def test_every_field_is_described(cls: type) -> None:
    """By the string that follows it in the code."""
    fields = documented_fields(cls, link=no_link)
    assert fields
    assert [field.name for field in fields if not field.text] == []


def test_links_of_the_page_lead_to_its_headings() -> None:
    """From a field to the fields of its class."""
    page = formats_page()
    headings = {
        re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.+)$", page, re.MULTILINE)
    }
    links = re.findall(r"\]\(#([^)]*)\)", page)
    assert len(links) > 20
    assert set(links) <= headings


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Inner(BaseModel):
    """A model in another."""

    size: Annotated[int, Field(ge=2, lt=2000)]
    """How large, in ``metres``;
    two lines."""


class Outer(Inner):
    """A model with fields of a base."""

    inner: Inner | None = None
    """None where there is none: None is not zero."""
    digest: Sha256 | Literal[""] = ""
    many: list[Inner] = []
    flag: bool = True
    """Whether."""


@dataclass(frozen=True)
class Record:
    """A dataclass."""

    colour: Colour
    """Of it."""
    share: Annotated[float, Field(gt=0, le=1.0)] = 0.5


def test_parts_are_followed_as_far_as_they_lead() -> None:
    """Through lists and what may be absent; a part that is a format of its own has its own section."""
    assert list(classes_in(Outer)) == [Inner, Inner]
    names = [[cls.__name__ for cls in item.parts()] for item in FORMATS]
    assert names[0] == ["Description", "Source", "Limits", "Training", "ProbeSettings"]
    assert all("TrainingChoice" not in parts[1:] for parts in names)
    assert sum(map(len, names)) == len({name for parts in names for name in parts}) > 25


def test_fields_of_models_and_dataclasses() -> None:
    """Inherited fields, bounds, defaults, texts of several lines; without Python's words for nothing and truth."""
    size = FieldDoc(
        name="size",
        type="whole number, at least 2, below 2 000",
        default="",
        text="How large, in `metres`; two lines.",
    )
    assert documented_fields(Inner, link=no_link) == [size]
    assert documented_fields(Outer, link=no_link) == [
        size,
        FieldDoc(
            name="inner", type="Inner", default="absent", text="None where there is none: none is not zero."
        ),
        FieldDoc(name="digest", type="SHA-256 or empty", default="empty", text=""),
        FieldDoc(name="many", type="list (Inner)", default="empty", text=""),
        FieldDoc(name="flag", type="true or false", default="`true`", text="Whether."),
    ]
    assert documented_fields(Record, link=no_link) == [
        FieldDoc(name="colour", type="`red` or `blue`", default="", text="Of it."),
        FieldDoc(name="share", type="number, above 0, at most 1", default="`0.5`", text=""),
    ]


@pytest.mark.parametrize(
    ("hint", "words"),
    [
        (dict[str, list[float]], "table (list (number))"),
        (tuple[str, ...], "list (text)"),
        (int | None, "whole number or null"),
        (dict[str, Any], "table (any value)"),
    ],
)
def test_types_in_words(hint: object, words: str) -> None:
    """As a reader of a file calls them."""
    assert in_words(hint, no_link) == words


def test_a_type_without_words_is_an_error() -> None:
    """Rather than Python's own words on the page."""
    with pytest.raises(TypeError, match="no words"):
        in_words("a text", no_link)


def test_cells_of_tables() -> None:
    """A vertical bar ends no cell, columns without content are left out, and so is a table without rows."""
    assert table(["a", "b", "c"], [("x|y", "", "two\nlines"), ("z", "", "")]) == (
        "| a | c |\n|---|---|\n| x\\|y | two lines |\n| z |  |\n"
    )
    assert table(["a"], []) == ""
