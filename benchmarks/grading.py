"""Time grading: stock nbgrader and this grader, isolated, on the same submissions in one run.

The submissions are the tried solutions of all exercises, right ones and wrong ones, as in a class. Both
graders take turns on the same machine; the gradebooks must be equal in the end, all tables of them, row by
row. Each row of the table is printed when it is measured, and the last line is JSON:

- ``ratio``, ``ratio_cpu``: by how many times nbgrader takes longer, by the clock and of the processors
- ``ratio_own_cells``: this grader's time of the processors against the least that grading can cost: the
  notebooks' own cells, one after the other in a process that has loaded everything, and one write each
- ``call_ms``: what a call from a test to the student's code costs, in milliseconds of CPU of both sides
- ``single``: one submission that is graded again, its time by the clock against nbgrader's
- ``unchanged_seconds``: a second run in which nothing has changed
- ``feedback``: as ``ratio``, for the pages of feedback
- ``memory``: the most memory with many submissions against that with few, all small
- ``dask``: the rate of a scheduler and two workers on this machine against that of two workers without them
- ``workers``: how long one worker, two and more take, which is where the default comes from

With ``--results`` the figures are kept in a file, and a run that was stopped goes on with the rows that are
not there yet.
"""

import argparse
import contextlib
import json
import multiprocessing
import os
import re
import resource
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

for library in ("OPENBLAS", "OMP", "MKL"):
    os.environ[f"{library}_NUM_THREADS"] = "1"
ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "grader")]
# What is aimed at on two quiet cores, and whether more is better.
AIMS = {
    "ratio": (15.0, True),
    "ratio_cpu": (5.0, True),
    "ratio_own_cells": (2.5, False),
    "call_ms": (0.15, False),
    "single": (0.6, False),
    "unchanged_seconds": (1.5, False),
    "feedback": (8.0, True),
    "memory": (1.1, False),
    "dask": (0.9, True),
}
CALLS = 2000
FEW, MANY = 100, 10_000
FOR_WORKERS = 6  # submissions of each exercise that are graded with one worker, two and more
ENVIRONMENT = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
Figures = dict[str, Any]


class Courses:
    """Courses with the same assignments, in which the same submissions lie.

    Parameters
    ----------
    folder : Path
        Where they are made.
    names : list of str
        The exercises.
    each : int or None
        How many submissions there are of each; all tried solutions by default.
    """

    def __init__(self, folder: Path, names: list[str], each: int | None) -> None:
        self.folder, self.names, self.each = folder, names, each
        self._made = 0

    @cached_property
    def _template(self) -> tuple[Path, int]:
        from npfl_grader.authoring import creation, trial

        course, count = self.folder / "template", 0
        creation.create(course, [ROOT / "chapters" / "exercises" / f"{name}.md" for name in self.names])
        for name in self.names:
            solutions = trial.solutions(ROOT / "tests" / "exercises" / "solutions" / f"{name}.py")
            for number, solution in enumerate(solutions[: self.each]):
                hand_in(course, name, f"s{number:02}", solution.source)
                count += 1
        return course, count

    @property
    def count(self) -> int:
        return self._template[1]

    def fresh(self, of: Path | None = None, *, stock: bool = False) -> Path:
        """Copy a course, by default one in which nothing is graded; a stock one is without our settings."""
        self._made += 1
        course = self.folder / f"course-{self._made}"
        shutil.copytree(of or self._template[0], course, symlinks=True)
        if stock:
            config = course / "nbgrader_config.py"
            lines = config.read_text().splitlines(keepends=True)
            config.write_text("".join(line for line in lines if "npfl_grader" not in line))
        return course

    @cached_property
    def graded(self) -> tuple[Path, Figures]:
        """A course that this grader has graded, and what that took."""
        course = self.fresh()
        return course, run(course, "npfl_grader.cli", "autograde", *self.names)


def hand_in(folder: Path, name: str, student: str, solution: str) -> None:
    """Put a solution into the release notebook, as a student does."""
    notebook = json.loads((folder / "release" / name / f"{name}.ipynb").read_text())
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code" and cell["metadata"].get("nbgrader", {}).get("solution"):
            cell["source"] = solution
    path = folder / "submitted" / student / name / f"{name}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(notebook))


