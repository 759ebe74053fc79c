"""``npfl-grader autograde``: grade assignments, isolated and in parallel."""

# The other modules are imported where they are used: workers import this one, and nbgrader takes seconds.
import contextlib
import enum
import glob
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from npfl_grader.cli.console import importing, progress, stopping
from npfl_grader.cli.options import Assignments, Student, Workers

if TYPE_CHECKING:
    from rich.console import Console

    from npfl_grader.grading.batch import Batch


class Engine(enum.StrEnum):
    """How notebooks are run."""

    TWO_PROCESS = "two-process"
    KERNEL = "kernel"


def autograde(
    assignments: Assignments,
    student: Student = None,
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
            if not dry_run and (regrade or something_is_new(assignments)):
                crew.warm(_libraries(assignments[0]))
            with importing():
                from npfl_grader.course import gradebook, settings
                from npfl_grader.grading import batch, receipts

            course = settings.load(Path.cwd())
            choice = batch.Choice(tuple(student or ["*"]), notebook, regrade, unprotected, engine.value)
            with contextlib.nullcontext() if dry_run else gradebook.only_writer(course):
                for name in assignments:
                    work = batch.prepare(course, name, choice)
                    if dry_run:
                        _plan(console, work)
                        continue
                    with progress(console, len(work.students)) as step:
                        report = work.run(crew, step)
                    complete &= report.complete
                    console.print(report.table())
                    for warning in report.warnings():
                        console.print(warning, markup=False, soft_wrap=True)
                    where = f"Logs: {receipts.folder(course, name)}. Report: {work.report_path}."
                    level = f"{report.level} ({report.weaker})" if report.weaker else report.level
                    level += f", memory by {report.memory}" if report.memory else ""
                    console.print(f"Protection: {level}. {where}", markup=False, soft_wrap=True)
        finally:
            crew.close()
    if not complete:
        raise typer.Exit(3)


def something_is_new(assignments: list[str]) -> bool:
    """Guess, before the settings and the gradebook are read, whether there is something to grade."""
    for name in assignments:
        for folder in Path("submitted").glob(f"*/{glob.escape(name)}"):
            receipt = Path("grading", name, f"{folder.parent.name}.json")
            if not receipt.exists() or any(
                path.stat().st_mtime > receipt.stat().st_mtime for path in folder.glob("*.ipynb")
            ):
                return True
    return False


def _libraries(assignment: str) -> list[str]:
    """Guess, before the settings and the gradebook are read, what the submissions will import."""
    from npfl_grader.engine.host import worker

    sources = Path("source", assignment).glob("*.ipynb")
    return worker.libraries(path.read_text("utf-8", "replace") for path in sources if path.is_file())


def _plan(console: "Console", work: "Batch") -> None:
    """Say what would be graded."""
    for submission, names in work.plan():
        line = f"{submission.student}: {', '.join(names) or 'unchanged'}"
        why = f" ({'; '.join(submission.notes)})" if submission.notes else ""
        console.print(line + why, markup=False, soft_wrap=True)
