"""How often what is tried again, decided once for the engine and whoever runs it.

A fault of the grader's or the machine's may be gone the next time, so the job is tried up to `TRIES` times.
A test without evidence, a process of the student's that has died, or one that was late by the clock alone,
is tried once more and no more: it may have been killed or kept waiting from outside, but a student's code
can bring all that about as well. Who was late is tried again while nothing else is graded on this machine. A
worker that dies takes its tries with it; its task goes to another one, `TRIES` workers in all.
"""

from collections.abc import Callable

from npfl_grader.engine.job import Result, Status

TRIES = 3


def persist(attempt: Callable[[bool], Result]) -> Result:
    """Run something until its result is sound, or trying again is of no use.

    Parameters
    ----------
    attempt : callable
        Called with whether it shall run alone; gives a result, and raises nothing.

    Returns
    -------
    Result
        The last one, with the time and the logs of all.
    """
    result, log, seconds, again = Result(fault="nothing was run"), "", 0.0, False
    alone = False
    for _ in range(TRIES):
        result = attempt(alone)
        log, seconds = log + result.log, seconds + result.seconds
        if result.final:
            break
        if result.fault is None:
            alone = any(cell.by_clock for cell in result.cells)
            doubtful = any(cell.status in (Status.CRASH, Status.FAULT) for cell in result.cells)
            if again or not (doubtful or alone):
                break
            again = True
    result.log, result.seconds = log, seconds
    return result
