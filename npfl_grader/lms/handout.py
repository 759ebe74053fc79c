"""Pack what students get of an assignment."""

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

from npfl_grader.course.settings import Course
from npfl_grader.errors import CourseError
from npfl_grader.files import write

# The same date in every archive: one that holds the same is the same.
DATE = (2000, 1, 1, 0, 0, 0)


def pack(target: Path, content: dict[str, bytes]) -> bool:
    """Write a zip archive; the same content gives the same bytes."""
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            info = zipfile.ZipInfo(name, DATE)
            info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(info, data)
    return write(target, memory.getvalue())


def hand_out(course: Course, assignments: list[str]) -> Iterator[Path]:
    """Pack the release folders of assignments, all of them by default, for upload.

    Raises
    ------
    CourseError
        If one was not released, or holds what students must not see.
    """
    root = course.folder("release", ".", ".")
    names = assignments or sorted(path.name for path in root.glob("*") if path.is_dir())
    if not names:
        raise CourseError(f"{root}: nothing was released: run 'npfl-grader course' first")
    for name in names:
        folder = root / name
        if not folder.is_dir():
            raise CourseError(
                f"{folder} does not exist: check the name, or run 'nbgrader generate_assignment {name}'"
            )
        content = {}
        for path in sorted(folder.rglob("*")):
            if path.is_symlink() or not path.is_file() or path.name.startswith("."):
                continue
            data = path.read_bytes()
            if path.suffix == ".ipynb":
                _check(path, data, name)
            content[f"{name}/{path.relative_to(folder).as_posix()}"] = data
        target = course.root / "handout" / f"{name}.zip"
        pack(target, content)
        yield target


def _check(path: Path, data: bytes, assignment: str) -> None:
    """Refuse a release that holds what only the instructor may see.

    nbgrader takes the text of a solution away, but leaves the pictures that were pasted into it.
    """
    if b"BEGIN HIDDEN TESTS" in data or b"BEGIN SOLUTION" in data:
        raise CourseError(
            f"{path} holds a solution or hidden tests: "
            f"run 'nbgrader generate_assignment {assignment} --force'"
        )
    try:
        cells = json.loads(data)["cells"]
        pictures = [
            cell["metadata"]["nbgrader"]["grade_id"]
            for cell in cells
            if cell.get("attachments") and cell["metadata"].get("nbgrader", {}).get("solution")
        ]
    except (ValueError, LookupError, TypeError, AttributeError):
        raise CourseError(f"{path}: this is no notebook: release it again") from None
    if pictures:
        raise CourseError(
            f"{path}: the solution {', '.join(pictures)} has a picture, and students would see it: "
            f"delete it in the source, and run 'nbgrader generate_assignment {assignment} --force'"
        )
