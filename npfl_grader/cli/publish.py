"""``npfl-grader publish``: make what a learning management system imports."""

import enum
from pathlib import Path
from typing import Annotated

import typer

from npfl_grader.cli.console import stopping
from npfl_grader.cli.options import Assignment, Encoding
from npfl_grader.lms.systems import names


class Absent(enum.StrEnum):
    """What those have who handed in nothing."""

    ZERO = "zero"
    BLANK = "blank"


def known_system(text: str) -> str:
    """Refuse a system that there is no file for."""
    if text not in names():
        raise typer.BadParameter(f"{text!r} is none of {', '.join(names())}")
    return text


def publish(
    assignment: Assignment,
    system: Annotated[
        str, typer.Option(parser=known_system, metavar=f"[{'|'.join(names())}]", help="For which system.")
    ],
    template: Annotated[
        Path | None,
        typer.Option(
            help="The list of grades that the system exports: the grades are filled into a copy of it."
        ),
    ] = None,
    column: Annotated[
        str, typer.Option(help="The title of the assignment in the system, if it is another one.")
    ] = "",
    absent: Annotated[
        Absent, typer.Option(help="What those have who handed in nothing: 0 points, or no grade.")
    ] = Absent.ZERO,
    encoding: Encoding = "",
) -> None:
    """Make the grades as a CSV file and the feedback as an archive that the system imports.

    Pages of feedback whose grades have changed since are written anew before. The exit code is 3 if something
    needs a look before the import.
    """
    from npfl_grader.course import gradebook, settings
    from npfl_grader.lms import publish
    from npfl_grader.lms.grades import Choice

    with stopping():
        course = settings.load(Path.cwd())
        with gradebook.only_writer(course):
            choice = Choice(system, template, column, absent.value, encoding)
            made = publish.publish(course, assignment, choice)
    for path in made.files:
        typer.echo(path.relative_to(course.root))
    for note in made.notes:
        typer.echo(f"  {note}")
    for doubt in made.doubts:
        typer.echo(f"  needs a look: {doubt}")
    if made.doubts:
        raise typer.Exit(3)
