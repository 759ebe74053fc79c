"""Rebuild a submitted notebook from the instructor's cells.

The student contributes the sources of the solutions and cells of their own, and nothing else: tests, points,
metadata, the order of the instructor's cells and the kernel come from the instructor. What is wrong with a
notebook is said in notes; only what is no notebook at all is refused. Nothing here touches a file.
"""

import base64
import binascii
import json
import re
from dataclasses import dataclass, field
from typing import Any

from npfl_grader.course.definition import Cell, Definition
from npfl_grader.engine.job import Role
from npfl_grader.text import clean

SIZE = 20_000_000  # bytes of a notebook file; a megabyte is a long one
CELLS = 2_000
Node = dict[str, Any]  # a part of a notebook, in its format
ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
# Jupyter writes a name such as "image (1).png" with the codes of an address.
NAME = re.compile(r"(?!.*\.\.)[\w. %()+,@=-]{1,200}")
PICTURES = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff", "image/gif": b"GIF8"}


class IntakeError(Exception):
    """The file holds no notebook; the message is one line that says what it holds instead."""


@dataclass(frozen=True)
class Submitted:
    """A cell as it was handed in.

    Attributes
    ----------
    cell_type : str
        "code", "markdown" or "raw".
    name : str or None
        nbgrader's grade id.
    id : str
        The notebook format's id.
    attachments : dict
        Pictures by name: by kind, their base64 text.
    dropped : tuple of str
        The attachments that are no pictures, or no harmless ones.
    """

    cell_type: str
    source: str
    name: str | None = None
    id: str = ""
    attachments: dict[str, dict[str, str]] = field(default_factory=dict)
    dropped: tuple[str, ...] = ()


@dataclass
class Rebuilt:
    """A notebook that is safe to run and to grade.

    Attributes
    ----------
    cells : list of dict
        In the notebook format, without outputs; each has an id.
    roles : dict
        For each cell, by id, where it runs.
    names : dict
        For each cell of the instructor's, by id, its grade id.
    notes : list of str
        What was mended, one line each.
    told : list of str
        What was put back and says nothing about an answer or its points, one line each.
    unfound : dict
        For each solution that is missing while the student has cells of their own that may be it, by grade
        id, the reason.
    """

    cells: list[Node] = field(default_factory=list)
    roles: dict[str, Role] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    unfound: dict[str, str] = field(default_factory=dict)


def read(data: bytes) -> list[Submitted]:
    """Read the cells of a notebook file.

    Parameters
    ----------
    data : bytes
        The file as it was handed in.

    Returns
    -------
    list of Submitted
        Nothing else is taken from the file.

    Raises
    ------
    IntakeError
        If it is no notebook.
    """
    if len(data) > SIZE:
        raise IntakeError(f"the file has {len(data):,} bytes, at most {SIZE:,} are read")
    if not data.strip():
        raise IntakeError("the file is empty")
    try:
        text = data.decode("utf-8-sig")
        notebook = json.loads(text)
    except UnicodeDecodeError:
        raise IntakeError("the file is no text in UTF-8") from None
    except RecursionError:
        raise IntakeError("the file is nested too deeply") from None
    except ValueError as error:
        raise IntakeError(f"the file is no JSON: {clean(error)}") from None
    if not isinstance(notebook, dict):
        raise IntakeError("the file is JSON, but no notebook")
    version = notebook.get("nbformat")
    if type(version) is not int or not 1 <= version <= 4:
        raise IntakeError(f"the file is no notebook of a known format (nbformat: {clean(version, 20)})")
    if version < 4:
        notebook = _upgrade(text)
    cells = notebook.get("cells")
    if not isinstance(cells, list):
        raise IntakeError("the notebook has no list of cells")
    if len(cells) > CELLS:
        raise IntakeError(f"the notebook has {len(cells):,} cells, at most {CELLS:,} are read")
    return [_cell(cell) for cell in cells if isinstance(cell, dict)]


def _upgrade(text: str) -> Node:
    """Bring the formats of old IPythons up to today's."""
    import nbformat  # takes a second to import, and hardly a notebook needs it

    try:
        return dict(nbformat.reads(text, as_version=4))
    except Exception as error:  # whatever the file made it stumble over
        raise IntakeError(f"the notebook's old format cannot be read: {type(error).__name__}") from None


def _cell(cell: Node) -> Submitted:
    source = cell.get("source")
    if isinstance(source, list):
        source = "".join(line for line in source if isinstance(line, str))
    metadata = cell.get("metadata")
    settings = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    name = settings.get("grade_id") if isinstance(settings, dict) else None
    kind = cell.get("cell_type")
    number = cell.get("id")
    pictures, dropped = _pictures(cell.get("attachments"))
    return Submitted(
        kind if kind in ("code", "markdown", "raw") else "raw",
        # A lone surrogate can be written in JSON, but in no file.
        source.encode("utf-8", "replace").decode() if isinstance(source, str) else "",
        name if isinstance(name, str) else None,
        number if isinstance(number, str) else "",
        pictures,
        dropped,
    )


def is_picture(kind: object, data: object) -> bool:
    """Whether base64 text holds a picture of the kind that it says, and no script in a picture's clothes."""
    if not isinstance(kind, str) or kind not in PICTURES or not isinstance(data, str):
        return False
    try:
        return base64.b64decode("".join(data.split()), validate=True).startswith(PICTURES[kind])
    except (binascii.Error, ValueError):
        return False


