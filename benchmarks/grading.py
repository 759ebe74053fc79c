"""Time grading: plain ``nbgrader autograde`` and this grader, isolated, on the same submissions in one run.

The submissions are the tried solutions of the exercises, right ones and wrong ones, as in a class. Both take
turns on the same machine; the gradebooks must be equal in the end, all tables of them, row by row. The time
of the processors is also compared with the least that grading can cost: the notebooks' own cells, run one
after the other in a process that has loaded everything, and one write each. With ``--scale`` the memory and
the time of the grader are measured at growing numbers of submissions. The last line is JSON.
"""

import argparse
import contextlib
import json
import multiprocessing
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

for library in ("OPENBLAS", "OMP", "MKL"):
    os.environ[f"{library}_NUM_THREADS"] = "1"
ROOT = Path(__file__).resolve().parents[1]
AIM = 15.0  # times as fast as nbgrader, in time by the clock
LEAST = 1.3  # how much more time of the processors than the notebooks' own cells and a write each
CALL = 0.15  # milliseconds of CPU that a call from the tests to the student's code may cost
CALLS = 2000
FLAT = 1.2  # how much the memory of the largest batch may exceed that of the smallest
ENVIRONMENT = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


def build(folder: Path, names: list[str]) -> int:
    """Make a course and hand in all tried solutions of the exercises; say how many."""
    from npfl_grader.authoring import creation as course
    from npfl_grader.authoring import trial

    course.create(folder, [ROOT / "chapters" / "exercises" / f"{name}.md" for name in names])
    count = 0
    for name in names:
        solutions = trial.solutions(ROOT / "tests" / "exercises" / "solutions" / f"{name}.py")
        for number, solution in enumerate(solutions):
            hand_in(folder, name, f"s{number:02}", solution.source)
        count += len(solutions)
    return count


def hand_in(folder: Path, name: str, student: str, solution: str) -> None:
    """Put a solution into the release notebook, as a student does."""
    notebook = json.loads((folder / "release" / name / f"{name}.ipynb").read_text())
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code" and cell["metadata"].get("nbgrader", {}).get("solution"):
            cell["source"] = solution
    path = folder / "submitted" / student / name / f"{name}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(notebook))


def run(folder: Path, *command: str) -> dict[str, float]:
    """Run a command in a course; give its seconds by the clock and of the processors, and its peak in MB."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    peak = 0.0
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=folder,
            env=ENVIRONMENT,
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )
        while process.poll() is None:
            peak = max(peak, resident(process.pid))
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.25)
        if process.returncode:
            errors.seek(0)
            raise SystemExit(f"{' '.join(command)} failed:\n{errors.read().decode()[-2000:]}")
    seconds = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"seconds": seconds, "cpu": cpu, "memory": peak}


def resident(pid: int) -> float:
    """Add up the memory of a process and all below it, in MB; what they share counts once."""
    total = 0.0
    with contextlib.suppress(OSError, ValueError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total = int(line.split()[1]) / 1024
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            total += resident(int(child))
    return total


def own_cells(folder: Path) -> float:
    """Run the cells of all submissions in one warm process, without any protection; give the CPU seconds."""
    context = multiprocessing.get_context("spawn")
    receiving, sending = context.Pipe(duplex=False)
    process = context.Process(target=_run_cells, args=(folder, sending))
    process.start()
    seconds = receiving.recv()
    process.join()
    return float(seconds)


def _run_cells(folder: Path, result: Connection) -> None:
    from npfl_grader.engine.both import shell

    output = sys.stdout, sys.stderr
    shell.prepare()
    used = 0.0
    for path in sorted((folder / "submitted").glob("*/*/*.ipynb")):
        answers = {
            cell["metadata"].get("nbgrader", {}).get("grade_id"): cell["source"]
            for cell in json.loads(path.read_text())["cells"]
            if cell["metadata"].get("nbgrader", {}).get("solution")
        }
        source = json.loads((folder / "source" / path.parent.name / path.name).read_text())
        started = time.process_time()
        notebook = shell.Notebook(1_000_000)
        for number, cell in enumerate(source["cells"]):
            if cell["cell_type"] == "code":
                grade_id = cell["metadata"].get("nbgrader", {}).get("grade_id")
                text = answers.get(grade_id, "".join(cell["source"]))
                cell["outputs"] = notebook.run("".join(text), 30, number)[1]
        (folder / "written.ipynb").write_text(json.dumps(source))
        used += time.process_time() - started
        notebook.shell.reset(new_session=False)
    sys.stdout, sys.stderr = output
    result.send(used)


def plain(folder: Path) -> None:
    """Take this grader's settings away, so that nbgrader runs as it comes."""
    config = folder / "nbgrader_config.py"
    lines = config.read_text().splitlines(keepends=True)
    config.write_text("".join(line for line in lines if "npfl_grader" not in line))


def rows(folder: Path) -> list[tuple[Any, ...]]:
    """Read all tables of a course's gradebook, with the table's name in front of each row."""
    sys.path.insert(0, str(ROOT / "tests" / "grader"))
    from conftest import TABLES

    with sqlite3.connect(folder / "gradebook.db") as database:
        found = [(name, *row) for name, query in TABLES.items() for row in database.execute(query)]
    return sorted(found, key=repr)


