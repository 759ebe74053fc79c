"""``npfl-grader collect``: put the submissions of archives into the course."""

from pathlib import Path
from typing import Annotated

import typer

from npfl_grader.cli.console import progress, stopping
from npfl_grader.cli.options import Assignment, Encoding


def collect(
    assignment: Assignment,
    archives: Annotated[
        list[Path],
        typer.Argument(metavar="ARCHIVE", help="What the system gives as 'download all submissions'."),
    ],
    worksheet: Annotated[
        Path | None,
        typer.Option(help="Moodle's grading worksheet of the assignment: its numbers and times."),
    ] = None,
    groups: Annotated[
        Path | None, typer.Option(help="A CSV file with the columns group and student, for work in groups.")
    ] = None,
    late: Annotated[
        bool, typer.Option("--late", help="Take the last attempt even if one before was in time.")
    ] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace also what was changed by hand in submitted/.")
    ] = False,
    encoding: Encoding = "",
) -> None:
    """Put the submissions of archives from a learning management system into the course.

    Of several attempts the last in time is taken, or else the last. The report says whose work was taken,
    whose is missing and what could not be matched; the same is in collected/ASSIGNMENT.json. The exit code is
    0 if all was matched, 3 if something needs a look, 1 if nothing could be done.
    """
    from rich.console import Console

    from npfl_grader.course import gradebook, settings
    from npfl_grader.lms import collect

    console = Console()
    with stopping():
        course = settings.load(Path.cwd())
        with gradebook.only_writer(course):
            choice = collect.Choice(worksheet, groups, late, replace, encoding)
            collector = collect.prepare(course, assignment, choice)
            with progress(console) as step:
                collection = collector.run(archives, step)
    console.print(collection.table())
    if collection.unmatched:
        typer.echo(f"Fill in the column student of {collector.questions_path}, and run this again.")
    if not collection.complete:
        raise typer.Exit(3)
