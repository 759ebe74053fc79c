"""Jobs for the engine, made of exercises or of a few cells."""

import json
from pathlib import Path

from nbgrader.utils import is_grade, is_solution

from npfl_grader import exercises, trial

ROOT = Path(__file__).parents[3]
EXERCISES = sorted((ROOT / "chapters" / "exercises").glob("*.md"))
SOLUTIONS = ROOT / "tests" / "exercises" / "solutions"
LIMITS = {
    "cell": 20,
    "call": 10,
    "notebook": 120,
    "memory": 1 << 30,
    "processes": 32,
    "output": 1 << 20,
    "file": 16 << 20,
}


def job(*cells, engine="two-process", require="none", files=None, **limits):
    """Make a job of pairs of a role and a source; the ids are c0, c1, …"""
    listed = [{"id": f"c{i}", "role": role, "source": source} for i, (role, source) in enumerate(cells)]
    return of_cells(listed, engine=engine, require=require, files=files or {}, limits=LIMITS | limits)


def of_cells(cells, *, engine="two-process", require="none", files=None, limits=LIMITS):
    """Make a job of cells."""
    return {"cells": cells, "limits": limits, "files": files or {}, "require": require, "engine": engine}


def of_exercise(path, source):
    """Make a job of an exercise with a solution in its place."""
    cells = []
    for cell in exercises.read(path).cells:
        if cell.cell_type != "code":
            role = "text"
        elif is_solution(cell):
            role = "student"
        elif is_grade(cell) and cell.metadata.nbgrader.points > 0:
            role = "test"
        else:
            role = "locked"
        cells.append({"id": cell.id, "role": role, "source": source if role == "student" else cell.source})
    return of_cells(cells)


def all_solutions():
    """List path and solution of all that is tried on the exercises."""
    return [(path, s) for path in EXERCISES for s in trial.solutions(SOLUTIONS / f"{path.stem}.py")]


def lost(result, job):
    """Name the tests that the student has lost."""
    roles = {cell["id"]: cell["role"] for cell in job["cells"]}
    return {c["id"] for c in result["cells"] if roles[c["id"]] == "test" and c["status"] != "ok"}


def encoded(job):
    return json.dumps(job).encode()
