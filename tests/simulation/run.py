"""Take a simulated course through every step, kill each in the middle, and check every published grade.

The grades are worked out apart from the grader, from what each student was made to hand in. What was done
is kept in a folder, so that a rehearsal that was stopped goes on where it was; one that has passed starts
anew. The exit code is 0 if all was as worked out, 1 if not, 130 if it was stopped.
"""

import argparse
import contextlib
import csv
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from decimal import Decimal
from functools import partial
from pathlib import Path

import simulation

ROOT = Path(__file__).resolve().parents[2]
# Each assignment is handed in to another system; the last to one that the grader does not know.
NAMES = {
    "first": "moodle",
    "second": "canvas",
    "third": "brightspace",
    "fourth": "blackboard",
    "fifth": "folders",
}
# Where its grades go, the column that holds them, and the one that says whose they are.
COLUMNS = {
    "first": ("moodle", "Bewertung", "E-Mail-Adresse"),
    "second": ("canvas", "second (701)", "SIS Login ID"),
    "third": ("brightspace", "third Points Grade <Numeric MaxPoints:10>", "Username"),
    "fourth": ("blackboard", "fourth [Total Pts: 10 Score] |903", "Username"),
    "fifth": ("canvas", "fifth (704)", "SIS Login ID"),
}
ARCHIVES = simulation.ARCHIVES | {"brightspace": partial(simulation.brightspace, french=True)}
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


class Wrong(Exception):
    """Something was not as it was worked out; the message says what."""


def check(right, message):
    """Stop where something is wrong; `assert` would be gone under ``python -O``."""
    if not right:
        raise Wrong(message)


