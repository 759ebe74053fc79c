"""Matplotlib figures as small SVG trees that take their colours and fonts from the page."""

import base64
import io
import math
import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from npfl.figures import COLORS

if TYPE_CHECKING:
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

SVG = "http://www.w3.org/2000/svg"
XLINK = "http://www.w3.org/1999/xlink"
HREF = f"{{{XLINK}}}href"
ET.register_namespace("", SVG)
ET.register_namespace("xlink", XLINK)

_LONG_NUMBER = re.compile(r"-?\d+\.\d{3,}(?:e-?\d+)?")
_STEP = re.compile(r"([A-Za-z])([^A-Za-z]*)")
_SPARE = re.compile(r"(?<=[A-Za-z]) | (?=[-A-Za-z])")
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

    Text stays text in the page's font. Black becomes the page's text colour, white its background, and the
    colours of `npfl.figures` those that the theme has for them, so that a figure follows the theme; every
    other colour keeps its value.
    """
    import matplotlib as mpl
    import matplotlib.pyplot as plt

    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            _plain_powers(axis)
    file = io.StringIO()
    # Each image stays its own, since one of a single colour follows the theme.
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "npfl", "image.composite_image": False}):
        figure.savefig(file, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    plt.close(figure)
    source = file.getvalue()
    root = ET.fromstring(source[source.index("<svg") :])
    for definitions in root.findall(f"{{{SVG}}}defs"):
        # Matplotlib's rule for * would hold for the whole page.
        for style in definitions.findall(f"{{{SVG}}}style"):
            definitions.remove(style)
    used = {*_REFERENCE.findall(source), *(f"npfl-{name}" for name in _NAMES.values())}
    _tint(root)
    for element in root.iter():
        _slim(element, used)
    for size in ("width", "height", "version"):
        root.attrib.pop(size, None)
    root.set("aria-hidden", "true")  # the alternative text stands on the element around it
    return root


def _tint(root: ET.Element) -> None:
    """Let bitmaps that are one colour of the palette, more or less transparent, follow the theme, too."""
    from PIL import Image  # comes with Matplotlib

    used = {}
    for image in root.iter(f"{{{SVG}}}image"):
        if image.get("id") == "smooth":
            del image.attrib["style"]  # which asks for sharp pixels
        bitmap = Image.open(io.BytesIO(base64.b64decode(image.attrib[HREF].partition(",")[2])))
        pixels = np.asarray(bitmap.convert("RGBA"))
        colors = np.unique(pixels[pixels[..., 3] > 0][:, :3], axis=0)
        if len(colors) == 1 and (name := _NAMES.get(color := f"#{bytes(colors[0]).hex()}")):
            image.set("filter", f"url(#npfl-{name})")
            used[name] = _COLORS[color]
    for name, color in used.items():
        look = {"id": f"npfl-{name}", "x": "0", "y": "0", "width": "1", "height": "1"}
        tint = ET.SubElement(root, f"{{{SVG}}}filter", look | {"color-interpolation-filters": "sRGB"})
        ET.SubElement(tint, f"{{{SVG}}}feFlood", {"flood-color": color})
        ET.SubElement(tint, f"{{{SVG}}}feComposite", {"in2": "SourceAlpha", "operator": "in"})


def _plain_powers(axis: "Axis") -> None:
    """Write the powers of ten of a logarithmic axis as plain text, without ticks between them.

    Matplotlib would set each of them as a formula, which takes half the time of such a figure.
    """
    from matplotlib import ticker

    if isinstance(axis.get_major_formatter(), ticker.LogFormatterMathtext):
        axis.set_major_formatter(ticker.FuncFormatter(_power))
        axis.set_minor_locator(ticker.NullLocator())


def _power(value: float, position: int | None) -> str:
    """Write a power of ten, or what stands between two of them."""
    exponent = math.log10(value)
    if not exponent.is_integer():
        return f"{value:g}".replace("-", "\N{MINUS SIGN}")
    return str(round(value)) if exponent in (0, 1) else "10" + str(round(exponent)).translate(_SUPERSCRIPTS)


def pack(element: ET.Element) -> None:
    """Pack the bitmaps of a tree tightly, to a quarter; method 6 takes ten times as long for 3 % less."""
    from PIL import Image  # comes with Matplotlib

    for image in element.iter(f"{{{SVG}}}image"):
        bitmap = Image.open(io.BytesIO(base64.b64decode(image.attrib[HREF].partition(",")[2])))
        file = io.BytesIO()
        bitmap.save(file, format="WebP", lossless=True, exact=True, quality=100, method=5)
        image.set(HREF, f"data:image/webp;base64,{base64.b64encode(file.getvalue()).decode()}")


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
    if "d" in element.attrib:
        element.set("d", _relative(element.attrib["d"]))
    for key in ("x", "y", "width", "height", "transform", "points"):
        if key in element.attrib:
            element.set(key, " ".join(_LONG_NUMBER.sub(_rounded, element.attrib[key]).split()))
    if element.text and not element.text.strip():
        element.text = None
    if element.tail and not element.tail.strip():
        element.tail = None


_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
# Where no style sheet defines them, the second value holds.
_COLORS = {"#000000": "currentColor", "#ffffff": "var(--npfl-paper,#fff)"} | {
    color: f"var(--npfl-{name},{color})" for name, color in COLORS.items()
}
_NAMES = {"#000000": "black"} | {color: name for name, color in COLORS.items()}


def _relative(path: str) -> str:
    """Write a path in steps from point to point, in hundredths that add up without an error.

    Small numbers that resemble each other make it a third of the size once it is compressed.
    """
    words, last = [], ""
    here = start = (0, 0)
    for command, numbers in _STEP.findall(path):
        points = [round(float(number) * 100) for number in numbers.split()]
        if command != last or not points:
            words.append(command if command == "M" else command.lower())
        for i in range(0, len(points), 2):
            from_ = (0, 0) if command == "M" else here
            words += [_hundredths(points[i + axis] - from_[axis]) for axis in (0, 1)]
        if command == "M":
            start = (points[0], points[1])
        here = (points[-2], points[-1]) if points else start
        last = command
    return _SPARE.sub("", " ".join(words))


def _hundredths(number: int) -> str:
    whole, rest = divmod(abs(number), 100)
    return "-" * (number < 0) + (f"{whole or ''}.{rest:02d}".rstrip("0") if rest else str(whole))


def _rounded(match: re.Match[str]) -> str:
    # Hundredths of a point cannot be seen. Adding 0.0 turns -0.0 into 0.0.
    return f"{round(float(match.group()), 2) + 0.0:.2f}".rstrip("0").rstrip(".")
