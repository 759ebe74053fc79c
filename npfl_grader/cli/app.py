"""The command ``npfl-grader``."""

# The other modules are imported where they are used: workers import this one, and nbgrader takes seconds.
import contextlib
import enum
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from npfl_grader.cli import desk
from npfl_grader.cli.console import progress, stop, stopping

if TYPE_CHECKING:
    from rich.console import Console

    from npfl_grader.grading.batch import Batch

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
app.add_typer(desk.app)

Source = Annotated[Path, typer.Option("--exercises", help="The folder of the exercises' MyST notebooks.")]
SOURCE = Path("chapters/exercises")


def find(folder: Path) -> list[Path]:
    """List the exercises of a folder."""
    paths = sorted(folder.glob("*.md"))
    if not paths:
        raise stop(
            f"{folder}: there is no exercise (*.md): run it in the repository, or name the folder with "
            "--exercises"
        )
    return paths


@app.command()
def release(
    assignments: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ASSIGNMENT]...", help="With --zip: which assignments of the course."),
    ] = None,
    zipped: Annotated[
        bool,
        typer.Option("--zip", help="In a course: pack release/ASSIGNMENT into handout/ASSIGNMENT.zip."),
    ] = False,
    source: Source = SOURCE,
    output: Annotated[Path, typer.Option(help="Where the pages and the release notebooks go.")] = Path(
        "exercises"
    ),
    address: Annotated[
        str, typer.Option(help="Where the book is published; notebooks link back to it.")
    ] = "",
) -> None:
    """Check all exercises and make their release notebooks and pages for the book.

    An exercise that has not changed since its last check is not run again. With --zip, in a course's folder,
    pack what students get of an assignment instead.
    """
    if zipped:
        desk.hand_out(assignments or [])
        return
    if assignments:
        raise stop("assignments are named together with --zip; without it, all exercises are released")
    from npfl_grader.authoring import exercises
    from npfl_grader.files import write, write_notebook

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
    roster: Annotated[
        Path | None,
        typer.Option(help="The students, as CSV: a list exported from Moodle, Canvas or Brightspace."),
    ] = None,
    id_column: Annotated[str, typer.Option(help="The roster's column that names students' folders.")] = "",
) -> None:
    """Create an nbgrader course with the book's exercises, or bring it up to date.

    Due dates, points and what being late costs stand in the course's nbgrader_config.py.
    """
    from npfl_grader.authoring import creation as course
    from npfl_grader.authoring import exercises

    paths = find(source)
    with stopping():
        try:
            for line in course.create(folder, paths, roster, id_column):
                typer.echo(line)
        except (exercises.ExerciseError, RuntimeError) as error:
            raise stop(str(error)) from None
    typer.echo(
        f"Next: set due dates in {folder}/nbgrader_config.py and run this again, then, in {folder}, run"
    )
    typer.echo("  npfl-grader release --zip ASSIGNMENT")


@app.command()
def table(
    solutions: Annotated[Path, typer.Argument(help="The folder of the solutions that are tried.")],
    source: Source = SOURCE,
) -> None:
    """Show which check of each exercise catches which wrong solution, as Markdown."""
    from npfl_grader.authoring import trial

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


class Engine(enum.StrEnum):
    """How notebooks are run."""

    TWO_PROCESS = "two-process"
    KERNEL = "kernel"


Student = Annotated[str, typer.Option(help="Which students, by name or with the wildcards * and ?.")]
Workers = Annotated[
    int | None, typer.Option(min=1, help="How many processes; by default one more than cores.")
]


@app.command()
def autograde(
    assignments: Annotated[list[str], typer.Argument(metavar="ASSIGNMENT...", help="Which assignments.")],
    student: Student = "*",
    notebook: Annotated[str, typer.Option(help="Which notebooks, by name or with wildcards.")] = "*",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be graded, and why; grade nothing.")
    ] = False,
    regrade: Annotated[bool, typer.Option("--regrade", help="Grade again what has not changed.")] = False,
    unprotected: Annotated[
        bool,
        typer.Option("--unprotected", help="Go on where this machine cannot confine what students wrote."),
    ] = False,
    workers: Workers = None,
    dask: Annotated[str, typer.Option(help="Run on a Dask cluster: the address of its scheduler.")] = "",
    engine: Annotated[
        Engine, typer.Option(help="Two processes, tests apart from the student's code; or a real kernel.")
    ] = Engine.TWO_PROCESS,
) -> None:
    """Grade assignments as nbgrader autograde does, isolated and in parallel, in the course's folder.

    What was graded before and has not changed is skipped. The exit code is 0 if every submission was graded
    whole, 3 if some need a look, 1 if grading could not go on.
    """
    from rich.console import Console

    from npfl_grader.grading import pool

    console = Console()
    complete = True
    with stopping():
        crew = pool.Dask(dask) if dask else pool.Local(workers)
        try:
            if not dry_run and not all(Path("grading", name).exists() for name in assignments):
                crew.warm()
            from npfl_grader.course import gradebook, settings
            from npfl_grader.grading import batch, receipts

            course = settings.load(Path.cwd())
            choice = batch.Choice(student, notebook, regrade, unprotected, engine.value)
            with contextlib.nullcontext() if dry_run else gradebook.only_writer(course):
                for name in assignments:
                    found = batch.prepare(course, name, choice)
                    if dry_run:
                        _plan(console, found)
                        continue
                    with progress(console, len(found.students)) as step:
                        report = found.run(crew, step)
                    complete &= report.complete
                    console.print(report.table())
                    where = f"Logs: {receipts.folder(course, name)}. Report: {found.report_path}."
                    level = f"{report.level} ({report.weaker})" if report.weaker else report.level
                    console.print(f"Protection: {level}. {where}", markup=False, soft_wrap=True)
        finally:
            crew.close()
    if not complete:
        raise typer.Exit(3)


def _plan(console: "Console", found: "Batch") -> None:
    """Say what would be graded."""
    for submission, names in found.plan():
        line = f"{submission.student}: {', '.join(names) or 'unchanged'}"
        why = f" ({'; '.join(submission.notes)})" if submission.notes else ""
        console.print(line + why, markup=False, soft_wrap=True)


@app.command()
def feedback(
    assignment: Annotated[str, typer.Argument(help="The assignment's name.")],
    student: Student = "*",
    workers: Workers = None,
) -> None:
    """Write the feedback of an assignment as nbgrader generate_feedback does, in parallel.

    Pages that would be the same as before are left alone.
    """
    from rich.console import Console

    from npfl_grader.course import gradebook, settings
    from npfl_grader.grading import feedback

    console = Console()
    with stopping():
        course = settings.load(Path.cwd())
        with gradebook.only_writer(course):
            found = feedback.prepare(course, assignment, student)
            with progress(console, len(found.students)) as step:
                written = found.run(workers, step)
    typer.echo(f"{assignment}: feedback of {len(found.students)} students, {written} of them written anew")