class Steps:
    """Runs the grader's commands in a course, each killed several times in the middle of its work.

    What was done, and how often it was killed, is kept in a file, and is not done again.
    """

    def __init__(self, path, folder, count, total):
        # A kill comes when so many files have changed since the last one.
        self.path, self.folder, self.total = path, folder, total
        self.limits = (1, 2, count // 4, count // 2)
        self.done = json.loads(path.read_text())["steps"] if path.exists() else {}
        self.count, self.number = count, 0

    def run(self, step, *arguments, where=None, code=0, kill=True):
        """Run a command; return what it has said."""
        self.number += 1
        if step not in self.done:
            self.done[step] = self._run(step, arguments, where, code, kill)
            part = self.path.with_suffix(".part")
            part.write_text(json.dumps({"students": self.count, "steps": self.done}, indent=1))
            part.replace(self.path)
            self._tell(step, "")
        else:
            self._tell(step, " (done before)")
        return self.done[step]["said"]

    def _tell(self, step, more):
        done = self.done[step]
        kills = f", killed {done['kills']} times before" if "kills" in done else ""
        say(f"[{self.number}/{self.total}] {step}: {done['seconds']:.1f} s{kills}{more}")

    def _run(self, step, arguments, where, code, kill):
        command = [sys.executable, "-m", "npfl_grader.cli", *map(str, arguments)]
        options = {"cwd": where or self.folder, "start_new_session": True}
        done = {}
        if kill:
            patterns = [pattern.format(arguments[1]) for pattern in WORK[arguments[0]]]
            done["kills"] = 0
            for limit in self.limits:
                if not self._killed(command, options, patterns, limit):
                    break
                done["kills"] += 1
        before = time.monotonic()
        ended = subprocess.run(command, check=False, capture_output=True, text=True, **options)
        said = f"{ended.stdout}{ended.stderr}"
        check(ended.returncode == code, f"{step}: exit code {ended.returncode}, not {code}\n{said}")
        check("Traceback" not in said, f"{step}: {said}")
        return done | {"seconds": time.monotonic() - before, "said": ended.stdout}

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
        try:
            while process.poll() is None and len(state() - before) < limit:
                time.sleep(0.02)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        return process.wait() == -signal.SIGKILL


def say(line):
    """Print a line at once, also into a file."""
    print(line, flush=True)


def wanted(person, system):
    if person.kind == "again late" and system in ("moodle", "canvas", "folders"):
        return Decimal("0.00")
    if system == "folders" and person.kind in ("late", "very late"):
        return Decimal("10.00")  # nothing says when it was handed in
    return simulation.expected(person, known_times=system != "canvas")


def shown(person, system):
    """What stands in the list: nothing for what nobody could read."""
    unusable = person.kind in {*simulation.UNUSABLE, "script"}
    return "" if unusable else str(wanted(person, system))


def unmatched(root, name):
    """Read the questions that wait for an answer."""
    path = root / "collected" / f"{name}.unmatched.csv"
    if not path.exists():
        return []
    text = path.read_bytes()
    text = text.decode("utf-16" if text[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    return list(csv.DictReader(io.StringIO(text), delimiter=max(",;", key=text.split("\n")[0].count)))


def answer_questions(root, name, everybody):
    """Say by hand whose the attempts of those are who share a name, as the number or the id says."""
    rows = unmatched(root, name)
    shared, numbers = simulation.doubled(everybody), {str(one.number): one.id for one in everybody}
    ids = {person.id for person in everybody}
    for row in rows:
        inside = re.search(r"\((st\d+)\)$", row["owner"])
        student = inside[1] if inside else numbers.get(row["number"])
        if student is None:
            check(simulation.STRANGER in row["owner"] or row["owner"] in simulation.STRAY, f"{name}: {row}")
            continue
        named = {word for word in row["owner"].split() if word in ids}
        check(student in shared or named, f"{name}: {row} has a name of its own")
        row["student"] = student
    if rows:
        with (root / "collected" / f"{name}.unmatched.csv").open("w", encoding="utf-16", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]), delimiter=";")  # as another spreadsheet saves it
            writer.writeheader()
            writer.writerows(rows)


def named(root, name, everybody):
    """Everybody's work is in the course, or named with the reason why it is not."""
    ledger = json.loads((root / "collected" / f"{name}.json").read_text())
    strays = {row["owner"] for row in ledger["unmatched"]}
    check(all(row["reason"] for row in ledger["unmatched"]), f"{name}: a question without a reason")
    check(
        strays == {*simulation.STRAY} | {owner for owner in strays if simulation.STRANGER in owner}
        and len(strays) > len(simulation.STRAY),
        f"{name}: not matched are {strays}",
    )
    for person in everybody:
        unusable = person.kind in {*simulation.UNUSABLE, "script"}
        check((person.id in ledger["unusable"]) == unusable, f"{name}: {person}")
        check((person.id in ledger["missing"]) == (person.kind == "missing"), f"{name}: {person}")
        if person.id in ledger["students"]:
            check(ledger["students"][person.id]["number"] in ("", str(person.number)), f"{name}: {person}")


def mended(root, name, everybody):
    """Whatever was put back or taken for something else stands in the report."""
    rows = {
        row["student"]: row for row in json.loads((root / "grading" / f"{name}.json").read_text())["rows"]
    }
    for person in everybody:
        row = rows.get(person.id, {"reasons": [], "state": ""})
        if person.kind in simulation.MENDED or person.kind == "untouched":
            check(row["reasons"], f"{name}: nothing is said of {person}")
        if person.kind in simulation.LOOKED_AT:
            check(row["state"] == "needs a look", f"{name}: {person}: {row['state']}")


def published(root, name, everybody):
    """Compare the grades that go to the system with those worked out; return how many, and their sum."""
    target, column, key = COLUMNS[name]
    text = (root / "published" / name / f"grades-{target}.csv").read_text("utf-8-sig")
    table = list(csv.DictReader(io.StringIO(text), delimiter=max(",;\t", key=text.split("\n")[0].count)))
    got = {row[key].lstrip("#"): row[column] for row in table if row[key]}
    want = {one.email if target == "moodle" else one.id: shown(one, NAMES[name]) for one in everybody}
    wrong = {
        student: (got.get(student), want.get(student))
        for student in {*want, *got}
        if got.get(student) != want.get(student)
    }
    check(not wrong, f"{name}: {len(wrong)} of {len(want)} grades are not those worked out: {wrong}")
    return len(got), sum(Decimal(points or 0) for points in got.values())


def main():
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--students", type=int, default=300)
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "rehearsal", help="where it is kept")
    parser.add_argument("--postgresql", action="store_true", help="keep the gradebook on a server of its own")
    chosen = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    folder, server, url = chosen.folder, None, ""
    state = folder / "done.json"
    if (
        not state.exists()
        or chosen.postgresql
        or json.loads(state.read_text())["students"] != chosen.students
    ):
        shutil.rmtree(folder, ignore_errors=True)
    else:
        say(f"going on with the rehearsal in {folder}")
    folder.mkdir(parents=True, exist_ok=True)
    try:
        if chosen.postgresql:
            sys.path.insert(0, str(ROOT / "tests" / "grader"))
            import test_record

            server = test_record.Server(Path(tempfile.mkdtemp(prefix="npfl-postgres-")))
            url = f"c.CourseDirectory.db_url = {server.url!r}\n"
        rehearse(folder, chosen.students, url)
    except Wrong as error:
        say(f"FAILED: {error}\nThe course is in {folder / 'course'}; run this again to go on from there.")
        return 1
    except KeyboardInterrupt:
        say("stopped; run it again to go on")
        return 130
    finally:
        if server:
            server.stop("immediate")
            shutil.rmtree(server.sockets)
    shutil.rmtree(folder)
    return 0


