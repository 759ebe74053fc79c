"""Whose fault an exception is that ended a test."""

from collections.abc import Collection, Iterator

from npfl_grader.engine.both.shell import ENGINE, CellTimeout, NoInput, NotText
from npfl_grader.engine.tests_side.failures import NoAnswer, Unsupported
from npfl_grader.engine.tests_side.remote import NoAttribute, NoSource, Refused

# What the engine raises in a test on purpose.
_MEANT = (CellTimeout, NoAnswer, NoAttribute, NoInput, NoSource, NotText, Refused, Unsupported)


def engines_own(error: BaseException | None, students: Collection[BaseException]) -> BaseException | None:
    """Find out whether the engine itself has failed: the exception, or one that led to it, is its own.

    Parameters
    ----------
    error : BaseException or None
        What a test ended with.
    students : collection of BaseException
        The stand-ins of what the student's code has raised.
    """
    for cause in _chain(error, students):
        place = cause.__traceback__
        while place is not None and place.tb_next is not None:
            place = place.tb_next
        if place is not None and place.tb_frame.f_code.co_filename.startswith(ENGINE):
            return cause
    return None


def _chain(error: BaseException | None, students: Collection[BaseException]) -> Iterator[BaseException]:
    waiting, seen = [error], set[int]()
    while waiting:
        cause = waiting.pop()
        if cause is None or id(cause) in seen or isinstance(cause, _MEANT):
            continue
        if any(cause is known for known in students):
            continue
        seen.add(id(cause))
        yield cause
        waiting += [cause.__cause__, cause.__context__]
        if isinstance(cause, BaseExceptionGroup):
            waiting += cause.exceptions
