"""In somebody else's course: the wheel alone, in an empty environment, grades nbgrader's own example."""

import os
import shutil
import sqlite3
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]


def run(command, folder, environment=None, codes=(0,)):
    done = subprocess.run(
        list(map(str, command)), cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode in codes, f"{command}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done


def test_the_wheel_grades_the_example_of_nbgrader(tmp_path):
    source = tmp_path / "source"
    shutil.copytree(ROOT, source, ignore=lambda folder, names: {n for n in names if n not in packed(folder)})
    run(["uv", "build", "--quiet", "--wheel", "--out-dir", tmp_path], source)
    wheel = next(tmp_path.glob("*.whl"))
    assert wheel.name.endswith("-py3-none-any.whl")  # nothing compiled
    files = [name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name]
    assert {name.partition("/")[0] for name in files} == {"npfl", "npfl_grader"}  # nothing of the book
    assert {Path(name).suffix for name in files} == {".py", ".js", ".css", ".jinja", ".j2", ".json"}
    room = tmp_path / "empty"
    python = room / "bin" / "python"
    run(["uv", "venv", "--quiet", "--python", sys.executable, room], tmp_path)
    install = ["uv", "pip", "install", "--quiet", "--python", python]
    locked = ["--constraint", ROOT / "requirements.lock"]
    run([*install, *locked, f"npfl[grade] @ {wheel.as_uri()}"], tmp_path)
    environment = {
        "PATH": f"{room / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "JUPYTER_PATH": str(room / "share" / "jupyter"),
    }
    absent = (
        "import importlib.util as u, sys; sys.exit(any(map(u.find_spec, ['matplotlib', 'sphinx', 'torch'])))"
    )
    run([python, "-c", absent], tmp_path, environment)
    run(["nbgrader", "quickstart", "course101"], tmp_path, environment)
    course = tmp_path / "course101"
    run(["nbgrader", "generate_assignment", "ps1"], course, environment)
    for student, step in (("solution", "source"), ("stub", "release")):
        shutil.copytree(course / step / "ps1", course / "submitted" / student / "ps1")
    check = run(["npfl-grader", "check"], course, environment)
    assert "only together" in check.stdout
    run(["npfl-grader", "autograde", "ps1"], course, environment)
    run(["npfl-grader", "feedback", "ps1"], course, environment)
    assert len([*(course / "feedback").rglob("*.html")]) == 4
    with sqlite3.connect(course / "gradebook.db") as database:
        points = database.execute(
            """select s.student_id, sum(g.auto_score), sum(c.max_score) from grade g
            join base_cell b on b.id = g.cell_id join grade_cells c on c.id = b.id
            join submitted_notebook n on n.id = g.notebook_id
            join submitted_assignment s on s.id = n.assignment_id
            where c.cell_type = 'code' and b.name not in (
                select other.name from base_cell other join solution_cells z on z.id = other.id
                where other.notebook_id = b.notebook_id)  -- which a person grades
            group by s.student_id"""
        ).fetchall()
    (solution, given, most), (stub, nothing, _) = sorted(points)
    assert (solution, stub) == ("solution", "stub")
    assert given == most > 0
    assert nothing == 0


def packed(folder):
    """Name what of a folder of the repository the wheel is built from."""
    top = {"pyproject.toml", "README.md", "LICENSE", "npfl", "npfl_grader", "npfl_book"}
    if Path(folder) == ROOT:
        return top
    return {name for name in os.listdir(folder) if name not in ("node_modules", "__pycache__")}
