"""The figure in the built book: one picture, and only what differs between it and the others."""

import html as markup
import json
import xml.etree.ElementTree as ET
from copy import deepcopy
from typing import TYPE_CHECKING

from npfl.explore.svg import XLINK, serialize

if TYPE_CHECKING:
    from npfl.explore.explorer import Explorer


def html(explorer: "Explorer") -> str:
    """Write the figure with all its frames as HTML that explore.js brings to life.

    Everything that is seen first is in the HTML: nothing moves when the script starts, and without it the
    first picture, its sentence and a note remain.

    Raises
    ------
    RuntimeError
        If the same values draw two different pictures.
    """
    positions = explorer.positions
    frames = [explorer.frame(position) for position in positions]
    start = positions.index(explorer.first)
    again = explorer.frame(explorer.first)
    if (again.text, again.says) != (frames[start].text, frames[start].says):
        raise RuntimeError(
            f"{explorer!r} draws two different pictures for the same values: seed its random numbers"
        )
    base, changes = differences([frame.svg for frame in frames], start)
    says = [frame.says for frame in frames]
    data = {"changes": changes, "says": says if any(says) else []}
    name = markup.escape(explorer.name)
    rows = [
        f'<label for="{name}.{key}">{markup.escape(slider.label or key)}</label>'
        f'<input id="{name}.{key}" type="range" min="0" max="{len(slider.values) - 1}" value="{slider.first}"'
        f' data-texts="{markup.escape(json.dumps(slider.texts, ensure_ascii=False))}"'
        f' aria-valuetext="{markup.escape(slider.texts[slider.first])}" autocomplete="off">'
        f'<output for="{name}.{key}" aria-hidden="true">{markup.escape(slider.texts[slider.first])}</output>'
        for key, slider in explorer.sliders.items()
    ]
    alt = markup.escape(explorer.alt)
    picture = f'<div class="npfl-picture" role="img" aria-label="{alt}">{serialize(base)}</div>'
    # The last element starts the script: by then all that it needs has been read.
    return (
        f'<div class="npfl-explore" id="{name}">'
        f'{picture}<div class="npfl-controls" role="group" aria-label="Sliders of the figure">{"".join(rows)}'
        f'<button type="button" class="npfl-reset">Reset</button></div>'
        f'<p class="npfl-says" role="status">{markup.escape(says[start])}</p>'
        f"<noscript><p>The sliders need JavaScript; this is their first position.</p></noscript>"
        f'<script type="application/json">{_json(data)}</script><npfl-start></npfl-start></div>'
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
