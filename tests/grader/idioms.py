"""The notebooks of ``idioms.md``."""

import re
from pathlib import Path

import nbformat

CELL = re.compile(r"^```python (plain|locked|solution|test)( [\d.]+)?\n(.*?)\n?^```$", re.S | re.M)


def read():
    text = (Path(__file__).parent / "idioms.md").read_text(encoding="utf-8")
    return {
        section.partition("\n")[0].strip(): [match.groups() for match in CELL.finditer(section)]
        for section in text.split("\n## ")[1:]
    }


IDIOMS = read()


def notebook(name, answer=None):
    """Make the source notebook of an idiom; `answer` takes the place of its first solution."""
    cells = []
    for place, (kind, points, source) in enumerate(IDIOMS[name]):
        if kind == "solution":
            source = answer or source
            answer = "" if answer is not None else None
            if "BEGIN SOLUTION" not in source:
                source = f"### BEGIN SOLUTION\n{source}\n### END SOLUTION"
        cell = nbformat.v4.new_code_cell(source, id=f"cell{place}")
        if kind != "plain":
            cell.metadata.nbgrader = {
                "schema_version": 3,
                "grade_id": f"c{place}",
                "grade": kind == "test",
                "solution": kind == "solution",
                "locked": kind != "solution",
                "task": False,
                "cell_type": "code",
            } | ({"points": float(points)} if points else {})
        cells.append(cell)
    return nbformat.v4.new_notebook(cells=cells)
