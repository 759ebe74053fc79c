"""What several commands have in common."""

from pathlib import Path
from typing import Annotated

import typer

from npfl_grader.cli.console import stop

Exercises = Annotated[Path, typer.Option("--exercises", help="The folder of the exercises' MyST notebooks.")]
EXERCISES = Path("chapters/exercises")
Assignment = Annotated[str, typer.Argument(help="The assignment's name.")]
Assignments = Annotated[list[str], typer.Argument(metavar="ASSIGNMENT", help="Which assignments.")]
Student = Annotated[
    list[str] | None,
    typer.Option(help="Which students, by name or with the wildcards * and ?; may be given several times."),
]
Workers = Annotated[
    int | None, typer.Option(min=1, help="How many processes; by default one more than cores.")
]
Encoding = Annotated[
    str, typer.Option(help="The encoding of the lists, such as cp1250; by default it is found out.")
]
Address = Annotated[
    str,
    typer.Option(
        help="Where the book is published, for links to it; without it notebooks name its chapters."
    ),
]


def exercises(folder: Path) -> list[Path]:
    """List the exercises of a folder."""
    paths = sorted(folder.glob("*.md"))
    if not paths:
        raise stop(
            f"{folder}: there is no exercise (*.md): run it in the repository, or name the folder with "
            "--exercises"
        )
    return paths
