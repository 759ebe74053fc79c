"""``npfl-grader table``: which check of an exercise catches which wrong solution."""

from pathlib import Path
from typing import Annotated

import typer

from npfl_grader.cli.console import stop
from npfl_grader.cli.options import EXERCISES, Exercises, exercises


def table(
    solutions: Annotated[Path, typer.Argument(help="The folder of the solutions that are tried.")],
    source: Exercises = EXERCISES,
) -> None:
    """Show which check of each exercise catches which wrong solution, as Markdown."""
    from npfl_grader.authoring import trial

    typer.echo(
        "# Which check catches which solution\n\n"
        "Each exercise was run with every solution below in place of the student's; "
        "a check's points stand behind its name.\n"
    )
    for path in exercises(source):
        tried = solutions / f"{path.stem}.py"
        if not tried.exists():
            raise stop(f"{tried}: there are no solutions to try {path.stem} on")
        typer.echo(trial.table(path, tried))
