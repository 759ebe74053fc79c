"""A class with attackers in it, from what they hand in to exported grades and to feedback in Chromium."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from npfl_grader.authoring import creation as course

sys.path.insert(0, str(Path(__file__).parent))
from attacks import ATTACKS, FORBIDDEN, HONEST, LIMITS, LOCKED, TESTS

NAME = "doubling"
SOME = 5  # every fifth attack, for the sake of time; each is tried alone in test_attacks
HONEST_EVERY = 4
ENVIRONMENT = os.environ | {
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    "NPFL_SECRET": "SECRET-OF-THE-GRADER",
}


def exercise():
    """Write the attacked assignment as an exercise, with its tests hidden."""
    flags = {"schema_version": 3, "cell_type": "code", "task": False}
    locked, test = {"grade": False, "locked": True}, {"grade": True, "locked": True, "points": 1}
    solution = f"### BEGIN SOLUTION\n{HONEST}### END SOLUTION"
    cells = [("imports", LOCKED, locked | {"solution": False})]
    cells += [("answer", solution, {"grade": False, "locked": False, "solution": True})]
    for name, source in TESTS.items():
        hidden = f"### BEGIN HIDDEN TESTS\n{source}### END HIDDEN TESTS"
        cells += [(name, hidden, test | {"solution": False})]
    text = "---\nkernelspec: {display_name: Python 3, language: python, name: python3}\n---\n\n# Doubling\n\n"
    for name, source, kind in cells:
        known = json.dumps(flags | kind | {"grade_id": name})
        text += f"```{{code-cell}} python\n---\nnbgrader: {known}\n---\n{source}\n```\n\n"
    return text


def run(folder, *command, codes=(0,)):
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=folder, env=ENVIRONMENT, capture_output=True, text=True
    )
    assert done.returncode in codes, done.stdout + done.stderr
    assert "Traceback" not in done.stderr, done.stderr


@pytest.fixture
def folder(tmp_path):
    (tmp_path / f"{NAME}.md").write_text(exercise())
    course.create(tmp_path / "course", [tmp_path / f"{NAME}.md"])
    with (tmp_path / "course" / "nbgrader_config.py").open("a") as config:
        config.write(f"\nc.ExecutePreprocessor.timeout = c.Execute.timeout = {round(LIMITS['cell'] + 0.5)}\n")
        config.write(f"c.NpflGrader.call_timeout = {round(LIMITS['call'])}\n")
        config.write(f"c.NpflGrader.notebook_timeout = {LIMITS['notebook']}\n")
        for name in ("memory", "processes", "output", "file"):
            config.write(f"c.NpflGrader.{name} = {LIMITS[name]}\n")
    host = tmp_path / "host"
    host.mkdir()
    (host / "other.ipynb").write_text("SECRET-OF-ANOTHER-STUDENT")
    host.chmod(0o777)
    return tmp_path / "course"


def hand_in(folder, student, source, more=""):
    notebook = json.loads((folder / "release" / NAME / f"{NAME}.ipynb").read_text())
    for cell in notebook["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("solution"):
            cell["source"] = source.replace("HOST", str(folder.parent / "host"))
    extra = {"cell_type": "code", "id": "extra", "metadata": {}, "outputs": [], "execution_count": None}
    notebook["cells"].append(extra | {"source": more})
    path = folder / "submitted" / student / NAME / f"{NAME}.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(notebook))


def test_everyone_in_the_class_gets_what_they_deserve(folder, browser):
    deserved = {}
    for number, attack in enumerate(ATTACKS[::SOME]):
        hand_in(folder, f"attacker{number:02}", attack.source, attack.more)
        deserved[f"attacker{number:02}"] = attack
        if number % HONEST_EVERY == 0:
            hand_in(folder, f"honest{number:02}", HONEST)
            deserved[f"honest{number:02}"] = ATTACKS[0]
    # A pass that was forged in one process with the test is left to a person: it gives no points.
    run(folder, "npfl_grader.cli", "autograde", NAME, codes=(0, 3))
    report = json.loads((folder / "grading" / f"{NAME}.json").read_text())
    run(folder, "npfl_grader.cli", "feedback", NAME)
    run(folder, "nbgrader", "export")
    with (folder / "grades.csv").open() as file:
        exported = {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}
    full = report["level"] == "full"
    wanted = {name: sum(a.deserved) for name, a in deserved.items() if full or not a.harms_itself}
    assert {name: exported[name] for name in wanted} == wanted
    assert os.listdir(folder.parent / "host") == ["other.ipynb"]
    complaints = []
    page = browser.new_page()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: (complaints.append(dialog.message), dialog.dismiss()))
    # Nothing may be asked for.
    page.route(lambda url: not url.startswith("file:"), lambda route: route.abort())
    page.on("request", lambda request: complaints.append(request.url))
    for student, attack in deserved.items():
        page.goto((folder / "feedback" / student / NAME / f"{NAME}.html").as_uri())
        text = page.content()
        assert "Feedback: Doubling" in page.locator("body").inner_text()
        own = attack.source + attack.more  # which feedback shows
        assert not [secret for secret in FORBIDDEN if secret in text and secret not in own], student
    page.close()
    assert not [said for said in complaints if not said.startswith("file:")]
