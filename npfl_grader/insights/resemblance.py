"""Submissions that resemble each other: a hint where to read, never a verdict."""

import json
import os
import sys
from dataclasses import dataclass

import numpy as np

from npfl_grader.course import submissions
from npfl_grader.course.definition import Definition
from npfl_grader.course.settings import Course
from npfl_grader.engine.host import apart
from npfl_grader.grading import intake

ALIKE = 0.85  # how much two answers must share before they are shown at all
TOKENS = 30  # an answer shorter than this says nothing
BEYOND = 3.0  # and how many spreads above what each shares with the others
MOST_TOKENS = 5000
PAIRS = 20
AT_ONCE = 16  # submissions that are read by one process


@dataclass
class Pair:
    """Two submissions that resemble each other."""

    first: str
    second: str
    alike: float
    usual: float
    same_mistakes: bool


def answers(
    course: Course, assignment: str, definitions: dict[str, Definition], students: list[str]
) -> tuple[dict[str, list[str]], dict[str, str]]:
    """Read what each student wrote, as a list of tokens, without what the template had.

    Returns
    -------
    written : dict
        The tokens, by student.
    trouble : dict
        For each student whose work could not be read, why.
    """
    from pygments.lexers import PythonLexer

    lexer = PythonLexer()
    stubs = {
        (notebook, cell.name): {line.strip() for line in cell.source.splitlines()}
        for notebook, definition in definitions.items()
        for cell in definition.cells
        if cell.solution and cell.cell_type == "code"
    }

    def tokens(student: str) -> bytes:
        source = written(course, assignment, student, stubs)
        found = [text.strip() for _, text in lexer.get_tokens(source) if text.strip()]
        return json.dumps(found[:MOST_TOKENS]).encode()

    folders = {str(course.folder("submitted", student, ".")) for student in students}
    bounds = apart.Bounds(read=(os.path.commonpath(folders),) if folders else ())
    by_student, trouble = dict[str, list[str]](), dict[str, str]()
    for student, found in apart.each(tokens, students, bounds, together=AT_ONCE):
        if isinstance(found, apart.Trouble):
            trouble[student] = found.why
        else:
            by_student[student] = json.loads(found)
    return by_student, trouble


def written(course: Course, assignment: str, student: str, stubs: dict[tuple[str, str], set[str]]) -> str:
    """Give the lines of a student's answers that are not in the stubs, which come by notebook and cell."""
    lines: list[str] = []
    for notebook in dict.fromkeys(notebook for notebook, _ in stubs):
        path = course.folder("submitted", student, assignment) / f"{notebook}.ipynb"
        try:
            cells = intake.read(submissions.read_plain(path))
        except (intake.IntakeError, ValueError):
            continue
        for cell in cells:
            stub = stubs.get((notebook, cell.name or ""))
            if stub is not None:
                lines += [line for line in cell.source.splitlines() if line.strip() not in stub]
    return "\n".join(lines)


def resemblance(written_by: dict[str, list[str]]) -> tuple[list[tuple[str, str, float, float]], int]:
    """Find pairs that share more than each shares with the others of the class.

    Two answers are compared token by token, names and comments included (the normalised insertion and
    deletion distance of rapidfuzz). A short task has few right answers, so that much is shared by chance: a
    pair is shown only if it shares much, and lies far above what both share with everybody else.

    Returns
    -------
    pairs : list
        Two students, what they share, and what they share with others in the middle.
    compared : int
        How many answers were long enough to be compared.
    """
    from rapidfuzz.distance import Indel
    from rapidfuzz.process import cdist

    codes: dict[str, int] = {}
    students = sorted(student for student, tokens in written_by.items() if len(tokens) >= TOKENS)
    if len(students) < 4:
        return [], len(students)
    # Beyond what there are characters for, tokens that are rare share one.
    texts = [
        "".join(
            chr(codes.setdefault(token, min(0x100 + len(codes), sys.maxunicode)))
            for token in written_by[student]
        )
        for student in students
    ]
    alike = cdist(texts, texts, scorer=Indel.normalized_similarity, dtype=np.float32)
    np.fill_diagonal(alike, np.nan)
    middle = np.nanmedian(alike, axis=1)
    spread = 1.4826 * np.nanmedian(np.abs(alike - middle[:, None]), axis=1)
    limit = middle + BEYOND * np.maximum(spread, 0.02)
    pairs = []
    for first, second in zip(*np.triu_indices(len(students), 1), strict=True):
        value = alike[first, second]
        if value >= max(ALIKE, limit[first], limit[second]):
            usual = float(max(middle[first], middle[second]))
            pairs.append((students[first], students[second], float(value), usual))
    pairs.sort(key=lambda pair: (pair[3] - pair[2], pair[0], pair[1]))
    return pairs[:PAIRS], len(students)