def run(folder: Path, *command: str, weigh: bool = False) -> Figures:
    """Run a command in a course; give its seconds by the clock and of the processors.

    With `weigh`, also the peak of its memory in MB, with all processes below it; looking takes time, too.
    """
    before = used()
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
        while weigh and process.poll() is None:
            peak = max(peak, resident(process.pid))
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.25)
        # 3: a submission was left to a person, which is not this script's to judge.
        if process.wait() not in (0, 3 * (command[:2] == ("npfl_grader.cli", "autograde"))):
            errors.seek(0)
            raise SystemExit(f"{' '.join(command)} failed:\n{errors.read().decode()[-2000:]}")
    found = {"seconds": time.perf_counter() - start, "cpu": used() - before}
    return found | ({"memory": peak} if weigh else {})


def used() -> float:
    """Say how long the processes that have ended below this one have had a processor."""
    below = resource.getrusage(resource.RUSAGE_CHILDREN)
    return below.ru_utime + below.ru_stime


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


def one_by_one(folder: Path, names: Sequence[str], program: str, command: str) -> Figures:
    """Run a command that takes one assignment for each of them; add up."""
    total = {"seconds": 0.0, "cpu": 0.0}
    for name in names:
        took = run(folder, program, command, name)
        print(f"  {program} {command} {name}: {took['seconds']:.1f} s", flush=True)
        total = {key: total[key] + took[key] for key in total}
    return total


def say(who: str, took: Figures, count: int) -> None:
    rate = 60 * count / took["seconds"]
    print(f"  {who}: {took['seconds']:.1f} s, {took['cpu']:.1f} s of CPU, {rate:.0f} a minute", flush=True)


# --- the rows ---


def grade(courses: Courses) -> Figures:
    """Grade everything with both."""
    ours, grader = courses.graded
    say("this grader", grader, courses.count)
    theirs = courses.fresh(stock=True)
    nbgrader = one_by_one(theirs, courses.names, "nbgrader", "autograde")
    say("nbgrader", nbgrader, courses.count)
    mine, other = rows(ours), rows(theirs)
    # A test that passes only together with the student's code, where the solution's does not need that.
    left = {row[:5] for row in mine if row[0] == "grade" and row[-1]} - {row[:5] for row in other if row[-1]}
    different = sorted({*mine} ^ {*other}, key=repr)
    for row in different:
        who = "this grader" if row in mine else "nbgrader"
        print("  left to a person:" if row[:5] in left else "  differs:", who, *row)
    different = [row for row in different if row[:5] not in left]
    print(
        f"  {len(mine)} rows of the gradebook, {len(different)} differ, {len(left)} left to a person",
        flush=True,
    )
    return {
        "ratio": nbgrader["seconds"] / grader["seconds"],
        "ratio_cpu": nbgrader["cpu"] / grader["cpu"],
        "submissions": courses.count,
        "different": len(different),
        "left_to_a_person": len(left),
        "grader": grader,
        "nbgrader": nbgrader,
    }


def rows(folder: Path) -> list[tuple[Any, ...]]:
    """Read all tables of a course's gradebook, with the table's name in front of each row."""
    from conftest import TABLES

    with sqlite3.connect(folder / "gradebook.db") as database:
        found = [(name, *row) for name, query in TABLES.items() for row in database.execute(query)]
    return sorted(found, key=repr)


def again(courses: Courses) -> Figures:
    """Run once more where nothing has changed."""
    course, _ = courses.graded
    took = run(course, "npfl_grader.cli", "autograde", *courses.names)
    say("nothing changed", took, courses.count)
    return {"unchanged_seconds": took["seconds"], "unchanged": took}


def own_cells(courses: Courses) -> Figures:
    """Run the cells of all submissions in one warm process, without any protection."""
    course, grader = courses.graded
    context = multiprocessing.get_context("spawn")
    receiving, sending = context.Pipe(duplex=False)
    process = context.Process(target=_run_cells, args=(course, sending))
    process.start()
    least = float(receiving.recv())
    process.join()
    print(f"  own cells: {least:.1f} s of CPU, this grader {grader['cpu']:.1f} s", flush=True)
    return {"ratio_own_cells": grader["cpu"] / least, "own_cells": least}


def _run_cells(folder: Path, result: Connection) -> None:
    from npfl_grader.engine.both import shell
    from npfl_grader.engine.host import worker

    output = sys.stdout, sys.stderr
    shell.prepare([*worker.LIBRARIES.values()])
    spent = 0.0
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
        spent += time.process_time() - started
        notebook.shell.reset(new_session=False)
    sys.stdout, sys.stderr = output
    result.send(spent)


