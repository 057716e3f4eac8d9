"""Matplotlib's SVG as inline markup: no style, ids of its own, colours as classes, short numbers."""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from markupsafe import Markup

INKS: Final[Mapping[str, str]] = {
    "ink": "#010101",
    "quiet": "#020202",
    "line": "#030303",
    "unlearned": "#040404",
    "references": "#050505",
    "limit": "#060606",
    "paper": "#070707",
}
"""Colours by the name of their class; what they look like is in ``style.css``."""

_CLASSES: Final = {code: name for name, code in INKS.items()}
_SVG: Final = "{http://www.w3.org/2000/svg}"
_XLINK: Final = "{http://www.w3.org/1999/xlink}href"
_DEFAULTS: Final = {
    ("stroke-width", "1"),
    ("stroke-linecap", "butt"),
    ("stroke-linejoin", "miter"),
    ("text-anchor", "start"),
}
_INHERITED: Final = ("fill", "stroke", "class", "stroke-width", "fill-opacity", "stroke-opacity", "opacity")
_NUMBER: Final = re.compile(r"-?\d+\.\d+")
_REFERENCE: Final = re.compile(r"#([\w.-]+)")
_FONT_SIZE: Final = 12
_SETTINGS: Final[Mapping[str, Any]] = {
    "svg.fonttype": "none",
    "svg.image_inline": True,
    "text.parse_math": False,
    "text.usetex": False,
    "axes.formatter.use_mathtext": False,
    "axes.unicode_minus": True,
    "axes.edgecolor": INKS["line"],
    "axes.labelcolor": INKS["quiet"],
    "axes.facecolor": "none",
    "axes.linewidth": 1.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.labelsize": _FONT_SIZE,
    "figure.facecolor": "none",
    "figure.dpi": 72.0,
    "savefig.dpi": 72.0,
    "savefig.facecolor": "none",
    "font.size": _FONT_SIZE,
    "text.color": INKS["quiet"],
    "xtick.color": INKS["line"],
    "xtick.labelcolor": INKS["quiet"],
    "ytick.color": INKS["line"],
    "ytick.labelcolor": INKS["quiet"],
    "xtick.labelsize": _FONT_SIZE,
    "ytick.labelsize": _FONT_SIZE,
    "lines.scale_dashes": True,
}


@contextmanager
def drawing(prefix: str) -> Iterator[None]:
    """Draw with settings of this project alone, whatever the user's matplotlibrc says.

    Args:
        prefix: Of the figure: the salt of its ids.
    """
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # a font cache is no message for users
    import matplotlib as mpl  # noqa: PLC0415 - takes half a second
    from matplotlib import style  # noqa: PLC0415 - the same

    settings: Any = {**_SETTINGS, "svg.hashsalt": prefix}
    with style.context("default"), mpl.rc_context(settings):
        yield


def svg_markup(figure: Any, *, prefix: str, title: str) -> Markup:  # noqa: ANN401 - matplotlib has no types
    """Return a figure as an ``<svg>`` element; to be called within `drawing`.

    Args:
        figure: Of matplotlib, drawn with `INKS` and no other colours.
        prefix: Begins all its ids; unique in the page.
        title: What it shows, for those who do not see it.
    """
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    root = ElementTree.fromstring(buffer.getvalue())  # noqa: S314 - written by matplotlib, just now
    _remove(root, {f"{_SVG}metadata", f"{_SVG}style"})
    for element in root.iter():
        _plain_attributes(element)
    _rename_ids(root, prefix)
    for element in root.iter():
        _hoist(element)
    _unwrap(root)
    _, _, width, height = root.attrib["viewBox"].split()
    root.attrib.clear()
    size = f"0 0 {float(width):g} {float(height):g}"
    root.attrib.update({"viewBox": size, "role": "img", "aria-labelledby": f"{prefix}-title"})
    heading = Element("title", {"id": f"{prefix}-title"})
    heading.text = title
    root.insert(0, heading)
    for element in root.iter():
        element.tag = element.tag.removeprefix(_SVG)
        element.tail = None
        if element.text is not None and not element.text.strip():
            element.text = None
    text = ElementTree.tostring(root, encoding="unicode", short_empty_elements=True)
    return Markup(text)  # noqa: S704 - serialized, so escaped


def _remove(root: Element, tags: set[str]) -> None:
    for parent in root.iter():
        for child in [child for child in parent if child.tag in tags]:
            parent.remove(child)
    for parent in root.iter():
        for child in [child for child in parent if child.tag == f"{_SVG}defs" and not len(child)]:
            parent.remove(child)


def _plain_attributes(element: Element) -> None:
    """Split the style of an element into presentation attributes, and its colours into classes."""
    properties = dict(
        part.split(":", 1) for part in element.attrib.pop("style", "").split(";") if part.strip()
    )
    classes = []
    for name, value in ((name.strip(), value.strip()) for name, value in properties.items()):
        if name in ("fill", "stroke") and value in _CLASSES:
            classes.append(f"{name}-{_CLASSES[value]}")
        elif name in ("fill", "stroke") and value != "none":
            raise ValueError(f"The figure has the colour {value}, which is no class of the style sheet.")
        elif name == "font-size":
            if value != f"{_FONT_SIZE}px":
                element.set(name, value.removesuffix("px"))
        elif name != "font-family" and (name, value) not in _DEFAULTS:
            element.set(name, _short(value))
    if classes:
        element.set("class", " ".join(classes))
    if element.attrib.get("transform", "").startswith("rotate(-0 "):
        del element.attrib["transform"]
    if _XLINK in element.attrib:
        element.set("href", element.attrib.pop(_XLINK))
    for name in ("d", "x", "y", "width", "height", "transform"):
        if name in element.attrib:
            element.set(name, _short(" ".join(element.attrib[name].split())))


def _short(text: str) -> str:
    return _NUMBER.sub(lambda match: f"{round(float(match[0]), 2) + 0:g}", text)


def _rename_ids(root: Element, prefix: str) -> None:
    """Give short ids to what is referred to, and none to all else."""
    names: dict[str, str] = {}
    for element in root.iter():
        for name in ("href", "clip-path"):
            for old in _REFERENCE.findall(element.attrib.get(name, "")):
                names.setdefault(old, f"{prefix}-{len(names)}")
    for element in root.iter():
        if "id" in element.attrib:
            old = element.attrib.pop("id")
            if old in names:
                element.set("id", names[old])
        for name in ("href", "clip-path"):
            if name in element.attrib:
                element.set(name, _REFERENCE.sub(lambda match: f"#{names[match[1]]}", element.attrib[name]))


def _hoist(element: Element) -> None:
    """Move what all markers of a group have in common to the group."""
    children = list(element)
    if element.tag != f"{_SVG}g" or len(children) < 2 or any(each.tag != f"{_SVG}use" for each in children):
        return
    for name in _INHERITED:
        values = {child.attrib.get(name) for child in children}
        if len(values) == 1 and (value := values.pop()) is not None and name not in element.attrib:
            element.set(name, value)
            for child in children:
                del child.attrib[name]


def _unwrap(parent: Element) -> None:
    """Replace groups that do nothing by what is in them."""
    for child in list(parent):
        _unwrap(child)
    flat: list[Element] = []
    for child in parent:
        flat += list(child) if child.tag == f"{_SVG}g" and not child.attrib else [child]
    parent[:] = flat
