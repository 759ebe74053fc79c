"""Grade many small submissions on a Dask cluster whose workers are killed and added meanwhile.

The scheduler and two workers run on this machine. Every so often the worker that has run longest is killed
without notice, and a new one comes. In the end every submission must have the points that it deserves. Two
hundred of the same submissions, graded before on two undisturbed workers, say how long all of them should
take; the figures are those of which the plan in ``docs/operations.md`` is made. The last line is JSON.
"""

import argparse
import contextlib
import json
import os
import pickle
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

import grading  # noqa: E402

FEW = 200
AIM = (
    0.8  # of the rate of undisturbed workers; one that is killed takes its task with it, and a new one starts
)


def run(course: Path, address: str, every: float, workers: list[subprocess.Popen], logs: Path) -> int:
    """Grade a course on a cluster; every so many seconds kill a worker and add one; say how many times."""
    command = [sys.executable, "-m", "npfl_grader.cli", "autograde", "double", "--dask", address]
    process = subprocess.Popen(
        command, cwd=course, env=grading.ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    killed, next_time = 0, time.monotonic() + every
    while process.poll() is None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(1)
        if every and time.monotonic() > next_time and process.poll() is None:
            victim = workers.pop(0)
            victim.send_signal(signal.SIGKILL)
            victim.wait()
            workers.append(worker(address, logs))
            killed, next_time = killed + 1, time.monotonic() + every
            print(f"  {killed} workers killed, {graded(course)} submissions recorded", flush=True)
    if process.returncode:
        assert process.stderr is not None
        raise SystemExit(f"it ended with {process.returncode}: {process.stderr.read().decode()[-2000:]}")
    return killed


def worker(address: str, logs: Path) -> subprocess.Popen:
    """Start a worker without a nanny, which would start it again."""
    command = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads", "1", "--no-nanny"]
    command += ["--host", "127.0.0.1", "--no-dashboard", "--local-directory", str(logs)]
    with (logs / "workers.log").open("a") as file:
        return subprocess.Popen(
            command, cwd=logs, env=grading.ENVIRONMENT, stdout=file, stderr=subprocess.STDOUT
        )


def graded(course: Path) -> int:
    """Count the submissions with a receipt."""
    return len(list((course / "grading" / "double").glob("s*.json")))


def wrong(course: Path, size: int) -> int:
    """Count the submissions that have not the points that they deserve."""
    query = """select s.student_id, sum(g.auto_score) from grade g
        join submitted_notebook x on x.id = g.notebook_id
        join submitted_assignment s on s.id = x.assignment_id group by s.student_id"""
    with contextlib.closing(sqlite3.connect(course / "gradebook.db")) as database:
        found = dict(database.execute(query))
    return sum(
        found.get(f"s{number:05}") != (0.0 if number % 3 == 0 else 5.0) for number in range(size)
    ) + abs(len(found) - size)


def weights(course: Path) -> dict[str, int]:
    """Say how many bytes a submission takes on its way to a worker, on its way back, and afterwards."""
    from npfl_grader.course import settings
    from npfl_grader.engine.host import worker as engine
    from npfl_grader.grading import batch, grade

    work = batch.prepare(settings.load(course), "double", batch.Choice(("s00001",), regrade=True))
    task = next(work._task(submission, "double") for submission, _ in work.plan())
    result = grade.grade(task)
    engine.close()
    count = graded(course)
    folders = [course / "autograded", course / "grading"]
    files = sum(path.stat().st_size for folder in folders for path in folder.rglob("*") if path.is_file())
    return {
        "bytes_there": len(pickle.dumps(task)),
        "bytes_back": len(pickle.dumps(result)),
        "bytes_of_files": files // count,
        "bytes_of_gradebook": (course / "gradebook.db").stat().st_size // count,
    }


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--submissions", type=int, default=1000)
    parser.add_argument("--every", type=float, default=30.0, help="seconds after which a worker is killed")
    parser.add_argument("--check", action="store_true", help="fail where the aim is missed")
    arguments = parser.parse_args()
    size = arguments.submissions
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        logs = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        few, many = (grading.small(folder / f"of-{count}", count) for count in (FEW, size))
        address = stack.enter_context(grading.started(logs, "scheduler", "--port", "0"))
        workers = [worker(address, logs) for _ in range(2)]
        try:
            start, before = time.monotonic(), os.times()
            run(few, address, 0, workers, logs)
            usual = (time.monotonic() - start) / FEW
            print(f"{FEW} on two undisturbed workers: {60 / usual:.0f} a minute", flush=True)
            start = time.monotonic()
            killed = run(many, address, arguments.every, workers, logs)
            seconds = time.monotonic() - start
        finally:
            for each in workers:
                each.terminate()
            for each in workers:
                each.wait(30)
        after = os.times()
        cpu = sum(after[2:4]) - sum(before[2:4])
        found = {
            "name": "cluster",
            "submissions": size,
            "wrong": wrong(many, size),
            "killed": killed,
            "seconds": round(seconds, 1),
            "a_minute": round(60 * size / seconds),
            "ratio": round(usual * size / seconds, 3),
            "aim": AIM,
            # Without what the killed workers had below them, which nobody waits for.
            "cpu_ms": round(1000 * cpu / (size + FEW), 1),
        } | weights(many)
    print(f"{size} with {killed} workers killed: {found['a_minute']} a minute, {found['wrong']} wrong")
    print(json.dumps(found))
    return int(arguments.check and (found["wrong"] > 0 or found["ratio"] < AIM))


if __name__ == "__main__":
    raise SystemExit(main())