def call(courses: Courses) -> Figures:
    """Measure what one call across the wall costs, both sides together.

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
    each = [1000 * float(worker.run(job).cells[-1].outputs[0]["text"]) / CALLS for _ in range(3)]
    worker.close()
    print(f"  ms of CPU a call: {', '.join(f'{one:.3f}' for one in each)}", flush=True)
    return {"call_ms": min(each)}


def single(courses: Courses) -> Figures:
    """Grade one submission of some exercises once more, in turns."""
    ours, theirs = courses.fresh(), courses.fresh(stock=True)
    each: dict[str, list[Figures]] = {"grader": [], "nbgrader": []}
    for name in courses.names[::3]:
        one = [name, "--student", "s00"] if (ours / "submitted" / "s00" / name).exists() else [name]
        for command, flag, course, who in (
            ("npfl_grader.cli", "--regrade", ours, "grader"),
            ("nbgrader", "--force", theirs, "nbgrader"),
        ):
            student = [f"--student={one[-1]}"] if who == "nbgrader" else one[1:]
            run(course, command, "autograde", name, *student)
            each[who].append(run(course, command, "autograde", name, *student, flag))
    middle = {
        who: {key: statistics.median(one[key] for one in took) for key in ("seconds", "cpu")}
        for who, took in each.items()
    }
    for who, took in middle.items():
        print(f"  one submission, {who}: {took['seconds']:.2f} s, {took['cpu']:.2f} s of CPU", flush=True)
    ratios = {key: middle["grader"][key] / middle["nbgrader"][key] for key in ("seconds", "cpu")}
    return {"single": ratios["seconds"], "single_cpu": ratios["cpu"], "one_submission": middle}


def feedback(courses: Courses) -> Figures:
    """Write the pages of everything with both."""
    course, _ = courses.graded
    ours, theirs = courses.fresh(course), courses.fresh(course, stock=True)
    grader = run(ours, "npfl_grader.cli", "feedback", *courses.names)
    say("feedback, this grader", grader, courses.count)
    unchanged = run(ours, "npfl_grader.cli", "feedback", *courses.names)
    say("feedback, nothing changed", unchanged, courses.count)
    nbgrader = one_by_one(theirs, courses.names, "nbgrader", "generate_feedback")
    say("feedback, nbgrader", nbgrader, courses.count)
    pages = [
        {page.relative_to(root) for page in root.rglob("feedback/*/*/*.html")} for root in (ours, theirs)
    ]
    if pages[0] != pages[1]:
        raise SystemExit(f"not the same pages: {sorted(map(str, pages[0] ^ pages[1]))[:5]}")
    return {
        "feedback": nbgrader["seconds"] / grader["seconds"],
        "feedback_cpu": nbgrader["cpu"] / grader["cpu"],
        "pages": {"grader": grader, "nbgrader": nbgrader, "unchanged": unchanged},
    }


def dask(courses: Courses) -> Figures:
    """Grade everything with two workers of this machine's, and with two of a cluster's."""
    ours, cluster = courses.fresh(), courses.fresh()
    local = run(ours, "npfl_grader.cli", "autograde", *courses.names, "--workers", "2")
    say("two workers", local, courses.count)
    with contextlib.ExitStack() as stack:
        logs = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        address = stack.enter_context(started(logs, "scheduler", "--port", "0"))
        for _ in range(2):
            stack.enter_context(started(logs, "worker", address, "--nthreads", "1"))
        shared = run(cluster, "npfl_grader.cli", "autograde", *courses.names, "--dask", address)
    say("a cluster's two", shared, courses.count)
    if rows(ours) != rows(cluster):
        raise SystemExit("the cluster has graded otherwise")
    return {"dask": local["seconds"] / shared["seconds"], "two_workers": local, "cluster": shared}


@contextlib.contextmanager
def started(logs: Path, program: str, *arguments: str) -> Iterator[str]:
    """Start one of Dask's programs, wait until it says where it is, and end it afterwards."""
    command = [sys.executable, "-m", f"distributed.cli.dask_{program}", *arguments]
    log = logs / f"{program}-{len(list(logs.iterdir()))}.log"
    with log.open("w") as file:
        process = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--no-dashboard"],
            cwd=logs,
            env=ENVIRONMENT,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        said = r"Scheduler at: +(tcp\S+)" if program == "scheduler" else r"Registered to: +(tcp\S+)"
        for _ in range(600):
            if found := re.search(said, log.read_text()):
                break
            if process.poll() is not None:
                raise SystemExit(log.read_text())
            time.sleep(0.1)
        else:
            raise SystemExit(f"dask {program} does not start:\n{log.read_text()}")
        yield found[1]
    finally:
        process.terminate()
        process.wait(30)


