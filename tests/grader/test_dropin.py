"""nbgrader's own commands and the formgrader's button, with the isolated execution inside."""

from nbgrader.apps.api import NbGraderAPI

from npfl_grader.course import settings

RIGHT = "def double(x):\n    return x + x"
CHEAT = "def double(x):\n    import numpy as np\n    np.allclose = lambda *a, **k: True\n    return 0 * x"


def doubled(notebook):
    notebook["cells"][3:3] = [notebook["cells"][2], notebook["cells"][3]]


def test_nbgrader_autograde_runs_isolated(room):
    room.hand_in("right", RIGHT)
    room.hand_in("cheat", CHEAT)
    room.hand_in("doubled", RIGHT, change=doubled)
    link = room.hand_in("linked", "from double_of_right import double")
    (link.parent / "stolen.py").symlink_to(room.root / "gradebook.db")
    done = room.run("autograde", room.name, program="nbgrader")
    assert room.scores() == {
        "right": (2.0, 3.0, 0.0),
        "cheat": (0.0, None, 0.0),
        "doubled": (2.0, 3.0, 0.0),
        "linked": (0.0, 0.0, 0.0),
    }
    assert "the cell answer was there 2 times" in done.stderr
    assert not (room.root / "autograded" / "linked" / room.name / "stolen.py").exists()
    text = (room.root / "autograded" / "cheat" / room.name / f"{room.name}.ipynb").read_text()
    assert "secret_input" not in text
    room.run("generate_feedback", room.name, program="nbgrader")


def test_it_leaves_what_the_grader_leaves(room, tmp_path):
    room.hand_in("right", RIGHT)
    room.hand_in("untouched")
    other = room.copy(tmp_path / "other")
    room.run("autograde", room.name)
    other.run("autograde", room.name, program="nbgrader")
    assert room.tables() == other.tables()
    assert room.tree("autograded") == other.tree("autograded")
    for path in (room.root / "autograded").rglob("*.ipynb"):
        assert path.read_text() == (other.root / path.relative_to(room.root)).read_text()


def test_the_button_of_the_formgrader_runs_isolated(room, monkeypatch):
    room.hand_in("cheat", CHEAT)
    course = settings.load(room.root)
    monkeypatch.chdir(room.root)
    result = NbGraderAPI(course.directory, config=course.config).autograde(room.name, "cheat")
    assert result["success"], result
    assert room.scores()["cheat"] == (0.0, None, 0.0)
