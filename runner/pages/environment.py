"""Templates filled with data: autoescaping is on, and a name that is not defined is an error."""

from __future__ import annotations

import importlib.metadata
from functools import lru_cache
from pathlib import Path
from typing import Final

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from runner.pages.style import content_security_policy, style_sheet
from runner.pages.text import block, line, name, plain_line, plain_name

TEMPLATES: Final = Path(__file__).parent / "templates"


@lru_cache(maxsize=1)
def page_environment() -> Environment:
    """Return the environment of all pages; its filters are those of `runner.pages.text`."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )
    environment.filters.update(
        name=name, plain_name=plain_name, line=line, plain_line=plain_line, block=block
    )
    environment.globals.update(
        policy=Markup(content_security_policy()),  # noqa: S704 - a constant, without quotes
        style_sheet=Markup(style_sheet()),  # noqa: S704 - a file of this package
        project_version=importlib.metadata.version("unlearn"),
    )
    return environment


def render_page(template: str, **values: object) -> str:
    """Return a page.

    Args:
        template: Name of a file in ``templates`` that extends ``base.html``.
        values: What it shows.

    Raises:
        jinja2.UndefinedError: the template uses a name that is not among the values.
    """
    return page_environment().get_template(template).render(**values)


def environment_over(folder: Path, *, policy: str, **values: object) -> Environment:
    """Return an environment whose templates stand before those of this package.

    Args:
        folder: Of the templates; a ``base.html`` there is that of all pages.
        policy: Of the pages; without quotation marks.
        values: Further names that templates may use.
    """
    environment = page_environment().overlay(
        loader=ChoiceLoader([FileSystemLoader(folder), FileSystemLoader(TEMPLATES)])
    )
    environment.globals = {
        **page_environment().globals,
        "policy": Markup(policy),  # noqa: S704 - a constant, without quotes
        **values,
    }
    return environment
