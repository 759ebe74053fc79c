"""Pack feedback so that a learning management system finds its students again."""

import os
from pathlib import Path, PurePosixPath

from npfl_grader.course.gradebook import Marks
from npfl_grader.course.settings import Course
from npfl_grader.engine.host import apart
from npfl_grader.files import bundle, unbundle
from npfl_grader.lms import archives
from npfl_grader.lms.grades import Outcome
from npfl_grader.lms.handout import pack
from npfl_grader.lms.ledger import Collection
from npfl_grader.lms.system import Origin, System

AT_ONCE = 32  # students whose pages are read by one process


def pack_feedback(
    course: Course,
    assignment: str,
    source: System,
    students: list[str],
    collection: Collection,
    marks: dict[str, dict[str, Marks]],
    made: Outcome,
) -> list[Path]:
    """Pack the feedback of each student under the name by which the system finds the student again."""

    def read(student: str) -> bytes:
        # Whatever else lies there: only what the grader has written is published.
        folder = course.folder("feedback", student, assignment)
        pages = [
            page
            for notebook in sorted(marks.get(student, ()))
            if (page := folder / f"{notebook}.html").is_file() and not page.is_symlink()
        ]
        places = {}
        for page in pages:
            if origin := _origin(source, collection, student, page.stem):
                places[page.name] = source.feedback(origin, page.name)
        return bundle(places, {page.name: page.read_bytes() for page in pages})

    content: dict[str, bytes] = {}
    without, unknown = [], []
    folders = {str(course.folder("feedback", student, ".")) for student in students}
    bounds = apart.Bounds(read=(os.path.commonpath(folders),) if folders else ())
    for student, found in apart.each(read, students, bounds, together=AT_ONCE):
        if isinstance(found, apart.Trouble):
            made.doubts.append(f"no feedback for {student}: it could not be packed: {found.why}")
            continue
        places, pages = unbundle(found)
        if not pages:
            without.append(student)
        elif not places:
            unknown.append(student)
        for name, page in pages.items():
            own = f"{archives.shorten(student)}/{name}"
            place = places.get(name, own)
            content[own if place in content else place] = page
    if without:
        made.notes.append(f"without feedback so far: {len(without)}; run 'npfl-grader feedback {assignment}'")
    if unknown or not source.feedback_sorts:
        made.notes.append(
            f"whose feedback {source.title} does not sort by itself: "
            f"{len(unknown) or len(content)}; it is packed by student"
        )
    if not content:
        return []
    target = course.root / "published" / assignment / f"feedback-{source.name}.zip"
    pack(target, content)
    return [target]


def _origin(source: System, collection: Collection, student: str, notebook: str) -> Origin | None:
    """Say where a notebook came from, if it came from this system."""
    taken = collection.students.get(student)
    if taken is None or taken.system != source.name or not source.feedback_sorts:
        return None
    path = taken.notebooks.get(notebook) or next(iter(taken.notebooks.values()), None)
    return source.origin(PurePosixPath(path)) if path else None
