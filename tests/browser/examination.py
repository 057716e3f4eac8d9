"""Open a page as its readers do, in Debian's chromium, and list what is wrong with it.

A page is a file that shows results of strangers' code. It is opened at the widths of a phone, a tablet and a
desktop, in a light and a dark scheme, and as it is printed; with and without JavaScript. Three contexts::

    as readers have it     console, requests, dialogs, scripts, widths, what print leaves of the text
    without JavaScript     the same text
    without the policy     axe-core, which is a script, is injected into the page
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

WIDTHS: Final = (320, 768, 1440)
"""CSS pixels: a phone, a tablet, a desktop. WCAG 2 asks for 320 without scrolling in two directions."""
HEIGHT: Final = 900
PAPER: Final = 720
"""CSS pixels: what the margins leave of A4."""
SCHEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")
MINIMUM_CONTRAST: Final = 4.5

_OF_COLOUR_AND_WIDTH: Final = (
    "color-contrast",
    "link-in-text-block",
    "scrollable-region-focusable",
    "target-size",
)
"""The rules of axe-core whose results differ between schemes and widths."""
_TIMEOUT_MS: Final = 120_000.0
_ACTIVE: Final = """() => [...document.querySelectorAll("*")].flatMap(element => [
    ...(["SCRIPT", "IFRAME", "OBJECT", "EMBED", "FORM", "BASE"].includes(element.tagName.toUpperCase())
        || element.matches("meta[http-equiv='refresh' i]") ? [element.tagName.toLowerCase()] : []),
    ...[...element.attributes].filter(attribute => /^on/i.test(attribute.name)
        || (attribute.name === "style")
        || (/href|src|action|data/i.test(attribute.name) && /^\\s*(javascript|vbscript):/i.test(attribute.value)))
        .map(attribute => `${element.tagName.toLowerCase()}[${attribute.name}]`)])"""
_OPEN_ALL: Final = "() => document.querySelectorAll('details').forEach(details => { details.open = true })"
_SCROLLS: Final = """() => {
    const width = document.scrollingElement.scrollWidth, room = window.innerWidth;
    if (width <= room) return null;
    const widest = [...document.body.querySelectorAll("*")].find(
        element => element.getBoundingClientRect().right > room + 0.5);
    return `${width} px, from ${widest ? widest.outerHTML.slice(0, 120) : "?"}`;
}"""
_PALE_ON_PAPER: Final = """least => {
    const luminance = colour => {
        const [red, green, blue] = colour.match(/[\\d.]+/g).slice(0, 3).map(part => part / 255)
            .map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const pale = new Set();
    while (texts.nextNode()) {
        const parent = texts.currentNode.parentElement;
        if (!texts.currentNode.data.trim() || !parent.getClientRects().length) continue;
        const style = getComputedStyle(parent);
        if (style.printColorAdjust === "exact") continue;
        const colour = parent instanceof SVGElement ? style.fill : style.color;
        if (colour.startsWith("rgb") && 1.05 / (luminance(colour) + 0.05) < least) {
            pale.add(`${parent.tagName.toLowerCase()} ${colour}`);
        }
    }
    return [...pale];
}"""
_TEXT: Final = "() => document.body.innerText"


def examine(browser: Browser, file: Path, *, with_axe: bool = True) -> list[str]:
    """Return what is wrong with a page, a sentence for each fault; an empty list is a good page.

    Args:
        browser: A running chromium.
        file: The page; it must not need any other file.
        with_axe: Run axe-core too, which takes most of the time.
    """
    return [*_as_readers_have_it(browser, file), *(_accessibility(browser, file) if with_axe else ())]


def axe_faults(page: Page, label: str, rules: Sequence[str] = ()) -> list[str]:
    """Return the serious and critical violations that axe-core detects, each with its first element.

    Args:
        page: Without a policy.
        label: Beginning of each sentence.
        rules: Of axe-core; all of them if there are none.
    """
    options: dict[str, Any] = {"resultTypes": ["violations"]}
    if rules:
        options["runOnly"] = {"type": "rule", "values": list(rules)}
    response: dict[str, Any] = Axe().run(page, options=options).response
    return [
        f"{label}: {violation['id']} ({violation['impact']}): {violation['nodes'][0]['html'][:160]}"
        for violation in response["violations"]
        if violation["impact"] in ("serious", "critical")
    ]


@contextmanager
def opened(browser: Browser, **options: Any) -> Iterator[Page]:
    """Yield a page in a context of its own, before anything is loaded."""
    context = browser.new_context(viewport={"width": WIDTHS[-1], "height": HEIGHT}, **options)
    context.set_default_timeout(_TIMEOUT_MS)
    try:
        yield context.new_page()
    finally:
        context.close()


def _as_readers_have_it(browser: Browser, file: Path) -> Iterator[str]:
    events: list[str] = []
    with opened(browser) as page:
        page.on("console", lambda message: events.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: events.append(f"exception: {error}"))
        page.on("request", lambda request: events.append(f"request: {request.url[:200]}"))
        page.on("popup", lambda popup: events.append(f"window: {popup.url[:200]}"))

        def dismiss(dialog: Any) -> None:
            events.append(f"dialog: {dialog.message}")
            dialog.dismiss()

        page.on("dialog", dismiss)
        page.goto(file.as_uri())
        if page.evaluate(_TEXT) != (text := _text_without_javascript(browser, file)):
            yield f"other text without JavaScript: {text[:200]!r}"
        yield from (f"active content: {name}" for name in sorted(set(page.evaluate(_ACTIVE))))
        for details in ("closed", "open"):
            if details == "open":
                page.evaluate(_OPEN_ALL)
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": HEIGHT})
                if scrolls := page.evaluate(_SCROLLS):
                    yield f"scrolls sideways at {width} px, details {details}: {scrolls}"
        page.set_viewport_size({"width": PAPER, "height": HEIGHT})
        for scheme in SCHEMES:
            page.emulate_media(media="print", color_scheme=scheme)
            if scrolls := page.evaluate(_SCROLLS):
                yield f"wider than paper: {scrolls}"
            yield from (
                f"pale on paper, {scheme} scheme: {text}"
                for text in page.evaluate(_PALE_ON_PAPER, MINIMUM_CONTRAST)
            )
    allowed = f"request: {file.as_uri()}"
    yield from (event for event in events if event != allowed and not event.startswith("request: data:"))


def _text_without_javascript(browser: Browser, file: Path) -> str:
    with opened(browser, java_script_enabled=False) as page:
        page.goto(file.as_uri())
        return str(page.evaluate(_TEXT))


def _accessibility(browser: Browser, file: Path) -> Iterator[str]:
    with opened(browser, bypass_csp=True) as page:
        page.goto(file.as_uri())
        page.evaluate(_OPEN_ALL)
        yield from axe_faults(page, f"axe, light scheme at {WIDTHS[-1]} px")
        page.set_viewport_size({"width": WIDTHS[0], "height": HEIGHT})
        page.emulate_media(color_scheme="dark")
        yield from axe_faults(page, f"axe, dark scheme at {WIDTHS[0]} px", _OF_COLOUR_AND_WIDTH)
