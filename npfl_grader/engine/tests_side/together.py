"""The other opinion: the whole notebook as nbgrader runs it, answers and tests in one process of the sandbox.

It is for what two processes cannot do, and runs in a copy of the warm shell or, if the course asks for it, in
a real kernel. Tests and student code share the process then, and so does what drives it from inside: the
sandbox protects the machine and everyone else, but not the verdict. A failure here can be trusted, for
nobody forges one of his own; a pass cannot.
"""

import os
import socket
import time
from typing import Any

from npfl_grader.engine.both.codec import Malformed, Sizes
from npfl_grader.engine.both.outputs import clean, error_output
from npfl_grader.engine.both.wire import Channel, Closed, Garbled, Late
from npfl_grader.engine.host import keeper
from npfl_grader.engine.tests_side.client import Sandbox

_START = 30.0  # seconds for the shell or the kernel to start
_GRACE = 5.0
_MOST_STARTS = 4


def run(job: dict[str, Any], sandbox: Sandbox) -> dict[int, dict[str, Any]]:
    """Have the cells run, and read what comes back; a cell that ends the process is left out then.

    Parameters
    ----------
    job : dict
        See `npfl_grader.engine.execute`; its ``engine`` is ``together`` or ``kernel``.
    sandbox : Sandbox
        The student's.

    Returns
    -------
    dict
        By the cell's index, its status, outputs and value.
    """
    limits = job["limits"]
    deadline = time.monotonic() + limits["notebook"]
    code = [i for i, cell in enumerate(job["cells"]) if cell["role"] != "text"]
    results: dict[int, dict[str, Any]] = {}
    failed: dict[int, dict[str, Any]] = {}
    sandbox.open(limits, keeper.students(job), program=job["engine"])
    for _ in range(_MOST_STARTS):
        here, there = socket.socketpair()
        sandbox.start(there, os.open(os.devnull, os.O_WRONLY))
        channel = Channel(here, Sizes.within(limits["memory"], limits["output"]))
        cells = [
            {
                "source": "" if i in failed else job["cells"][i]["source"],
                "brief": job["cells"][i].get("brief", False),
            }
            for i in code
        ]
        at = -1
        try:
            channel.send({"cells": cells, "seconds": limits["cell"]}, deadline=deadline)
            channel.receive(time.monotonic() + _START)
            for at in code:
                began = time.monotonic()
                answer, _ = channel.receive(min(deadline, began + limits["cell"] + _GRACE))
                late = time.monotonic() - began >= limits["cell"]
                results[at] = failed.get(at) or _result(answer, late)
            break
        except Late:
            status, message = "timeout", "the cell did not end in time"
        except Closed:
            status, message = "crash", "your code ended the process that it ran in"
        except (Garbled, Malformed):
            status, message = "crash", "your code broke the process that it ran in"
        finally:
            channel.close()
            sandbox.end([])
        if at == -1:
            return {i: {"status": "fault", "outputs": [error_output("Fault", message)]} for i in code}
        failed[at] = results[at] = {"status": status, "outputs": [error_output("NoAnswer", message)]}
    late_cells = [i for i in code if i not in results]
    return results | {
        i: {"status": "timeout", "outputs": [error_output("NoAnswer", message)]} for i in late_cells
    }


def _result(answer: Any, late: bool) -> dict[str, Any]:
    outputs = clean(answer.get("outputs") if isinstance(answer, dict) else None)
    failed = any(output["output_type"] == "error" for output in outputs)
    status = "timeout" if failed and late else "error" if failed else "ok"
    value = None
    for output in outputs:
        if output["output_type"] == "execute_result":
            try:
                value = float(str(output["data"].get("text/plain")))
            except ValueError:
                value = None
    return {"status": status, "outputs": outputs, "value": value}
