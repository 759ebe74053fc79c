"""Inside the sandbox: run all cells of a notebook, tests included, and send the outputs of each."""

import os
import socket

from npfl_grader.engine.both.points import points
from npfl_grader.engine.both.shell import CellTimeout, Notebook
from npfl_grader.engine.both.sizes import Sizes
from npfl_grader.engine.both.wire import Channel

# After so many tests that were late in both ways, others that were late apart are not waited for again.
_ENOUGH = 2


def in_shell(sock: socket.socket, memory: int, most_output: int) -> None:
    """Run the cells that come over a connection in this process, a copy of the warm one."""
    channel = Channel(sock, Sizes.within(memory, most_output))
    request, _ = channel.receive()
    notebook = Notebook(most_output)
    late = 0
    channel.send({})
    for count, cell in enumerate(request["cells"], 1):
        if cell["late"] and late == _ENOUGH:
            channel.send({"late": True})
            continue
        # Only tests have a second opinion: what other cells show, pictures among it, is seen by nobody.
        testing = cell["testing"]
        result, outputs = notebook.run(
            cell["source"], request["seconds"], count, brief=cell["brief"], testing=testing, shown=testing
        )
        late += cell["late"] and isinstance(result.error_in_exec, CellTimeout)
        channel.send({"outputs": outputs, "points": points(result.result)})
    channel.receive()


def in_kernel(sock: socket.socket, memory: int, most_output: int) -> None:
    """Run the cells that come over a connection in a kernel."""
    # Only this engine needs them, and importing them into the warm process would make every fork dearer.
    import nbformat
    from nbclient import NotebookClient

    channel = Channel(sock, Sizes.within(memory, most_output))
    request, _ = channel.receive()
    # The connection file and its sockets lie in the work directory; there is no network here.
    os.environ["JUPYTER_RUNTIME_DIR"] = os.getcwd()
    cells = [nbformat.v4.new_code_cell(cell["source"]) for cell in request["cells"]]
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
