"""The other engine: a whole notebook in a real kernel, inside the sandbox.

It is for what two processes cannot do. Tests and student code share the kernel then, and so does nbclient,
which drives it from inside: the sandbox protects the machine and everyone else, but not the verdict.
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

_START = 30.0  # seconds for the kernel to start
_GRACE = 5.0
_MOST_STARTS = 4


def main(sock: socket.socket) -> None:
    """Inside the sandbox: run the cells that come over a connection, and send each one's outputs."""
    # Only this engine needs them, and importing them into the warm process would make every fork dearer.
    import nbformat
    from nbclient import NotebookClient

    channel = Channel(sock)
    request, _ = channel.receive()
    # The connection file and its sockets lie in the work directory; there is no network here.
    os.environ["JUPYTER_RUNTIME_DIR"] = os.getcwd()
    cells = [nbformat.v4.new_code_cell(source) for source in request["sources"]]
    notebook = nbformat.v4.new_notebook(cells=cells)
    client = NotebookClient(
        notebook, allow_errors=True, timeout=request["seconds"], interrupt_on_timeout=True
    )
    client.create_kernel_manager().transport = "ipc"
    with client.setup_kernel():
        channel.send({})
        for index, cell in enumerate(cells):
            client.execute_cell(cell, index, execution_count=index + 1)
            channel.send({"outputs": cell.outputs})
        channel.receive()


def run(job: dict[str, Any], sandbox: Sandbox) -> dict[int, dict[str, Any]]:
    """Outside: have the cells run, and read what comes back; a cell that kills the kernel is left out then.

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
    sandbox.open(limits, keeper.students(job), unix_sockets=True)
    for _ in range(_MOST_STARTS):
        here, there = socket.socketpair()
        sandbox.start(there, os.open(os.devnull, os.O_WRONLY))
        channel = Channel(here, Sizes.within(limits["memory"], limits["output"]))
        sources = ["" if i in failed else job["cells"][i]["source"] for i in code]
        at = -1
        try:
            channel.send({"sources": sources, "seconds": limits["cell"]}, deadline=deadline)
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
            status, message = "crash", "the kernel has died"
        except (Garbled, Malformed):
            status, message = "crash", "the kernel has sent nonsense"
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
