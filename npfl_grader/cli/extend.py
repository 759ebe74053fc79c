"""``npfl-grader extend``: give students more time for an assignment."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from npfl_grader.cli.console import stopping
from npfl_grader.cli.options import Assignment


def extend(
    assignment: Assignment,
    students: Annotated[list[str], typer.Argument(metavar="STUDENT", help="The ids of the students.")],
    days: Annotated[
        float, typer.Option(min=0, help="How many days more than the others; 0 takes an extension away.")
    ],
) -> None:
    """Give students more time for an assignment.

    What was collected or graded before follows with the next collect, autograde or publish.
    """
    from npfl_grader.course import gradebook, gradebook_rows, settings

    with stopping():
        course = settings.load(Path.cwd())
        with gradebook.only_writer(course):
            gradebook_rows.extend(course, assignment, students, timedelta(days=days))
            due = gradebook.assignment(course, assignment).due
            zone = course.timezone()
    until = f", until {(due + timedelta(days=days)).astimezone(zone):%Y-%m-%d %H:%M %Z}" if due else ""
    typer.echo(f"{assignment}: {', '.join(students)}: {days:g} days more than the others{until}")
    if not due:
        typer.echo(f"  {assignment} has no due date so far: set it in c.NpflGrader.assignments")
