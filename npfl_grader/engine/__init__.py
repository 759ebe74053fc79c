"""Run a submission: the student's code in a sandbox, the tests outside it, in two processes.

`run` is a pure function from a `job.Job` to a `job.Result`; `execute` is the same from bytes to bytes, so
that any executor can run it.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from npfl_grader.engine.host.worker import Broken, execute, level, probe, run

__all__ = ["Broken", "execute", "level", "probe", "run"]


def __getattr__(name: str) -> Any:
    # What only describes jobs, or runs in a student's process, must not load what runs them.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from npfl_grader.engine.host import worker

    return getattr(worker, name)
