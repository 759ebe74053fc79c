"""What nbgrader does not document: a notebook's cells of all kinds, and the last word on a penalty."""

from typing import Any

from nbgrader.preprocessors import AssignLatePenalties


def base_cells(notebook: Any) -> list[Any]:
    """List the gradebook's cells of a notebook, those with points, solutions and tasks alike."""
    return list(notebook._base_cells)


def penalty_within_score(late: AssignLatePenalties, notebook: Any, penalty: float | None) -> float:
    """Let nbgrader cut a penalty to what the notebook has won."""
    return float(late._check_late_penalty(notebook, penalty))
