"""What the commands say and show."""

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from rich.console import Console


def stop(message: str, code: int = 1) -> typer.Exit:
    """Say what is wrong in one line; raise what comes back."""
    typer.echo(f"npfl-grader: {message}", err=True)
    return typer.Exit(code)


@contextlib.contextmanager
def progress(console: "Console", total: int | None = None) -> Iterator[Callable[..., None]]:
    """Show a bar with count, rate and time left; on no terminal, nothing.

    What it gives is called after each step, or with the number of steps once that is known.
    """
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = [
        TextColumn("done"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    ]
    with Progress(*columns, console=console, disable=not console.is_terminal) as shown:
        bar = shown.add_task("", total=total, rate="")

        def step(total: int | None = None) -> None:
            if total is not None:
                shown.update(bar, total=total)
                return
            speed = shown.tasks[0].speed
            shown.update(bar, advance=1, rate=f"{60 * speed:.0f} a minute" if speed else "")

        yield step
