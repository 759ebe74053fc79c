"""What confinement costs: the processors' time of the same submissions at each level of protection, in turns.

At level ``none`` the processes, the tests' among them, have limits and nothing else. At ``full`` the kernel
ends what a submission leaves behind; at the two others the grader looks for it among all processes of the
machine, which can cost more than namespaces do. A control group, where the machine lets the grader have one,
is part of all three. The last line is JSON.
"""

import argparse
import json
import resource
import statistics

from npfl_grader.engine.host import worker
from npfl_grader.engine.job import Cell, Job, Level, Role

MOST = 1.1  # how much more time than without confinement
CELLS = (
    Cell("imports", Role.LOCKED, "import numpy as np"),
    Cell("answer", Role.STUDENT, "def double(x):\n    return 2 * x\n\n\ndef total(v):\n    return sum(v)"),
    Cell("one", Role.TEST, "assert double(4) == 8\nassert (double(np.ones(3)) == 2).all()"),
    Cell("two", Role.TEST, "assert total([1, 2]) == 3\nassert total([]) == 0"),
    Cell("three", Role.TEST, "for n in range(20): assert total(range(n)) == n * (n - 1) / 2"),
)


def used() -> float:
    """Say how long this process and those that have ended below it have had a processor."""
    mine, below = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return mine.ru_utime + mine.ru_stime + below.ru_utime + below.ru_stime


def spend(level: Level, submissions: int) -> float:
    """Run submissions at a level, on fresh warm processes; return the seconds."""
    before = used()
    pair = worker.Pair(level)
    if pair.level != level:
        raise SystemExit(f"this machine has no {level}: {pair.student.reasons}")
    for _ in range(submissions):
        result = pair.run(Job(CELLS, require=Level.NONE))
        if any(cell.status != "ok" for cell in result.cells) or result.fault:
            raise SystemExit(f"a submission failed: {result}")
    pair.close()
    return used() - before


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--submissions", type=int, default=25)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--check", action="store_true", help="fail where the aim is missed")
    arguments = parser.parse_args()
    found: dict[str, list[float]] = {}
    for _ in range(arguments.rounds):
        for level in (Level.FULL, Level.LANDLOCK, Level.NONE):
            spent = spend(level, arguments.submissions) - spend(level, 0)
            found.setdefault(level, []).append(1000 * spent / arguments.submissions)
    times = {name: statistics.median(each) for name, each in found.items()}
    for name, each in found.items():
        rounds = ", ".join(f"{one:.1f}" for one in each)
        print(f"{name:10} {times[name]:7.1f} ms of CPU a submission ({rounds})")
    ratios = {name: round(times[name] / times[Level.NONE], 2) for name in times if name != Level.NONE}
    print(json.dumps({"name": "confinement", "ratios": ratios, "most": MOST}))
    return int(arguments.check and max(ratios.values()) > MOST)


if __name__ == "__main__":
    raise SystemExit(main())
