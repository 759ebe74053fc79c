"""``npfl-grader release``: check the exercises, and make what readers and students get."""

# The other modules are imported where they are used: workers import this one, and nbgrader takes seconds.
import hashlib
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Annotated

import typer

from npfl_grader.cli.console import stop, stopping
from npfl_grader.cli.options import EXERCISES, Address, Exercises
from npfl_grader.cli.options import exercises as find


def release(
    assignments: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ASSIGNMENT]...", help="With --zip: which assignments of the course."),
    ] = None,
    zipped: Annotated[
        bool,
        typer.Option("--zip", help="In a course: pack release/ASSIGNMENT into handout/ASSIGNMENT.zip."),
    ] = False,
    source: Exercises = EXERCISES,
    output: Annotated[Path, typer.Option(help="Where the pages and the release notebooks go.")] = Path(
        "exercises"
    ),
    address: Address = "",
) -> None:
    """Check all exercises and make their release notebooks and pages for the book.

    An exercise that has not changed since its last check is not run again. With --zip, in a course's folder,
    pack what students get of an assignment instead.
    """
    if zipped:
        _hand_out(assignments or [])
        return
    if assignments:
        raise stop("assignments are named together with --zip; without it, all exercises are released")
    import nbformat

    from npfl_grader.authoring import exercises
    from npfl_grader.files import write, write_notebook

    paths = find(source)
    with ProcessPoolExecutor(os.cpu_count(), multiprocessing.get_context("spawn")) as pool:
        try:
            notebooks = {path: exercises.read(path) for path in paths}
            checks = {}
            for path in paths:
                stamp = output / ".checked" / path.stem
                content = nbformat.writes(notebooks[path]).encode() + Path(exercises.__file__).read_bytes()
                digest = hashlib.sha256(content).hexdigest()
                if not stamp.exists() or stamp.read_text() != digest:
                    checks[path] = (pool.submit(exercises.check, path), stamp, digest)
            for path, notebook in notebooks.items():
                if path in checks:
                    checked, stamp, digest = checks[path]
                    typer.echo(checked.result())
                    write(stamp, digest)
                released = exercises.release(notebook)
                linked = exercises.notebook_links(released, address, path.parent.parent)
                write_notebook(output / "notebooks" / f"{path.stem}.ipynb", linked)
                write(output / f"{path.stem}.md", exercises.page(released, path.stem))
        except exercises.ExerciseError as error:
            pool.shutdown(cancel_futures=True)
            raise stop(str(error)) from None


def _hand_out(assignments: list[str]) -> None:
    """Pack the release of assignments for a learning management system."""
    from npfl_grader.course import settings
    from npfl_grader.lms import handout

    with stopping():
        course = settings.load(Path.cwd())
        for path in handout.hand_out(course, assignments):
            typer.echo(path)
