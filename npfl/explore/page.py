"""The figure in the built book: one picture, and only what differs between it and the others."""

import gzip
import hashlib
import html as markup
import json
import xml.etree.ElementTree as ET
from copy import deepcopy
from typing import TYPE_CHECKING

from npfl.explore.svg import XLINK, Frame, serialize

if TYPE_CHECKING:
    from npfl.explore.explorer import Explorer, Parameter

# The budget of one call, so that a page stays light: its frames, and the bytes of its HTML as a web server
# sends them.
MOST_FRAMES = 200
MOST_BYTES = 60_000
GZIP_LEVEL = 6

PLAY_SECONDS = 6  # from one end of a slider to the other


def bundle(explorer: "Explorer") -> tuple[dict, dict]:
    """Draw all frames and return what a cell shows, and a digest of each frame as its metadata.

    Whoever tests the page compares what it shows with the digests; the page itself does not hold them.

    Raises
    ------
    RuntimeError
        If the same values draw two different pictures, or the figure is too heavy.
    """
    positions = explorer.positions
    frames = [explorer.frame(position, packed=True) for position in positions]
    start = positions.index(explorer.first)
    # Again, in another order: what was drawn before must not be seen.
    for i in dict.fromkeys([start, 0]):
        again = explorer.frame(positions[i], packed=True)
        if (again.texts, again.says) != (frames[i].texts, frames[i].says):
            raise RuntimeError(
                f"{explorer!r} draws two different pictures for {explorer.values(positions[i])}: seed its "
                "random numbers inside the drawing function, and change nothing outside it"
            )
    text = html(explorer, frames, start)
    weight = len(gzip.compress(text.encode(), GZIP_LEVEL))
    if weight > MOST_BYTES:
        raise RuntimeError(
            f"{explorer!r} weighs {weight / 1000:.1f} kB compressed with its {len(frames)} frames, "
            f"allowed are {MOST_BYTES / 1000:.0f} kB: take fewer positions or fewer points, draw areas with "
            'imshow(interpolation="none") on a grid of at most 60 x 60, or make two figures of it'
        )
    digests = {
        ", ".join(slider.texts[i] for slider, i in zip(explorer.sliders.values(), position, strict=True)): (
            digest(frame.texts, frame.says)
        )
        for position, frame in zip(positions, frames, strict=True)
    }
    return (
        {"text/html": text, "text/plain": repr(explorer)},
        {"npfl": {"name": explorer.name, "digests": digests}},
    )


def digest(svgs: list[str], says: str) -> str:
    """Return a digest of pictures and a sentence, however the pictures' attributes are ordered."""
    canonical = [ET.canonicalize(svg) for svg in svgs]
    return hashlib.sha256("\n".join([*canonical, says]).encode()).hexdigest()[:16]


def html(explorer: "Explorer", frames: list[Frame], start: int) -> str:
    """Write the figures with all their frames as HTML that explore.js brings to life.

    Everything that is seen first is in the HTML: nothing moves when the script starts, and without it the
    first picture, its sentence and a note remain.
    """
    roots = []
    for frame in frames:
        root = ET.Element("figures")
        root.extend(frame.svgs)
        roots.append(root)
    base, changes = differences(roots, start)
    says = [frame.says for frame in frames]
    data = {"changes": changes, "says": says if any(says) else []}
    pictures = "".join(
        f'<div class="npfl-picture" role="img" aria-label="{markup.escape(alt)}">{serialize(svg)}</div>'
        for alt, svg in zip(explorer.alts, base, strict=True)
    )
    name = markup.escape(explorer.name)
    rows = "".join(
        _row(f"{name}.{key}", slider, key, explorer.printed(key)) for key, slider in explorer.sliders.items()
    )
    plays = any(slider.plays for slider in explorer.sliders.values())
    button = f'<button type="button" class="npfl-play" data-seconds="{PLAY_SECONDS}">Play</button>'
    # The last element starts the script: by then all that it needs has been read.
    return (
        f'<div class="npfl-explore" id="{name}"><div class="npfl-pictures">{pictures}</div>'
        f'<div class="npfl-controls" role="group" aria-label="Controls of the figure">{rows}</div>'
        f'<div class="npfl-below"><p class="npfl-says" data-room="{markup.escape(max(says, key=len))}">'
        f'<span role="status">{markup.escape(says[start])}</span></p>'
        f'<div class="npfl-buttons">{button if plays else ""}'
        '<button type="button" class="npfl-reset">Reset</button>'
        '<button type="button" class="npfl-link" title="Copy a link to this state" aria-live="polite">Link'
        "</button>"
        "</div></div>"
        f"<noscript><p>Moving the figure needs JavaScript; this is where it begins.</p></noscript>"
        f'<script type="application/json">{_json(data)}</script><npfl-start></npfl-start></div>'
    )


