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

SIZE = 20_000_000  # bytes of a notebook file; a megabyte is a long one
CELLS = 2_000
ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
PICTURES = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff", "image/gif": b"GIF8"}


class IntakeError(Exception):
    """The file holds no notebook; the message is one line that says what it holds instead."""


@dataclass
class Rebuilt:
    """A notebook that is safe to run and to grade.

    Attributes
    ----------
    cells : list of dict
        In the notebook format, without outputs; each has an id.
    roles : dict
        For each cell, by id, "locked", "student", "test" or "text".
    names : dict
        For each cell of the instructor's, by id, its grade id.
    notes : list of str
        What was mended, one line each.
    """

    cells: list[dict[str, Any]] = field(default_factory=list)
    roles: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def read(data: bytes) -> list[dict[str, Any]]:
    """Read the cells of a notebook file.

    Parameters
    ----------
    data : bytes
        The file as it was handed in.

    Returns
    -------
    list of dict
        For each cell ``cell_type``, ``source``, ``name`` (the grade id, or None), ``id`` and ``attachments``;
        nothing else is taken from the file.

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
        notebook = json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise IntakeError("the file is no text in UTF-8") from None
    except RecursionError:
        raise IntakeError("the file is nested too deeply") from None
    except ValueError as error:
        raise IntakeError(f"the file is no JSON: {str(error)[:200]}") from None
    if not isinstance(notebook, dict):
        raise IntakeError("the file is JSON, but no notebook")
    version = notebook.get("nbformat")
    if not isinstance(version, int) or not 1 <= version <= 4:
        raise IntakeError(f"the file is no notebook of a known format (nbformat: {str(version)[:20]})")
    if version < 4:
        notebook = _upgrade(notebook)
    cells = notebook.get("cells")
    if not isinstance(cells, list):
        raise IntakeError("the notebook has no list of cells")
    if len(cells) > CELLS:
        raise IntakeError(f"the notebook has {len(cells):,} cells, at most {CELLS:,} are read")
    return [_cell(cell) for cell in cells if isinstance(cell, dict)]


def _upgrade(notebook: dict[str, Any]) -> dict[str, Any]:
    """Bring the format of IPython 0.12 to 2 up to today's."""
    import nbformat  # takes a second to import, and hardly a notebook needs it

    try:
        return dict(nbformat.convert(nbformat.from_dict(notebook), 4))
    except Exception as error:  # whatever the file made it stumble over
        raise IntakeError(f"the notebook's old format cannot be read: {type(error).__name__}") from None


def _cell(cell: dict[str, Any]) -> dict[str, Any]:
    source = cell.get("source")
    if isinstance(source, list):
        source = "".join(line for line in source if isinstance(line, str))
    metadata = cell.get("metadata")
    settings = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    name = settings.get("grade_id") if isinstance(settings, dict) else None
    kind = cell.get("cell_type")
    return {
        "cell_type": kind if kind in ("code", "markdown", "raw") else "raw",
        # A lone surrogate can be written in JSON, but in no file.
        "source": source.encode("utf-8", "replace").decode() if isinstance(source, str) else "",
        "name": name if isinstance(name, str) else None,
        "id": cell.get("id") if isinstance(cell.get("id"), str) else "",
        "attachments": _pictures(cell.get("attachments")),
    }


def is_picture(kind: object, data: object) -> bool:
    """Whether base64 text holds a picture of the kind that it says, and no script in a picture's clothes."""
    if not isinstance(kind, str) or kind not in PICTURES or not isinstance(data, str):
        return False
    try:
        return base64.b64decode("".join(data.split()), validate=True).startswith(PICTURES[kind])
    except (binascii.Error, ValueError):
        return False


