"""Grading on a Dask cluster: a real scheduler, and two workers that share nothing with the course."""

import contextlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("distributed")


@contextlib.contextmanager
def dask(program, *arguments, said, folder):
    """Start one of Dask's programs, wait until it says that it is ready, and end it afterwards."""
    command = [sys.executable, "-m", f"distributed.cli.dask_{program}", *arguments]
    log = folder / f"{program}-{len(list(folder.iterdir()))}.log"
    with log.open("w") as file:
        process = subprocess.Popen(command, cwd=folder, stdout=file, stderr=subprocess.STDOUT)
    try:
        for _ in range(600):
            if found := re.search(said, log.read_text()):
                break
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.1)
                raise AssertionError(log.read_text())
        else:
            raise AssertionError(log.read_text())
        yield found[1]
    finally:
        process.terminate()
        process.wait(30)


def test_a_cluster_grades_as_this_machine_does(room, tmp_path_factory):
    right, wrong = "def double(x):\n    return x + x", "def double(x):\n    return 3 * x"
    # The workers must find nothing of the course, and have no gradebook to write to.
    look = f"import os\n{right}\nassert not os.path.exists({str(room.root)!r})"
    for number in range(6):
        room.hand_in(f"s{number}", [right, wrong, look][number % 3])
    folder = tmp_path_factory.mktemp("dask")
    options = ["--host", "127.0.0.1", "--no-dashboard"]
    with contextlib.ExitStack() as stack:
        address = stack.enter_context(
            dask("scheduler", *options, "--port", "0", said=r"Scheduler at: +(tcp\S+)", folder=folder)
        )
        for name in ("one", "two"):
            stack.enter_context(
                dask(
                    "worker",
                    address,
                    *options,
                    "--name",
                    name,
                    "--nthreads",
                    "1",
                    "--local-directory",
                    folder,
                    said=r"Registered to: +(tcp\S+)",
                    folder=folder,
                )
            )
        room.run("autograde", room.name, "--dask", address)
    assert room.scores() == {
        f"s{number}": (0.0, 0.0, 0.0) if number % 3 == 1 else (2.0, 3.0, 0.0) for number in range(6)
    }
    assert {row["level"] for row in room.report()["rows"]} == {room.report()["level"]}
    left = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert str(folder) not in left
    assert Path(os.getcwd()).exists()