def _row(name: str, parameter: "Parameter", key: str, printed: list[tuple[int, str]]) -> str:
    """Write one slider or choice: its label, what is moved or pressed, and its value as text."""
    texts, first = parameter.texts, markup.escape(parameter.texts[parameter.first])
    label, room = markup.escape(parameter.label or key), markup.escape(max(texts, key=len))
    data = f'data-texts="{markup.escape(json.dumps(texts, ensure_ascii=False))}"'
    if printed:
        data += f' data-printed="{markup.escape(_json(printed))}"'
    output = f'<output for="{name}" aria-hidden="true" data-room="{room}">{first}</output>'
    if parameter.buttons:
        buttons = "".join(
            f'<label><input type="radio" name="{name}" value="{i}"'
            f'{" checked" if i == parameter.first else ""} autocomplete="off">'
            f"<span>{markup.escape(text)}</span></label>"
            for i, text in enumerate(texts)
        )
        return (
            f'<span class="npfl-label" id="{name}-label">{label}</span>'
            f'<div class="npfl-choice" id="{name}" role="radiogroup" aria-labelledby="{name}-label" {data}>'
            f"{buttons}</div>{output}"
        )
    return (
        f'<label for="{name}">{label}</label>'
        f'<input id="{name}" type="range" min="0" max="{len(texts) - 1}" value="{parameter.first}" {data}'
        f'{" data-play" if parameter.plays else ""} aria-valuetext="{first}" autocomplete="off">{output}'
    )


def _json(data: object) -> str:
    return json.dumps(data, separators=(",", ":"), ensure_ascii=False).replace("</", "<\\/")


def differences(frames: list[ET.Element], start: int) -> tuple[ET.Element, list]:
    """Find what differs between trees.

    Parameters
    ----------
    frames : list of Element
        One tree for each frame; they are not changed.
    start : int
        The frame that stands in the page.

    Returns
    -------
    base : Element
        The frame `start`; the elements that change carry their number as attribute ``data-c``.
    changes : list of [element number, attribute, values, which]
        Frame i has ``values[which[i]]``; the attribute "" stands for all that is inside the element, and
        the value None for an attribute that is missing.
    """
    base = deepcopy(frames[start])
    changes: list = []
    numbers = iter(range(sum(1 for _ in base.iter())))

    def note(node: ET.Element, attribute: str, values: list[str | None]) -> None:
        if "data-c" not in node.attrib:
            node.set("data-c", str(next(numbers)))
        unique = list(dict.fromkeys(values))
        changes.append(
            [int(node.attrib["data-c"]), attribute, unique, [unique.index(value) for value in values]]
        )

    def compare(node: ET.Element, others: list[ET.Element]) -> None:
        for attribute in sorted(set().union(*(other.attrib for other in others))):
            values = [other.get(attribute) for other in others]
            if len(set(values)) > 1:
                note(node, attribute.replace(f"{{{XLINK}}}", ""), values)
        same_shape = len({(other.text, tuple(child.tag for child in other)) for other in others}) == 1
        if same_shape:
            for child, *counterparts in zip(list(node), *others, strict=True):
                compare(child, counterparts)
        else:
            note(
                node,
                "",
                [markup.escape(other.text or "") + "".join(map(serialize, other)) for other in others],
            )

    compare(base, frames)
    return base, changes
