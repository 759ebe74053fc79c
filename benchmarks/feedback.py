"""Time feedback: ``nbgrader generate_feedback`` and ``npfl-grader feedback`` on the same graded submissions.

The pages must be the same. The last line is JSON.
"""

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from grading import hand_in, run  # noqa: E402

NAME = "softmax_nll_gradient"
AIM = 1.5  # times as fast as nbgrader on two cores


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--submissions", type=int, default=180)
    parser.add_argument("--check", action="store_true", help="fail where the aim is missed")
    arguments = parser.parse_args()
    from npfl_grader.authoring import creation as course
    from npfl_grader.authoring import trial

    solutions = trial.solutions(ROOT / "tests" / "exercises" / "solutions" / f"{NAME}.py")
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = Path(folder, "ours"), Path(folder, "theirs")
        course.create(ours, [ROOT / "chapters" / "exercises" / f"{NAME}.md"])
        for number in range(arguments.submissions):
            hand_in(ours, NAME, f"s{number:05}", solutions[number % len(solutions)].source)
        run(ours, "npfl_grader.cli", "autograde", NAME)
        shutil.copytree(ours, theirs)
        used = {
            "grader": run(ours, "npfl_grader.cli", "feedback", NAME),
            "nbgrader": run(theirs, "nbgrader", "generate_feedback", NAME),
            "unchanged": run(ours, "npfl_grader.cli", "feedback", NAME),
        }
        pages = sorted(path.relative_to(ours) for path in (ours / "feedback").rglob("*.html"))
        different = sum((ours / page).read_bytes() != (theirs / page).read_bytes() for page in pages)
    for who, spent in used.items():
        rate = 60 * arguments.submissions / spent["seconds"]
        print(f"{who:10} {spent['seconds']:8.1f} s {spent['cpu']:8.1f} s of CPU {rate:8.0f} pages a minute")
    ratio = round(used["nbgrader"]["seconds"] / used["grader"]["seconds"], 2)
    found = {"name": "feedback", "ratio": ratio, "aim": AIM, "pages": len(pages), "different": different}
    print(json.dumps(found | {"totals": used}))
    return int(arguments.check and (ratio < AIM or different > 0 or len(pages) != arguments.submissions))


if __name__ == "__main__":
    raise SystemExit(main())