def compare(folder: Path, names: list[str]) -> dict[str, Any]:
    """Grade with both."""
    ours, theirs = folder / "ours", folder / "theirs"
    count = build(ours, names)
    shutil.copytree(ours, theirs)
    plain(theirs)
    total = {who: {"seconds": 0.0, "cpu": 0.0, "memory": 0.0} for who in ("grader", "nbgrader", "unchanged")}
    total["grader"] = run(ours, "npfl_grader.cli", "autograde", *names)
    for name in names:  # nbgrader takes one at a time
        used = run(theirs, "nbgrader", "autograde", name)
        total["nbgrader"] = {key: total["nbgrader"][key] + value for key, value in used.items()}
    total["unchanged"] = run(ours, "npfl_grader.cli", "autograde", *names)
    mine, other = rows(ours), rows(theirs)
    different = sorted({*mine} ^ {*other}, key=repr)
    for row in different:
        print("differs:", "grader  " if row in mine else "nbgrader", *row)
    for who, used in total.items():
        rate = 60 * count / used["seconds"]
        print(
            f"{who:10} {used['seconds']:8.1f} s {used['cpu']:8.1f} s of CPU {rate:8.0f} submissions a minute"
        )
    least = own_cells(ours)
    more = total["grader"]["cpu"] / least
    print(f"own cells  {'':10} {least:8.1f} s of CPU: the grader takes {more:.1f} times that (aim {LEAST})")
    return {
        "submissions": count,
        "different": len(different),
        "totals": total,
        "own_cells_cpu": round(least, 2),
        "ratio_own_cells": round(more, 2),
    }


def call() -> float:
    """Measure what one call across the wall costs: milliseconds of CPU, both sides together.

    The arguments are small, and the tests seed the global generators, so that both sides must have the same.
    """
    from npfl_grader.engine.host import worker
    from npfl_grader.engine.job import Cell, Job, Level, Limits, Role

    student = "import time\ndef f(x): return 2 * x\ndef spent(): return time.process_time()"
    test = f"""
import time, numpy as np
np.random.seed(1)
x = np.ones(10)
for _ in range(100): f(x)
here, there = time.process_time(), spent()
for _ in range({CALLS}): f(x)
print(time.process_time() - here + spent() - there)
"""
    job = Job(
        (Cell("answer", Role.STUDENT, student), Cell("check", Role.TEST, test)),
        limits=Limits(cell=60, call=5, notebook=120),
        require=Level.NONE,
    )
    best = min(float(worker.run(job).cells[-1].outputs[0]["text"]) for _ in range(3)) / CALLS * 1000
    worker.close()
    print(f"a call     {best:8.3f} ms of CPU, both sides together (aim {CALL})")
    return round(best, 4)


def scale(folder: Path, sizes: list[int]) -> dict[str, Any]:
    """Grade one exercise handed in by more and more students."""
    from npfl_grader.authoring import trial

    name = "softmax_nll_gradient"
    solutions = trial.solutions(ROOT / "tests" / "exercises" / "solutions" / f"{name}.py")
    found = {}
    for size in sizes:
        place = folder / f"scale-{size}"
        build(place, [name])
        shutil.rmtree(place / "submitted")
        for number in range(size):
            hand_in(place, name, f"s{number:05}", solutions[number % len(solutions)].source)
        found[size] = run(place, "npfl_grader.cli", "autograde", name)
        each = 1000 * found[size]["cpu"] / size
        print(
            f"{size:6} submissions {found[size]['seconds']:8.1f} s {each:6.1f} ms of CPU each "
            f"{found[size]['memory']:6.0f} MB"
        )
        shutil.rmtree(place)
    return {"by_size": found}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    every = sorted(path.stem for path in (ROOT / "chapters" / "exercises").glob("*.md"))
    parser.add_argument("--exercises", nargs="*", default=every, help="which; all by default")
    parser.add_argument(
        "--scale", nargs="*", type=int, default=[], help="batch sizes, such as 100 1000 10000"
    )
    parser.add_argument("--check", action="store_true", help="fail where an aim is missed")
    arguments = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    result: dict[str, Any] = {"name": "grading", "aim": AIM}
    missed = False
    with tempfile.TemporaryDirectory() as folder:
        if arguments.exercises:
            result |= compare(Path(folder), arguments.exercises)
            totals = result["totals"]
            result["ratio"] = round(totals["nbgrader"]["seconds"] / totals["grader"]["seconds"], 2)
            result["ratio_cpu"] = round(totals["nbgrader"]["cpu"] / totals["grader"]["cpu"], 2)
            result["call_ms"] = call()
            missed = result["ratio"] < AIM or result["different"] > 0 or result["call_ms"] > CALL
        if arguments.scale:
            result |= scale(Path(folder), arguments.scale)
            first, last = (result["by_size"][size] for size in (min(arguments.scale), max(arguments.scale)))
            result["memory_ratio"] = round(last["memory"] / first["memory"], 3)
            missed |= result["memory_ratio"] > FLAT
    print(json.dumps(result))
    return int(arguments.check and missed)


if __name__ == "__main__":
    raise SystemExit(main())
