"""Know the instructor's cells, and whole notebooks, again by their content where nbgrader's marks are lost.

Deepnote and nbstripout take the marks away, last year's file has other ids, students copy notebooks and
rename them. A mark is put back only where the content leaves no doubt; everything else is said.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from npfl_grader.course.definition import Cell, Definition
from npfl_grader.grading.intake import Submitted

DEFINES = re.compile(r"^(?:async\s+def|def|class)\s+(\w+)", re.MULTILINE)
ASSIGNS = re.compile(r"^(?:[^\W\d]\w*[ \t]*=(?!=)[ \t]*)+", re.MULTILINE)
HIDDEN = re.compile(r"^[^\n]*BEGIN HIDDEN TESTS.*?(?:END HIDDEN TESTS[^\n]*$|\Z)", re.MULTILINE | re.DOTALL)
HALF = 0.5  # of the instructor's cells: a notebook that holds fewer may be that of another exercise


@dataclass
class Recognised:
    """The cells of a notebook with the instructor's names.

    Attributes
    ----------
    cells : list of Submitted
        As they were handed in; a name that was lost is put back, one that means another cell is taken away.
    notes : list of str
        What was put back, one line each.
    known : int
        How many of the instructor's cells are there, by name and content.
    answered : bool
        Whether a solution differs from what was handed out.
    confirmed : bool
        Whether a solution surely is one of this notebook's.
    """

    cells: list[Submitted]
    notes: list[str] = field(default_factory=list)
    known: int = 0
    answered: bool = False
    confirmed: bool = False


def recognise(definition: Definition, submitted: list[Submitted]) -> Recognised:
    """Find the instructor's cells among those that were handed in."""
    instructors = {cell.name: cell for cell in definition.cells}
    cells = [cell if cell.name in instructors else replace(cell, name=None) for cell in submitted]
    present = {cell.name for cell in cells}
    restored: dict[int, Cell] = {}
    for known in definition.cells:
        if known.name in present:
            continue
        place = _find(known, cells, restored)
        if place is not None:
            restored[place] = known
            cells[place] = replace(cells[place], name=known.name)
    made = Recognised(cells)
    if restored:
        names = ", ".join(cell.name for cell in definition.cells if cell in restored.values())
        made.notes.append(f"known by content alone, as nbgrader's marks were lost: {names}")
    for name, known in instructors.items():
        here = [cell for cell in cells if cell.name == name]
        if not here:
            continue
        if known.solution:
            wanted = defines(known.source)
            fits = any(wanted <= defines(cell.source) for cell in here)
            made.known += fits or not wanted
            made.confirmed |= bool(wanted) and fits
            made.answered |= any(_text(cell.source) != _text(known.source) for cell in here)
        else:
            made.known += any(_same(known, cell) for cell in here)
    return made


def _find(known: Cell, cells: list[Submitted], taken: Iterable[int]) -> int | None:
    """Find the one cell without a name that surely is a known one."""
    free = [
        place
        for place, cell in enumerate(cells)
        if cell.name is None and cell.cell_type == known.cell_type and place not in taken
    ]
    by_id = [place for place in free if cells[place].id == known.name]
    if not known.solution:
        same = [place for place in free if _same(known, cells[place])]
        return same[-1] if same else None
    wanted = defines(known.source)
    if wanted:
        fits = [place for place in free if wanted <= defines(cells[place].source)]
        return fits[-1] if fits else (by_id[-1] if by_id else None)
    if by_id:
        return by_id[-1]
    untouched = [place for place in free if _text(cells[place].source) == _text(known.source)]
    if untouched:
        return untouched[-1]
    # The names to which the stub assigns, such as exact_zeros = …, are as good as those that it defines.
    assigned = assigns(known.source)
    fits = [place for place in free if assigned and assigned <= assigns(cells[place].source)]
    return fits[-1] if len(fits) == 1 else None


def defines(source: str) -> frozenset[str]:
    """Name the functions and classes that a cell defines."""
    return frozenset(DEFINES.findall(source))


def assigns(source: str) -> frozenset[str]:
    """Name the variables to which a cell assigns outside of functions.

    The text is only searched: a parser takes a thousand times the memory of what a student wrote.
    """
    return frozenset(
        name.strip() for match in ASSIGNS.finditer(source) for name in match[0].split("=") if name.strip()
    )


def _same(known: Cell, cell: Submitted) -> bool:
    """Whether a cell holds what students see of a locked one, perhaps with changes at its end."""
    shown, here = _text(HIDDEN.sub("", known.source)), _text(cell.source)
    return bool(shown) and (here == shown or here == _text(known.source))


def _text(source: str) -> str:
    return "\n".join(line.rstrip() for line in source.strip().splitlines() if line.strip())


def why_not(definition: Definition, found: Recognised) -> str | None:
    """Say why a notebook is not taken for this one; None if it is."""
    if not found.cells:
        return "the notebook has no cells"
    if found.confirmed or found.known >= HALF * len(definition.cells):
        return None
    solutions = [cell for cell in definition.cells if cell.solution]
    if found.known and not any(defines(cell.source) for cell in solutions) and found.answered:
        return None  # nothing in the task says which names an answer has
    many = "none" if not found.known else f"only {found.known} of {len(definition.cells)}"
    return f"it holds {many} of the cells of {definition.name}: it may be the notebook of another exercise"