def _pictures(attachments: object) -> dict[str, dict[str, str]]:
    """Keep what a student pasted into a text if it is a picture."""
    kept: dict[str, dict[str, str]] = {}
    for name, bundle in attachments.items() if isinstance(attachments, dict) else ():
        if re.fullmatch(r"[\w. -]{1,200}", name) and isinstance(bundle, dict):
            pictures = {kind: data for kind, data in bundle.items() if is_picture(kind, data)}
            if pictures:
                kept[name] = pictures
    return kept


def rebuild(definition: Definition, submitted: list[dict[str, Any]]) -> Rebuilt:
    """Put the student's solutions and own cells between the instructor's cells.

    A cell of the student's own keeps its place after the instructor's cell that it follows. Of cells with the
    same grade id the last one counts, as for nbgrader; the others stay as cells of the student's own. A
    missing cell is put back at its place.

    Parameters
    ----------
    definition : Definition
        The instructor's cells.
    submitted : list of dict
        As `read` gives it; empty for a submission that could not be read.
    """
    known = {cell.name: cell for cell in definition.cells}
    last = {cell["name"]: number for number, cell in enumerate(submitted) if cell["name"] in known}
    answers = {name: submitted[number] for name, number in last.items()}
    own: dict[str | None, list[dict[str, Any]]] = {}
    anchor = None
    for number, entry in enumerate(submitted):
        if last.get(entry["name"]) == number:
            anchor = entry["name"]
        else:
            own.setdefault(anchor, []).append(entry)

    rebuilt = Rebuilt()
    for extra in own.get(None, []):
        _add_own(rebuilt, extra)
    for cell in definition.cells:
        _add_known(rebuilt, definition, cell, answers.get(cell.name))
        for extra in own.get(cell.name, []):
            _add_own(rebuilt, extra)
    if submitted:
        rebuilt.notes += _notes(definition, submitted, last)
    return rebuilt


def _add_known(rebuilt: Rebuilt, definition: Definition, cell: Cell, answer: dict[str, Any] | None) -> None:
    attachments = answer["attachments"] if answer and cell.solution and cell.cell_type == "markdown" else {}
    number = _add(
        rebuilt,
        cell.name,
        cell.cell_type,
        answer["source"] if answer and cell.solution else cell.source,
        cell.metadata(),
        attachments,
        definition.role(cell),
    )
    rebuilt.names[number] = cell.name


def _add_own(rebuilt: Rebuilt, cell: dict[str, Any]) -> None:
    kind = cell["cell_type"]
    attachments = cell["attachments"] if kind == "markdown" else {}
    role = "student" if kind == "code" else "text"
    _add(rebuilt, cell["id"], kind, cell["source"], {}, attachments, role)


def _add(
    rebuilt: Rebuilt,
    wish: str,
    kind: str,
    source: str,
    metadata: dict[str, Any],
    attachments: dict[str, dict[str, str]],
    role: str,
) -> str:
    number = wish if ID.fullmatch(wish) and wish not in rebuilt.roles else f"cell-{len(rebuilt.cells) + 1}"
    while number in rebuilt.roles:
        number += "-"
    cell: dict[str, Any] = {"cell_type": kind, "id": number, "metadata": metadata, "source": source}
    if kind == "code":
        cell |= {"execution_count": None, "outputs": []}
    elif attachments:
        cell["attachments"] = attachments
    rebuilt.cells.append(cell)
    rebuilt.roles[number] = role
    return number


def _notes(definition: Definition, submitted: list[dict[str, Any]], last: dict[str, int]) -> list[str]:
    notes = [
        f"the cell {cell.name} was missing and has been put back"
        for cell in definition.cells
        if cell.name not in last
    ]
    names = [cell["name"] for cell in submitted if cell["name"] in last]
    notes += [
        f"the cell {name} was there {names.count(name)} times, the last one counts"
        for name in last
        if names.count(name) > 1
    ]
    order = [cell.name for cell in definition.cells if cell.name in last]
    if order != sorted(order, key=last.__getitem__):
        notes.append("the instructor's cells were in another order")
    return notes
