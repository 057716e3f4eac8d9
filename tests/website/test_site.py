"""The site is built with warnings as errors, every link leads somewhere, and no page asks another host."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.support.paths import ROOT
from website.build import CONFIGURATION, PAGES, SiteError, gather, render
from website.collect import site_path, sources

LOADED = {"img": "src", "script": "src", "iframe": "src", "source": "src", "video": "src", "embed": "src"}
"""Elements that a browser loads by itself, and the attribute that has the address."""
LOADED_RELATIONS = {
    "stylesheet",
    "icon",
    "preload",
    "modulepreload",
    "preconnect",
    "dns-prefetch",
    "manifest",
}


@dataclass
class Page(HTMLParser):
    """The parts of a page that lead elsewhere, or are led to."""

    links: list[str] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)
    policy: str = ""

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.anchors |= {values[name] for name in ("id", "name") if name in values}
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        if tag in LOADED and LOADED[tag] in values:
            self.loaded.append(values[LOADED[tag]])
        if tag == "link" and set(values.get("rel", "").split()) & LOADED_RELATIONS:
            self.loaded.append(values["href"])
        if values.get("http-equiv", "").lower() == "content-security-policy":
            self.policy = values["content"]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    gather(folder)
    return render(folder)


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[str, Page]:
    """Each page of the site by its path."""
    parsed = {}
    for file in site.rglob("*.html"):
        page = Page()
        page.feed(file.read_text(encoding="utf-8"))
        parsed[file.relative_to(site).as_posix()] = page
    return parsed


def broken(links: list[str], here: str, pages: dict[str, Page], site: Path) -> Iterator[str]:
    """Yield the links of a page that lead to no file of the site, or to no anchor of it."""
    for link in links:
        parts = urlsplit(link)
        if parts.scheme:
            continue
        path = unquote(parts.path)
        target = posixpath.normpath(posixpath.join(posixpath.dirname(here), path)) if path else here
        if (site / target).is_dir():
            target = posixpath.normpath(posixpath.join(target, "index.html"))
        anchors = pages[target].anchors if target in pages else set()
        if not (site / target).is_file() or (parts.fragment and unquote(parts.fragment) not in anchors):
            yield link


def test_every_page_is_built(pages: dict[str, Page]) -> None:
    """Those of `docs/`, and the others that the site has."""
    places = [site_path(path) for path in sources(ROOT) if path.endswith(".md")]
    assert {str(place).removesuffix(".md") + ".html" for place in places} <= pages.keys()


def test_every_page_is_in_the_navigation() -> None:
    """A page that nothing leads to is not read."""
    configuration = (ROOT / CONFIGURATION).read_text(encoding="utf-8")
    listed = re.findall(r'"([\w/-]+\.md)" }', configuration)
    assert sorted(listed) == sorted(str(site_path(path)) for path in sources(ROOT) if path.endswith(".md"))


def test_links_lead_somewhere(pages: dict[str, Page], site: Path) -> None:
    """To a file of the site, and to a heading of it where one is named."""
    assert sum(len(page.links) for page in pages.values()) > 1000
    dead = {name: sorted(set(broken(page.links, name, pages, site))) for name, page in pages.items()}
    assert {name: links for name, links in dead.items() if links and name != "404.html"} == {}


def test_lists_and_tables_are_rendered(pages: dict[str, Page], site: Path) -> None:
    """No mark of Markdown is left in the text: of an item, a row, a bold word or a link."""
    for name in pages:
        text = (site / name).read_text(encoding="utf-8")
        article = re.sub(r"<(pre|code).*?</\1>", "", text.partition("<article")[2], flags=re.DOTALL)
        marks = re.findall(r"^ *[*+-] .*|^(?:<p>)?\|.*|\*\*\w.*|\]\([\w#./].*", article, re.MULTILINE)
        assert marks == [], name


def test_nothing_is_loaded_from_another_host(pages: dict[str, Page], site: Path) -> None:
    """Neither by pages nor by style sheets; the policy of each page forbids it to scripts as well."""
    for name, page in pages.items():
        assert [link for link in page.loaded if urlsplit(link).netloc] == [], name
        assert list(broken(page.loaded, name, pages, site)) == [] or name == "404.html"
        assert page.policy.startswith("default-src 'self'"), name
        assert "http" not in page.policy
    for sheet in site.rglob("*.css"):
        text = sheet.read_text(encoding="utf-8")
        assert re.findall(r"(?:url\(|@import)\s*['\"]?(?:https?:)?//[^)]*", text) == [], sheet.name


def test_links_that_lead_nowhere_fail_the_build(tmp_path: Path) -> None:
    """To a page, to a heading of another page, or of the same page."""
    gather(tmp_path)
    with (tmp_path / PAGES / "faq.md").open("a", encoding="utf-8") as page:
        page.write("\n[a](missing.md), [b](metrics.md#missing)\n\n[c](#missing)\n")
    with pytest.raises(SiteError, match="does not exist") as error:
        render(tmp_path)
    assert str(error.value).count("does not exist") == 2 * 3
