"""The points of each question as a table; what waits for a person is left blank."""

from npfl_grader.course.gradebook import Marks
from npfl_grader.lms import spreadsheet
from npfl_grader.lms.grades import Grade
from npfl_grader.lms.people import full_name


def table(grades: dict[str, Grade], marks: dict[str, dict[str, Marks]]) -> str:
    """Write the points of each question, for whoever wants them as a table."""
    cells = sorted(
        {
            (notebook, cell, most)
            for notebooks in marks.values()
            for notebook, given in notebooks.items()
            for cell, (_, most) in given.scores.items()
            if most
        }
    )
    titles = [f"{notebook}: {cell} (of {most:g})" for notebook, cell, most in cells]
    rows = [["student", "name", *titles, "penalty", "points"]]
    for name, grade in sorted(grades.items()):
        if not grade.submitted:
            continue
        notebooks = marks.get(name, {})
        scores = []
        for notebook, cell, _ in cells:
            given = notebooks.get(notebook, Marks())
            score, _ = given.scores.get(cell, (0.0, 0.0))
            scores.append(
                "" if cell not in given.scores or (cell in given.waiting and not score) else f"{score:g}"
            )
        rows.append([name, full_name(grade.person), *scores, f"{grade.penalty:f}", str(grade.points)])
    # Spreadsheets read UTF-8 by its mark.
    return "\ufeff" + spreadsheet.dump([[spreadsheet.defuse(cell) for cell in row] for row in rows])
