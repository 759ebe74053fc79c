"""What the commands say and show."""

import contextlib
import errno
import gc
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from rich.console import Console

MENDS = {
    errno.ENOSPC: "make room on the disk",
    errno.EDQUOT: "make room on the disk",
    errno.EACCES: "get the right to write there",
    errno.EROFS: "take a folder that can be written",
    errno.EEXIST: "name another folder",
}


def stop(message: str, code: int = 1) -> typer.Exit:
    """Say what is wrong in one line; raise what comes back."""
    typer.echo(f"npfl-grader: {message}", err=True)
    return typer.Exit(code)


@contextlib.contextmanager
def stopping() -> Iterator[None]:
    """End a command with one line where it cannot go on."""
    from npfl_grader.errors import CourseError

    try:
        yield
    except CourseError as error:
        raise stop(str(error)) from None
    except KeyboardInterrupt:
        raise stop("stopped; run it again to go on", 130) from None
    except BrokenPipeError:
        raise  # who reads has seen enough
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        mend = MENDS.get(error.errno or 0, "mend that")
        raise stop(f"{where}{error.strerror or error}: {mend}, and run it again to go on") from None


@contextlib.contextmanager
def importing() -> Iterator[None]:
    """Import without looking for garbage in between, which takes a sixth of the time and finds none."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()  # nor is there any among what was imported later on
        gc.enable()


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
