"""The command ``npfl-grader``."""

import hashlib
from pathlib import Path
from typing import Annotated

import typer

from npfl_grader import course, exercises, trial
from npfl_grader.files import write, write_notebook

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)

Source = Annotated[Path, typer.Option("--exercises", help="The folder of the exercises' MyST notebooks.")]
SOURCE = Path("chapters/exercises")


def find(folder: Path) -> list[Path]:
    """List the exercises of a folder."""
    paths = sorted(folder.glob("*.md"))
    if not paths:
        raise stop(f"{folder}: there is no exercise (*.md): name the folder with --exercises")
    return paths


def stop(message: str) -> typer.Exit:
    """Say what is wrong in one line; raise what comes back."""
    typer.echo(f"npfl-grader: {message}", err=True)
    return typer.Exit(1)


@app.command()
def release(
    source: Source = SOURCE,
    output: Annotated[Path, typer.Option(help="Where the pages and the release notebooks go.")] = Path(
        "exercises"
    ),
    address: Annotated[
        str, typer.Option(help="Where the book is published; notebooks link back to it.")
    ] = "",
) -> None:
    """Check all exercises and make their release notebooks and pages for the book.

    An exercise that has not changed since its last check is not run again.
    """
    for path in find(source):
        try:
            notebook = exercises.read(path)
            stamp = output / ".checked" / path.stem
            digest = hashlib.sha256(path.read_bytes() + Path(exercises.__file__).read_bytes()).hexdigest()
            if not stamp.exists() or stamp.read_text() != digest:
                typer.echo(exercises.check(path))
                write(stamp, digest)
        except exercises.ExerciseError as error:
            raise stop(str(error)) from None
        released = exercises.release(notebook)
        write_notebook(
            output / "notebooks" / f"{path.stem}.ipynb", exercises.notebook_links(released, address)
        )
        write(output / f"{path.stem}.md", exercises.page(released, path.stem))


@app.command(name="course")
def create_course(
    folder: Annotated[Path, typer.Argument(help="The course directory; it is created if it is missing.")],
    source: Source = SOURCE,
) -> None:
    """Create an nbgrader course with the book's exercises, or bring its assignments up to date."""
    paths = find(source)
    try:
        for line in course.create(folder, paths):
            typer.echo(line)
    except (exercises.ExerciseError, RuntimeError) as error:
        raise stop(str(error)) from None
    typer.echo(f"Next: put submissions into {folder}/submitted/STUDENT/ASSIGNMENT/, then, in {folder}, run")
    typer.echo("  nbgrader autograde ASSIGNMENT && nbgrader generate_feedback ASSIGNMENT")


@app.command()
def table(
    solutions: Annotated[Path, typer.Argument(help="The folder of the solutions that are tried.")],
    source: Source = SOURCE,
) -> None:
    """Show which check of each exercise catches which wrong solution, as Markdown."""
    typer.echo(
        "# Which check catches which solution\n\n"
        "Each exercise was run with every solution below in place of the student's; "
        "a check's points stand behind its name.\n"
    )
    for path in find(source):
        tried = solutions / f"{path.stem}.py"
        if not tried.exists():
            raise stop(f"{tried}: there are no solutions to try {path.stem} on")
        typer.echo(trial.table(path, tried))


if __name__ == "__main__":
    app()
