"""``npfl-grader course``: create a course, or bring it up to date."""

from pathlib import Path
from typing import Annotated

import typer

from npfl_grader.cli.console import stop, stopping
from npfl_grader.cli.options import EXERCISES, Address, Encoding, Exercises
from npfl_grader.cli.options import exercises as find


def course(
    folder: Annotated[Path, typer.Argument(help="The course directory; it is created if it is missing.")],
    source: Exercises = EXERCISES,
    roster: Annotated[
        Path | None,
        typer.Option(help="The students, as CSV: a list that a learning management system exports."),
    ] = None,
    id_column: Annotated[str, typer.Option(help="The roster's column that names students' folders.")] = "",
    encoding: Encoding = "",
    address: Address = "",
) -> None:
    """Create an nbgrader course with the book's exercises, or bring it up to date.

    Due dates, points and what being late costs stand in the course's nbgrader_config.py. The exit code is 3
    if somebody in the list of students was left out.
    """
    from npfl_grader.authoring import creation, exercises

    paths = find(source)
    with stopping():
        try:
            created = creation.create(folder, paths, roster, id_column, encoding, address)
        except (exercises.ExerciseError, RuntimeError) as error:
            raise stop(str(error)) from None
    for line in created.lines:
        typer.echo(line)
    for doubt in created.doubts:
        typer.echo(f"needs a look: {doubt}")
    typer.echo(
        f"Next: set due dates in {folder}/nbgrader_config.py and run this again, then, in {folder}, run"
    )
    typer.echo("  npfl-grader release --zip ASSIGNMENT")
    if created.doubts:
        raise typer.Exit(3)
