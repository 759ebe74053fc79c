"""The command ``npfl-grader check``."""

from pathlib import Path
from typing import Annotated

import typer

from npfl_grader.cli.console import progress, stopping


def check(
    assignments: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[ASSIGNMENT]...", help="Which assignments; all of the source folder by default."
        ),
    ] = None,
) -> None:
    """Try your own solutions and the untouched stubs, in the course's folder, as students' work is graded.

    It names the tests that even your solution passes only in one process with them, and how to write them
    otherwise. The exit code is 3 if a solution loses a point or a stub wins one.
    """
    from rich.console import Console

    from npfl_grader.authoring import check
    from npfl_grader.course import settings

    console = Console()
    with stopping():
        course = settings.load(Path.cwd())
        names = assignments or check.assignments(course)
        total = sum(len(list(course.source(name).glob("*.ipynb"))) for name in names)
        with progress(console, total) as step:
            checked = [entry for name in names for entry in check.check(course, name, step)]
    console.print(check.table(checked))
    for entry in checked:
        for line in entry.lines():
            console.print(f"{entry.assignment}/{entry.notebook}: {line}", markup=False, soft_wrap=True)
    if not all(entry.fine for entry in checked):
        raise typer.Exit(3)