def workers(courses: Courses) -> Figures:
    """Grade a few submissions of each exercise with one worker, two and more."""
    few = Courses(courses.folder / "few", courses.names, min(courses.each or FOR_WORKERS, FOR_WORKERS))
    few.folder.mkdir()
    found = {}
    for number in range(1, (os.cpu_count() or 1) + 3):
        command = ["autograde", *few.names, "--workers", str(number)]
        found[number] = run(few.fresh(), "npfl_grader.cli", *command)
        say(f"workers: {number}", found[number], few.count)
    return {"workers": found}


def memory(courses: Courses, few: int = FEW, many: int = MANY) -> Figures:
    """Grade small notebooks, few and many."""
    peaks = {}
    for size in (few, many):
        course = small(courses.folder / f"small-{size}", size)
        peaks[size] = run(course, "npfl_grader.cli", "autograde", "double", weigh=True)
        say(f"{size} small submissions", peaks[size], size)
        print(f"  {peaks[size]['memory']:.0f} MB at most", flush=True)
        shutil.rmtree(course)
    return {"memory": peaks[many]["memory"] / peaks[few]["memory"], "small": peaks}


def small(course: Path, size: int) -> Path:
    """Make a course with small submissions, every third of them wrong."""
    from conftest import MYST, NAME

    from npfl_grader.authoring import creation

    text = course.with_name(f"{NAME}.md")
    text.write_text(MYST)
    creation.create(course, [text])
    for number in range(size):
        hand_in(course, NAME, f"s{number:05}", f"def double(x):\n    return {2 + (number % 3 == 0)} * x")
    return course


ROWS: dict[str, Callable[[Courses], Figures]] = {
    "call_ms": call,
    "single": single,
    "ratio": grade,
    "ratio_own_cells": own_cells,
    "unchanged_seconds": again,
    "feedback": feedback,
    "dask": dask,
    "workers": workers,
    "memory": memory,
}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    every = sorted(path.stem for path in (ROOT / "chapters" / "exercises").glob("*.md"))
    parser.add_argument("--exercises", nargs="+", default=every, choices=every, help="which; all by default")
    parser.add_argument("--each", type=int, help="how many submissions of each; all by default")
    parser.add_argument("--rows", nargs="+", default=[*ROWS], choices=[*ROWS], help="which; all by default")
    parser.add_argument("--many", type=int, default=MANY, help="how many small submissions")
    parser.add_argument("--results", type=Path, help="the file to keep figures in, and to go on from")
    parser.add_argument("--check", action="store_true", help="fail where an aim is missed")
    arguments = parser.parse_args()
    kept = arguments.results
    known: Figures = json.loads(kept.read_text()) if kept and kept.exists() else {}
    subset = {
        name: value
        for name, value in vars(arguments).items()
        if name in ("exercises", "each", "rows", "many") and value != parser.get_default(name)
    }
    if subset:
        print(f"only a subset: {subset}")
    with tempfile.TemporaryDirectory() as folder:
        courses = Courses(Path(folder), arguments.exercises, arguments.each)
        for name in arguments.rows:
            if name in known:
                continue
            print(f"{name}, load {os.getloadavg()[0]:.1f}:", flush=True)
            row = ROWS[name]
            known |= memory(courses, many=arguments.many) if row is memory else row(courses)
            for key in known.keys() & AIMS.keys():
                known[key] = round(known[key], 3)
            if kept:
                kept.write_text(json.dumps(known, indent=1))
    missed = []
    for name, (aim, more) in AIMS.items():
        if name in known:
            met = known[name] >= aim if more else known[name] <= aim
            missed += [] if met else [name]
            sign, verdict = "≥" if more else "≤", "" if met else "missed"
            print(f"{name:18} {known[name]:8.2f}   aim {sign} {aim:<5g} {verdict}")
    aims = {name: aim for name, (aim, _) in AIMS.items()}
    about = {
        "name": "grading",
        "aim": aims["ratio"],
        "aims": aims,
        "subset": subset or None,
        "cores": os.cpu_count(),
    }
    print(json.dumps(about | known))
    return int(arguments.check and bool(missed or known.get("different")))


if __name__ == "__main__":
    raise SystemExit(main())
