"""Pack feedback so that a learning management system finds its students again."""

from pathlib import Path, PurePosixPath

from npfl_grader.course.gradebook import Marks
from npfl_grader.course.settings import Course
from npfl_grader.lms import archives
from npfl_grader.lms.grades import Outcome
from npfl_grader.lms.handout import pack
from npfl_grader.lms.ledger import Collection
from npfl_grader.lms.system import Origin, System


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
    content: dict[str, bytes] = {}
    without, unknown = [], []
    for name in students:
        # Whatever else lies there: only what the grader has written is published.
        folder = course.folder("feedback", name, assignment)
        pages = [
            page
            for notebook in sorted(marks.get(name, ()))
            if (page := folder / f"{notebook}.html").is_file() and not page.is_symlink()
        ]
        if not pages:
            without.append(name)
            continue
        if _origin(source, collection, name, pages[0].stem) is None:
            unknown.append(name)
        for page in pages:
            origin = _origin(source, collection, name, page.stem)
            place = source.feedback(origin, page.name) if origin else f"{archives.shorten(name)}/{page.name}"
            if place in content:
                place = f"{archives.shorten(name)}/{page.name}"
            content[place] = page.read_bytes()
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
