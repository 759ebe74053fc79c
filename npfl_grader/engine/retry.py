"""How often what is tried again, decided once for the engine and whoever runs it.

A fault of the grader's or the machine's may be gone the next time, so the job is tried up to `TRIES` times.
A test without evidence, or a process of the student's that has died, is tried once more and no more: it may
have been killed from outside, but a student's code can bring both about as well. A worker that dies takes its
tries with it; its task goes to another one, `TRIES` workers in all.
"""

from collections.abc import Callable

from npfl_grader.engine.job import Result, Status

TRIES = 3


def persist(attempt: Callable[[], Result]) -> Result:
    """Run something until its result is sound, or trying again is of no use.

    Parameters
    ----------
    attempt : callable
        Gives a result; it raises nothing.

    Returns
    -------
    Result
        The last one, with the time and the logs of all.
    """
    result, log, seconds, again = Result(fault="nothing was run"), "", 0.0, False
    for _ in range(TRIES):
        result = attempt()
        log, seconds = log + result.log, seconds + result.seconds
        if result.final:
            break
        if result.fault is None:
            doubtful = any(cell.status in (Status.CRASH, Status.FAULT) for cell in result.cells)
            if again or not doubtful:
                break
            again = True
    result.log, result.seconds = log, seconds
    return result
