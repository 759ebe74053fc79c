"""The other opinion: the whole notebook as nbgrader runs it, answers and tests in one process of the sandbox.

It is for what two processes cannot do, and runs in a copy of the warm shell or, if the course asks for it, in
a real kernel. Tests and student code share the process then, and so does what drives it from inside: the
sandbox protects the machine and everyone else, but not the verdict. A failure here can be trusted, for
nobody forges one of his own; a pass cannot.
"""

import math
import os
import re
import socket
import time
from typing import Any

from npfl_grader.engine.both.codec import Malformed
from npfl_grader.engine.both.outputs import clean
from npfl_grader.engine.both.sizes import Sizes
from npfl_grader.engine.both.wire import Channel, Closed, Garbled, Late
from npfl_grader.engine.job import MOST_WAITING, Job, Outcome, Role, Status
from npfl_grader.engine.tests_side.client import Sandbox
from npfl_grader.engine.tests_side.patience import Patience
from npfl_grader.engine.tests_side.processes import failed
from npfl_grader.engine.tests_side.reading import a_list

_START = 30.0  # seconds for the shell or the kernel to start
_GRACE = 5.0
_MOST_STARTS = 4


def run(job: Job, sandbox: Sandbox, patience: Patience) -> dict[int, Outcome]:
    """Have the cells run, and read what comes back; a cell that ends the process is left out then.

    Parameters
    ----------
    job : Job
        Its engine is one in which all runs together.
    sandbox : Sandbox
        The student's.
    patience : Patience
        With waiting for a processor.

    Returns
    -------
    dict
        What became of each cell, by its index.
    """
    limits = job.limits
    deadline = time.monotonic() + limits.notebook
    results: dict[int, Outcome] = {}
    lost: dict[int, Outcome] = {}
    sandbox.open(limits, {**job.student_files, **job.files}, program=job.engine)
    for _ in range(_MOST_STARTS):
        here, there = socket.socketpair()
        process = sandbox.start(there, os.open(os.devnull, os.O_WRONLY))
        channel = Channel(here, Sizes.within(limits.memory, limits.output))
        channel.more = _More(patience, process, MOST_WAITING * limits.notebook)
        cells = [
            {
                "source": "" if i in lost else job.cells[i].source,
                "brief": job.cells[i].brief,
                "testing": job.cells[i].role == Role.TEST,
                "late": job.cells[i].late,
            }
            for i in job.code
        ]
        at = -1
        try:
            channel.send({"cells": cells, "seconds": limits.cell}, deadline=deadline)
            ready, _ = channel.receive(time.monotonic() + _START)
            if ready != {}:
                return {i: failed(Status.FAULT, f"the process does not start: {ready}") for i in job.code}
            for at in job.code:
                began = time.monotonic()
                answer, _ = channel.receive(min(deadline, began + limits.cell + _GRACE))
                late = time.monotonic() - began >= limits.cell
                results[at] = lost.get(at) or _outcome(answer, late)
            break
        except Late:
            status, message = Status.TIMEOUT, "the cell did not end in time"
        except Closed:
            status, message = Status.CRASH, "your code ended the process that it ran in"
        except (Garbled, Malformed):
            status, message = Status.CRASH, "your code broke the process that it ran in"
        finally:
            channel.close()
            sandbox.end([])
        if at == -1:
            return {i: failed(Status.FAULT, message) for i in job.code}
        lost[at] = results[at] = failed(status, message)
    return results | {i: failed(Status.TIMEOUT, message) for i in job.code if i not in results}


class _More:
    """By how much deadlines are put off, as a process has waited for a processor."""

    def __init__(self, patience: Patience, process: int, most: float) -> None:
        self._patience, self._process, self._most, self._known = patience, process, most, 0.0

    def __call__(self) -> float:
        waited = min(self._patience.waited(self._process), self._most)
        more, self._known = waited - self._known, waited
        return more


def _outcome(answer: Any, late: bool) -> Outcome:
    if isinstance(answer, dict) and answer.get("late") is True:
        return failed(Status.TIMEOUT, "the cell was late before, as were others, and was not tried again")
    outputs = clean(answer.get("outputs") if isinstance(answer, dict) else None)
    outcome = Outcome(Status.OK, outputs)
    if any(output["output_type"] == "error" for output in outputs):
        outcome.status = Status.TIMEOUT if late else Status.ERROR
    if told := a_list(answer.get("points", [])):
        outcome.value = told[0] if type(told[0]) is float and math.isfinite(told[0]) else None
        outcome.unclear = str(told[-1])[:100]
        return outcome
    for output in outputs:  # all that a kernel tells of a value is what it shows
        if output["output_type"] == "execute_result":
            shown = re.fullmatch(r"(?:np\.\w+\()?([^()]+)\)?", str(output["data"].get("text/plain")))
            try:
                outcome.value = float(shown[1]) if shown else None
            except ValueError:
                outcome.value = None
    return outcome
