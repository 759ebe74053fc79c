"""Limits count the time that a submission takes, not the time for which it has to wait for a processor.

On a busy machine the clock goes on while a process is ready to run and others run. The kernel counts these
seconds for each process, and deadlines are put off by them, within bounds.
"""

from collections.abc import Callable

from npfl_grader.engine.job import MOST_WAITING
from npfl_grader.engine.tests_side.client import Sandbox


class Patience:
    """How far the deadlines of one submission are put off.

    Parameters
    ----------
    sandbox : Sandbox
        Where its processes are.
    seconds : float
        For all cells.
    tell : callable
        Called with the seconds granted until now, whenever they become more.

    Attributes
    ----------
    granted : float
        By how much the deadline of the whole is put off.
    """

    def __init__(self, sandbox: Sandbox, seconds: float, tell: Callable[[float], None]) -> None:
        self.granted = 0.0
        self._sandbox, self._most, self._tell = sandbox, MOST_WAITING * seconds, tell
        self._known: dict[int, float] = {}

    def waited(self, process: int) -> float:
        """Say how long a process has waited for a processor, and put the deadline of the whole off so far."""
        _, waited = self._sandbox.times(process)
        more = min(waited - self._known.get(process, 0.0), self._most - self.granted)
        if more > 0:
            self._known[process] = waited
            self.granted += more
            self._tell(self.granted)
        return waited

    def used(self, process: int) -> float:
        """Say how long a process, with all others of the submission, has had processors."""
        return self._sandbox.times(process)[0]
