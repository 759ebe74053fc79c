"""``npfl-grader insights``: show what the submissions of an assignment say."""

import contextlib
from pathlib import Path
from typing import Annotated

import typer

from npfl_grader.cli.console import stopping
from npfl_grader.cli.options import Assignment


def insights(
    assignment: Assignment,
    names: Annotated[
        bool, typer.Option("--names", help="Name the students; otherwise they are numbered.")
    ] = False,
) -> None:
    """Show what the submissions of an assignment say: scores, checks, typical mistakes, who needs a look.

    The exit code is 3 if a submission could not be read.
    """
    from rich.console import Console

    from npfl_grader.course import settings
    from npfl_grader.insights import gather, page, terminal

    console = Console()
    with stopping():
        course = settings.load(Path.cwd())
        with console.status("reading", spinner="line") if console.is_terminal else contextlib.nullcontext():
            found = gather.gather(course, assignment, names)
            path = page.save(course, found, names)
    console.print(terminal.terminal(found))
    typer.echo(path.relative_to(course.root))
    if not found.complete:
        raise typer.Exit(3)