def _pictures(attachments: object) -> tuple[dict[str, dict[str, str]], tuple[str, ...]]:
    """Keep what a student pasted into a text if it is a picture; name the rest."""
    kept: dict[str, dict[str, str]] = {}
    dropped: list[str] = []
    for name, bundle in attachments.items() if isinstance(attachments, dict) else ():
        pictures = {}
        if NAME.fullmatch(name) and isinstance(bundle, dict):
            pictures = {kind: data for kind, data in bundle.items() if is_picture(kind, data)}
        if pictures:
            kept[name] = pictures
        else:
            dropped.append(clean(name, 100))
    return kept, tuple(dropped)


def rebuild(definition: Definition, submitted: list[Submitted]) -> Rebuilt:
    """Put the student's solutions and own cells between the instructor's cells.

    A cell of the student's own keeps its place after the instructor's cell that it follows. Of cells with the
    same grade id the last one counts, as for nbgrader, but no stub that stands behind an answer; the others
    stay as cells of the student's own. A missing cell is put back at its place; a stub that is put back does
    not run, as it would take the place of an answer that was not recognised.

    Parameters
    ----------
    definition : Definition
        The instructor's cells.
    submitted : list of Submitted
        As `read` gives it; empty for a submission that could not be read.
    """
    last: dict[str, int] = {}
    for cell in definition.cells:
        numbers = [number for number, entry in enumerate(submitted) if entry.name == cell.name]
        answered = [number for number in numbers if submitted[number].source != cell.source]
        if numbers:
            last[cell.name] = (answered if cell.solution and answered else numbers)[-1]
    answers = {name: submitted[number] for name, number in last.items()}
    own: dict[str | None, list[Submitted]] = {}
    anchor = None
    for number, entry in enumerate(submitted):
        if entry.name is not None and last.get(entry.name) == number:
            anchor = entry.name
        else:
            own.setdefault(anchor, []).append(entry)

    rebuilt = Rebuilt()
    for extra in own.get(None, []):
        _add_own(rebuilt, extra)
    for cell in definition.cells:
        _add_known(rebuilt, definition, cell, answers.get(cell.name), bool(submitted))
        for extra in own.get(cell.name, []):
            _add_own(rebuilt, extra)
    if submitted:
        for cell in definition.cells:
            if cell.name in last:
                continue
            # A locked cell without points, such as one that a newer release has added, has no answer to lose.
            if cell.locked and not (cell.points or cell.solution or cell.by_hand):
                rebuilt.told.append(
                    f"the cell {cell.name}, which has no points, was missing and has been put back"
                )
            else:
                rebuilt.notes.append(f"the cell {cell.name} was missing and has been put back")
        rebuilt.notes += _notes(definition, submitted, last)
        strays = {entry.cell_type for entries in own.values() for entry in entries if entry.source.strip()}
        rebuilt.unfound = {
            cell.name: f"the answer {cell.name} was not found; it may be one of the student's own cells"
            for cell in definition.cells
            if cell.solution and cell.name not in last and cell.cell_type in strays
        }
    return rebuilt


def _add_known(
    rebuilt: Rebuilt, definition: Definition, cell: Cell, answer: Submitted | None, handed_in: bool
) -> None:
    attachments = answer.attachments if answer and cell.solution and cell.cell_type == "markdown" else {}
    number = _add(
        rebuilt,
        cell.name,
        cell.cell_type,
        answer.source if answer and cell.solution else cell.source,
        cell.metadata(),
        attachments,
        Role.TEXT if handed_in and cell.solution and answer is None else definition.role(cell),
    )
    rebuilt.names[number] = cell.name


def _add_own(rebuilt: Rebuilt, cell: Submitted) -> None:
    kind = cell.cell_type
    attachments = cell.attachments if kind == "markdown" else {}
    _add(rebuilt, cell.id, kind, cell.source, {}, attachments, Role.STUDENT if kind == "code" else Role.TEXT)


def _add(
    rebuilt: Rebuilt,
    wish: str,
    kind: str,
    source: str,
    metadata: Node,
    attachments: dict[str, dict[str, str]],
    role: Role,
) -> str:
    number = wish if ID.fullmatch(wish) and wish not in rebuilt.roles else f"cell-{len(rebuilt.cells) + 1}"
    while number in rebuilt.roles:
        number += "-"
    cell: Node = {"cell_type": kind, "id": number, "metadata": metadata, "source": source}
    if kind == "code":
        cell |= {"execution_count": None, "outputs": []}
    elif attachments:
        cell["attachments"] = attachments
    rebuilt.cells.append(cell)
    rebuilt.roles[number] = role
    return number


def _notes(definition: Definition, submitted: list[Submitted], last: dict[str, int]) -> list[str]:
    notes: list[str] = []
    names = [cell.name for cell in submitted if cell.name in last]
    for name in last:
        if names.count(name) > 1:
            stub = submitted[last[name]] is not [cell for cell in submitted if cell.name == name][-1]
            which = "the last one that is no stub counts" if stub else "the last one counts"
            notes.append(f"the cell {name} was there {names.count(name)} times, {which}")
    order = [cell.name for cell in definition.cells if cell.name in last]
    if order != sorted(order, key=last.__getitem__):
        notes.append("the instructor's cells were in another order")
    dropped = [f"{name} (attached to {cell.name or 'a cell'})" for cell in submitted for name in cell.dropped]
    if dropped:
        notes.append(f"left out, as they are no pictures that can be shown: {', '.join(dropped[:10])}")
    return notes
