"""The commands of the instructor's desk: collect, publish, insights."""

# The other modules are imported where they are used: workers import this one, and nbgrader takes seconds.
import contextlib
import enum
from pathlib import Path
from typing import Annotated

import typer

from npfl_grader.cli.console import progress, stopping

app = typer.Typer()


def hand_out(assignments: list[str]) -> None:
    """Pack the release of assignments for a learning management system."""
    from npfl_grader.course import settings
    from npfl_grader.lms import publish

    with stopping():
        course = settings.load(Path.cwd())
        for path in publish.hand_out(course, assignments):
            typer.echo(path)


@app.command()
def collect(
    assignment: Annotated[str, typer.Argument(help="The assignment's name.")],
    archives: Annotated[
        list[Path],
        typer.Argument(metavar="ARCHIVE...", help="What the system gives as 'download all submissions'."),
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
) -> None:
    """Put the submissions of archives from Moodle, Canvas or Brightspace into the course.

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
            collector = collect.Collector(course, assignment, worksheet, groups, late, replace)
            with progress(console) as step:
                found = collector.run(archives, step)
    console.print(found.table())
    if found.unmatched:
        typer.echo(f"Fill in the column student of {collector.answers_path}, and run this again.")
    if not found.complete:
        raise typer.Exit(3)


class System(enum.StrEnum):
    """A learning management system."""

    MOODLE = "moodle"
    CANVAS = "canvas"
    BRIGHTSPACE = "brightspace"


@app.command()
def publish(
    assignment: Annotated[str, typer.Argument(help="The assignment's name.")],
    system: Annotated[System, typer.Option(help="For which system.")],
    template: Annotated[
        Path | None,
        typer.Option(
            help="The list of grades that the system exports: the grades are filled into a copy of it."
        ),
    ] = None,
    column: Annotated[
        str, typer.Option(help="The title of the assignment in the system, if it is another one.")
    ] = "",
) -> None:
    """Make the grades as a CSV file and the feedback as an archive that the system imports."""
    from npfl_grader.course import gradebook, settings
    from npfl_grader.lms import publish

    with stopping():
        course = settings.load(Path.cwd())
        with gradebook.only_writer(course):
            made = publish.Publisher(course, assignment, system.value, template, column).run()
    for path in made.files:
        typer.echo(path.relative_to(course.root))
    for note in made.notes:
        typer.echo(f"  {note}")


@app.command()
def insights(
    assignment: Annotated[str, typer.Argument(help="The assignment's name.")],
    names: Annotated[
        bool, typer.Option("--names", help="Name the students; otherwise they are numbered.")
    ] = False,
) -> None:
    """Show what the submissions of an assignment say: scores, checks, typical mistakes, who needs a look."""
    from rich.console import Console

    from npfl_grader.course import settings
    from npfl_grader.insights import insights

    console = Console()
    with stopping():
        course = settings.load(Path.cwd())
        with console.status("reading", spinner="line") if console.is_terminal else contextlib.nullcontext():
            found = insights.gather(course, assignment, names)
            page = insights.save(course, found, names)
    console.print(insights.terminal(found))
    typer.echo(page.relative_to(course.root))
