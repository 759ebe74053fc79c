"""Matplotlib figures as small SVG trees that take their colours and fonts from the page."""

import io
import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SVG = "http://www.w3.org/2000/svg"
XLINK = "http://www.w3.org/1999/xlink"
ET.register_namespace("", SVG)
ET.register_namespace("xlink", XLINK)

_LONG_NUMBER = re.compile(r"-?\d+\.\d{3,}(?:e-?\d+)?")
_REFERENCE = re.compile(r"""(?:url\(#|href="#)([^)"]+)""")


@dataclass(frozen=True)
class Frame:
    """What is seen at one position: the tree of each figure's SVG and the sentence that goes with them."""

    svgs: list[ET.Element]
    says: str

    @property
    def texts(self) -> list[str]:
        """Each SVG as it stands in a page."""
        return [serialize(svg) for svg in self.svgs]


def serialize(element: ET.Element) -> str:
    """Write an element without the namespace declarations, which an HTML page does not need."""
    text = ET.tostring(element, encoding="unicode")
    return (
        text.replace(f' xmlns="{SVG}"', "")
        .replace(f' xmlns:xlink="{XLINK}"', "")
        .replace("xlink:href", "href")
    )


def tree(figure: "Figure") -> ET.Element:
    """Turn a figure into the tree of its SVG and close it.

    Text stays text in the page's font. Black becomes the page's text colour and white its background, so
    that axes follow the theme; every other colour keeps its meaning and its value.
    """
    import matplotlib as mpl
    import matplotlib.pyplot as plt

    file = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "npfl"}):
        figure.savefig(file, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    plt.close(figure)
    source = file.getvalue()
    root = ET.fromstring(source[source.index("<svg") :])
    for metadata in root.findall(f"{{{SVG}}}metadata"):
        root.remove(metadata)
    for definitions in root.findall(f"{{{SVG}}}defs"):
        # Matplotlib's rule for * would hold for the whole page.
        for style in definitions.findall(f"{{{SVG}}}style"):
            definitions.remove(style)
    used = set(_REFERENCE.findall(source))
    for element in root.iter():
        _slim(element, used)
    for size in ("width", "height", "version"):
        root.attrib.pop(size, None)
    root.set("aria-hidden", "true")  # the alternative text stands on the element around it
    return root


def _slim(element: ET.Element, used: set[str]) -> None:
    """Move the style of one element into attributes, round its numbers, drop names that nothing uses."""
    if element.get("id") not in used:
        element.attrib.pop("id", None)
    # Attributes instead of a style: shorter, differing one at a time, and allowed by a strict
    # Content-Security-Policy.
    for rule in element.attrib.pop("style", "").split(";"):
        key, _, value = (part.strip() for part in rule.partition(":"))
        if key and key not in {"font-family", "font"}:
            element.set(key, _COLORS.get(value, value))
    for key in ("d", "x", "y", "width", "height", "transform", "points"):
        if key in element.attrib:
            element.set(key, " ".join(_LONG_NUMBER.sub(_rounded, element.attrib[key]).split()))
    if element.text and not element.text.strip():
        element.text = None
    if element.tail and not element.tail.strip():
        element.tail = None


_COLORS = {"#000000": "currentColor", "#ffffff": "var(--npfl-paper)"}


def _rounded(match: re.Match[str]) -> str:
    # Hundredths of a point cannot be seen. Adding 0.0 turns -0.0 into 0.0.
    return f"{round(float(match.group()), 2) + 0.0:.2f}".rstrip("0").rstrip(".")