def rehearse(folder, count, settings):
    everybody = simulation.hard_people(count)
    for name in NAMES:
        (folder / "exercises").mkdir(exist_ok=True)
        (folder / "exercises" / f"{name}.md").write_text(simulation.exercise(name))
    simulation.canvas_gradebook(folder / "canvas.csv", everybody, NAMES)
    simulation.brightspace_grades(folder / "brightspace.csv", everybody, NAMES)
    simulation.blackboard_grades(folder / "blackboard.csv", everybody, NAMES)
    root = folder / "course"
    steps = Steps(folder / "done.json", root, count, 3 + 7 * len(NAMES))
    if settings:
        from npfl_grader.authoring.creation import CONFIG

        root.mkdir()
        (root / "nbgrader_config.py").write_text(CONFIG + settings)
    make = ["course", root, "--exercises", folder / "exercises"]
    steps.run("course", *make, where=folder)
    config = root / "nbgrader_config.py"
    if SETTINGS not in config.read_text():
        config.write_text(config.read_text() + SETTINGS)
    # Addresses come with a second list, in another encoding: the one of Canvas has none.
    rows = [["id", "first_name", "last_name", "email"]]
    rows += [[one.id, one.first, one.last, one.email] for one in everybody]
    with (folder / "addresses.csv").open("w", newline="", encoding="gb18030") as file:
        csv.writer(file).writerows(rows)
    steps.run("course with Canvas' list", *make, "--roster", folder / "canvas.csv", where=folder)
    addresses = ["--roster", folder / "addresses.csv", "--encoding", "gb18030"]
    steps.run("course with addresses", *make, *addresses, where=folder)
    attempts = grades = 0
    for name, system in NAMES.items():
        steps.run(f"release {name}", "release", name, "--zip", kill=False)
        release = (root / "release" / name / f"{name}.ipynb").read_text()
        handed = [one for person in everybody for one in simulation.hand_in(person, name, release)]
        attempts += len(handed)
        archive = folder / f"{system}.zip"
        if not archive.exists():
            ARCHIVES[system](folder / "new.zip", handed)
            simulation.add_strays(folder / "new.zip", system, name, release)
            (folder / "new.zip").replace(archive)
        extra = []
        if system == "moodle":
            simulation.german_worksheet(folder / "moodle.csv", everybody, handed)
            extra = ["--worksheet", folder / "moodle.csv"]
        # Somebody who is not in the course has handed in too: that needs a look until the end.
        steps.run(f"collect {name}", "collect", name, archive, *extra, code=3)
        if f"collect {name} again" not in steps.done:
            answer_questions(root, name, everybody)
        steps.run(f"collect {name} again", "collect", name, archive, *extra, code=3, kill=False)
        named(root, name, everybody)
        steps.run(f"autograde {name}", "autograde", name, code=3)
        mended(root, name, everybody)
        steps.run(f"feedback {name}", "feedback", name)
        steps.run(f"insights {name}", "insights", name)
        target = COLUMNS[name][0]
        steps.run(
            f"publish {name}", "publish", name, "--system", target, "--template", folder / f"{target}.csv"
        )
        found, total = published(root, name, everybody)
        grades += found
        say(f"{name} ({system}): {found} grades, their sum {total} as worked out")
    # A server's database shows no change to wait for.
    seen = {step: done["kills"] for step, done in steps.done.items() if "kills" in done}
    missed = [step for step in seen if not seen[step] and not (settings and step.startswith("course"))]
    check(not missed, f"never killed in the middle: {', '.join(missed)}")
    seconds = sum(done["seconds"] for done in steps.done.values())
    say(
        f"PASSED: {count} students, {attempts} attempts, {len(NAMES)} systems: all {grades} grades are "
        f"the right student's; {sum(seen.values())} commands killed; {seconds:.0f} s in those that were not"
    )


if __name__ == "__main__":
    sys.exit(main())
