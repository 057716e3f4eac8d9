"""The one style sheet of all pages, and the policy that lets a browser apply it and nothing else."""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Final

_FILE: Final = Path(__file__).parent / "templates" / "style.css"


@lru_cache(maxsize=1)
def style_sheet() -> str:
    """Return the content of the ``<style>`` element of every page."""
    return _FILE.read_text(encoding="utf-8")


def content_security_policy() -> str:
    """Return the policy of every page: this style sheet, images inside the page, and nothing else.

    A browser that obeys it runs no script, requests nothing, and ignores ``style`` attributes, even if text
    of a stranger became markup by a mistake of a template.

    Source:
        W3C, Content Security Policy Level 3, section 6.7.3 on hashes of inline style elements.
    """
    digest = base64.b64encode(hashlib.sha256(style_sheet().encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    )
