"""``npfl-grader feedback``: write the pages that students get back."""

from pathlib import Path

import typer

from npfl_grader.cli.console import importing, progress, stopping
from npfl_grader.cli.options import Assignments, Student, Workers


def feedback(
    assignments: Assignments,
    student: Student = None,
    workers: Workers = None,
) -> None:
    """Write the feedback of assignments as nbgrader generate_feedback does, in parallel.

    Pages that would be the same as before are left alone. The exit code is 3 if some could not be written,
    or not whole.
    """
    from rich.console import Console

    with importing():
        from npfl_grader.course import gradebook, settings
        from npfl_grader.grading import feedback as grading

    console = Console()
    complete = True
    with stopping():
        course = settings.load(Path.cwd())
        with gradebook.only_writer(course):
            for name in assignments:
                work = grading.prepare(course, name, tuple(student or ["*"]))
                with progress(console, len(work.students)) as step:
                    written = work.run(workers, step)
                typer.echo(
                    f"{name}: feedback of {len(work.students)} students, "
                    f"{written.students} of them written anew"
                )
                for who, why in written.shortened.items():
                    typer.echo(f"  only the beginning of what is long is shown: {who}: {why}")
                for who, why in written.trouble.items():
                    typer.echo(f"  needs a look: {who}: {why}")
                complete &= not (written.trouble or written.shortened)
    if not complete:
        raise typer.Exit(3)
