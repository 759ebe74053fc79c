"""Take a simulated course through every step, kill each in the middle, and add up the published grades.

The grades are worked out apart from the grader, from what each student was made to hand in.
"""

import argparse
import contextlib
import csv
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from decimal import Decimal
from pathlib import Path

import simulation

ROOT = Path(__file__).resolve().parents[2]
NAMES = {"first": "moodle", "second": "canvas", "third": "brightspace", "fourth": "blackboard"}
COLUMNS = {
    "moodle": ("Bewertung", "E-Mail-Adresse"),
    "canvas": ("second (701)", "SIS Login ID"),
    "brightspace": ("third Points Grade <Numeric MaxPoints:10>", "Username"),
    "blackboard": ("fourth [Total Pts: 10 Score] |903", "Username"),
}
SETTINGS = f"""
c.NpflGrader.assignments = {{name: {{"due": "2026-03-10 22:59", "points": 10}} for name in {list(NAMES)}}}
c.LatePenalty.percent_per_day = 10
c.LatePenalty.accept_days = 5
"""


# What each command changes while it works, below the course's folder.
WORK = {
    "course": ["source/*/*.ipynb", "gradebook.db*"],
    "collect": ["submitted/*/{}/*"],
    "autograde": ["autograded/*/{}/*", "grading/{}/*"],
    "feedback": ["feedback/*/{}/*"],
    "insights": ["insights/*"],
    "publish": ["published/{}/*"],
}


class Steps:
    """Runs the grader's commands in a course, each killed several times in the middle of its work."""

    def __init__(self, folder, count):
        # A kill comes when so many files have changed since the last one.
        self.folder, self.limits = folder, (1, 2, count // 4, count // 2)
        self.kills, self.times = {}, {}

    def run(self, *arguments, where=None, codes=(0,), kill=True):
        command = [sys.executable, "-m", "npfl_grader.cli", *map(str, arguments)]
        options = {"cwd": where or self.folder, "start_new_session": True}
        step = f"{arguments[0]} {Path(arguments[-1]).stem if arguments[0] == 'course' else arguments[1]}"
        if kill:
            patterns = [pattern.format(arguments[1]) for pattern in WORK[arguments[0]]]
            self.kills[step] = self.kills.get(step, 0)
            for limit in self.limits:
                if not self._killed(command, options, patterns, limit):
                    break
                self.kills[step] += 1
        before = time.monotonic()
        done = subprocess.run(command, check=False, capture_output=True, text=True, **options)
        assert done.returncode in codes, f"{arguments}: {done.returncode}\n{done.stdout}{done.stderr}"
        assert "Traceback" not in done.stderr, done.stderr
        self.times[step] = time.monotonic() - before
        return done.stdout

    def _killed(self, command, options, patterns, limit):
        """Run until so many files have changed, and kill; say whether it was still at work."""

        def state():
            found = {}
            for path in (path for pattern in patterns for path in self.folder.glob(pattern)):
                with contextlib.suppress(FileNotFoundError):
                    found[path] = path.stat().st_mtime_ns
            return found.items()

        before = state()
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        process = subprocess.Popen(command, **options, **quiet)
        while process.poll() is None and len(state() - before) < limit:
            time.sleep(0.005)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        return process.wait() == -signal.SIGKILL


def wanted(person, system):
    if person.kind == "again late" and system in ("moodle", "canvas"):
        return Decimal("0.00")
    return simulation.expected(person, known_times=system != "canvas")


def shown(person, system):
    """What stands in the list: nothing for what nobody could read."""
    unusable = person.kind in {*simulation.UNUSABLE, "script"}
    return "" if unusable else str(wanted(person, system))


def answer_questions(root, name, system, everybody):
    """Say by hand whose the attempts of those are who share a name, as the number says."""
    path = root / "collected" / f"{name}.unmatched.csv"
    if not path.exists():
        return
    rows = list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig"))))
    shared, numbers = simulation.doubled(everybody), {str(one.number): one.id for one in everybody}
    for row in rows:
        row["student"] = numbers[row["number"]]
        assert row["student"] in shared, f"{system}: {row} has a name of its own"
    with path.open("w", encoding="utf-16", newline="") as file:  # as another spreadsheet saves it
        writer = csv.DictWriter(file, list(rows[0]), delimiter=";")
        writer.writeheader()
        writer.writerows(rows)


def named(root, name, everybody):
    """Everybody's work is in the course, or named with the reason why it is not."""
    ledger = json.loads((root / "collected" / f"{name}.json").read_text())
    assert not ledger["unmatched"]
    for person in everybody:
        unusable = person.kind in {*simulation.UNUSABLE, "script"}
        assert (person.id in ledger["unusable"]) == unusable, person
        assert (person.id in ledger["missing"]) == (person.kind == "missing"), person
        if person.id in ledger["students"]:
            assert ledger["students"][person.id]["number"] in ("", str(person.number)), person


def mended(root, name, everybody):
    """Whatever was put back or taken for something else stands in the report."""
    rows = {
        row["student"]: row for row in json.loads((root / "grading" / f"{name}.json").read_text())["rows"]
    }
    for person in everybody:
        row = rows.get(person.id, {"reasons": [], "state": ""})
        if person.kind in simulation.MENDED or person.kind == "untouched":
            assert row["reasons"], person
        if person.kind in simulation.LOOKED_AT:
            assert row["state"] == "needs a look", person


def main():
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--students", type=int, default=300)
    parser.add_argument("--postgresql", action="store_true", help="keep the gradebook on a server of its own")
    chosen = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="npfl-rehearsal-"))
    server = None
    try:
        url = ""
        if chosen.postgresql:
            sys.path.insert(0, str(ROOT / "tests" / "grader"))
            import test_record

            server = test_record.Server(Path(tempfile.mkdtemp(prefix="npfl-postgres-")))
            url = f"c.CourseDirectory.db_url = {server.url!r}\n"
        rehearse(folder, chosen.students, url)
    finally:
        if server:
            server.stop("immediate")
            shutil.rmtree(server.sockets)
        shutil.rmtree(folder)


def rehearse(folder, count, settings):
    everybody = simulation.hard_people(count)
    for name in NAMES:
        (folder / "exercises").mkdir(exist_ok=True)
        (folder / "exercises" / f"{name}.md").write_text(simulation.exercise(name))
    simulation.canvas_gradebook(folder / "canvas.csv", everybody, NAMES)
    simulation.brightspace_grades(folder / "brightspace.csv", everybody, NAMES)
    simulation.blackboard_grades(folder / "blackboard.csv", everybody, NAMES)
    root = folder / "course"
    steps = Steps(root, count)
    if settings:
        from npfl_grader.authoring.creation import CONFIG

        root.mkdir()
        (root / "nbgrader_config.py").write_text(CONFIG + settings)
    make = ["course", root, "--exercises", folder / "exercises"]
    steps.run(*make, where=folder)
    with (root / "nbgrader_config.py").open("a") as file:
        file.write(SETTINGS)
    # Addresses come with a second list: the one of Canvas has none.
    rows = [["id", "first_name", "last_name", "email"]]
    rows += [[one.id, one.first, one.last, one.email] for one in everybody]
    with (folder / "addresses.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    for roster in ("canvas.csv", "addresses.csv"):
        steps.run(*make, "--roster", folder / roster, where=folder)
    handed_in = 0
    for name, system in NAMES.items():
        steps.run("release", name, "--zip", kill=False)
        release = (root / "release" / name / f"{name}.ipynb").read_text()
        handed = [one for person in everybody for one in simulation.hand_in(person, name, release)]
        handed_in += len(handed)
        simulation.ARCHIVES[system](folder / f"{system}.zip", handed)
        extra = []
        if system == "moodle":
            simulation.german_worksheet(folder / "moodle.csv", everybody, handed)
            extra = ["--worksheet", folder / "moodle.csv"]
        collect = ["collect", name, folder / f"{system}.zip", *extra]
        steps.run(*collect, codes=(0, 3))
        answer_questions(root, name, system, everybody)
        steps.run(*collect, codes=(0, 3), kill=False)
        named(root, name, everybody)
        steps.run("autograde", name, codes=(0, 3))
        mended(root, name, everybody)
        steps.run("feedback", name)
        steps.run("insights", name)
        steps.run("publish", name, "--system", system, "--template", folder / f"{system}.csv")
        column, key = COLUMNS[system]
        text = (root / "published" / name / f"grades-{system}.csv").read_text("utf-8-sig")
        table = list(csv.DictReader(io.StringIO(text), delimiter=max(",;\t", key=text.split("\n")[0].count)))
        got = {row[key].lstrip("#"): row[column] for row in table if row[key]}
        want = {one.email if system == "moodle" else one.id: shown(one, system) for one in everybody}
        wrong = {
            student: (got.get(student), want[student])
            for student in want
            if got.get(student) != want[student]
        }
        assert got == want, f"{name}: {len(wrong)} of {len(want)} grades are not those worked out: {wrong}"
        total = sum(Decimal(points or 0) for points in got.values())
        print(f"{name} ({system}): {len(got)} grades, their sum {total} as worked out")
    for step, seconds in steps.times.items():
        kills = f", killed {steps.kills[step]} times before" if step in steps.kills else ""
        print(f"  {step}: {seconds:.1f} s{kills}")
    print(f"{count} students, {handed_in} attempts, {sum(steps.kills.values())} commands killed")
    # A server's database shows no change to wait for.
    seen = [step for step in steps.kills if not (settings and step.startswith("course"))]
    missed = [step for step in seen if not steps.kills[step]]
    assert not missed, f"never killed in the middle: {missed}"


if __name__ == "__main__":
    main()
