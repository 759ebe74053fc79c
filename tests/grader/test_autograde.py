"""The command that grades: against nbgrader's own result, over everything that students hand in."""

import json
import os
import shutil

import nbformat
import pytest
from nbgrader.api import Gradebook

from npfl_grader.authoring import trial

RIGHT = "def double(x):\n    return x + x"
WRONG = "def double(x):\n    return 3 * x"
PARTLY = "def double(x):\n    return 2 if isinstance(x, int) else 7 * x"
SECRETS = ("secret_input", "37.5", "41.25")


def honest(room):
    """Hand in what honest students hand in, some of it late, some with files and cells of their own."""

    def more_cells(notebook):
        notebook["cells"].insert(
            2,
            {
                "cell_type": "code",
                "id": "mine",
                "metadata": {},
                "source": "print('mine')",
                "outputs": [],
                "execution_count": 7,
            },
        )
        # At the end, behind the question, it would be an answer in a cell of its own, which a person reads.
        notebook["cells"].insert(
            1, {"cell_type": "markdown", "id": "note", "metadata": {}, "source": "My *notes*"}
        )

    def answered(notebook):
        notebook["cells"][-1]["source"] = "Because."

    room.hand_in("right", RIGHT)
    room.hand_in("wrong", WRONG)
    room.hand_in("partly", PARTLY, change=more_cells)
    room.hand_in("untouched")
    room.hand_in("broken", "def double(x) return")
    room.hand_in("worded", RIGHT, change=answered)
    late = room.hand_in("late", RIGHT)
    (late.parent / "timestamp.txt").write_text("2026-03-02 10:00:00 UTC\n")
    (late.parent / "data").mkdir()
    (late.parent / "data" / "numbers.csv").write_text("1,2\n")
    (room.root / "submitted" / "nothing" / room.name).mkdir(parents=True)
    (room.root / "submitted" / "nothing" / room.name / "other.txt").write_text("x")
    config = room.root / "nbgrader_config.py"
    config.write_text(config.read_text() + 'c.LateSubmissionPlugin.penalty_method = "zero"\n')
    with Gradebook(f"sqlite:///{room.root}/gradebook.db", "npfl") as gradebook:
        gradebook.update_or_create_assignment(room.name, duedate="2026-03-01 00:00:00 UTC")


def test_gradebook_and_folder_are_those_of_nbgrader(room, tmp_path):
    honest(room)
    shutil.rmtree(
        room.root / "submitted" / "nothing"
    )  # nbgrader stops with exit code 1 at a folder without notebook
    theirs = room.copy(tmp_path / "theirs").plain()
    room.run("autograde", room.name)
    theirs.run("autograde", room.name, program="nbgrader")
    assert room.tables() == theirs.tables()
    assert room.tree("autograded") == theirs.tree("autograded")
    assert room.scores()["partly"] == (2.0, 0.0, 0.0)
    assert room.scores()["late"] == (2.0, 3.0, 0.0)
    assert ("late", "double", 0, 5.0) in room.tables()["notebook"]
    for path in (room.root / "autograded").rglob("*.ipynb"):
        mine, other = (
            nbformat.read(p, as_version=4) for p in (path, theirs.root / path.relative_to(room.root))
        )
        nbformat.validate(mine)
        assert [c.cell_type for c in mine.cells] == [c.cell_type for c in other.cells]
        assert [c.get("execution_count") for c in mine.cells] == [
            c.get("execution_count") for c in other.cells
        ]


def test_what_was_graded_can_be_given_back_and_exported(room):
    honest(room)
    room.run("autograde", room.name, code=3)
    room.run("generate_feedback", room.name, program="nbgrader")
    room.run("export", program="nbgrader")
    assert len((room.root / "grades.csv").read_text().splitlines()) == 9
    assert room.report()["complete"] is False
    nothing = next(row for row in room.report()["rows"] if row["student"] == "nothing")
    assert nothing["state"] == "needs a look"
    assert nothing["reasons"] == ["double: double.ipynb was not handed in, but other.txt"]


BROKEN = {
    "a_good": (2.0, 3.0, 0.0),
    "b_corrupt": (None, None, None),
    "c_empty": (None, None, None),
    "d_utf16": (None, None, None),
    "e_html": (None, None, None),
    "f_link": (None, None, None),
    "g_folderlink": (None, None, None),
    "h_doubled": (2.0, 3.0, 0.0),
    "i_deleted": (2.0, 3.0, 0.0),
    "j_edited": (0.0, 0.0, 0.0),
    "k_renamed": (2.0, 3.0, 0.0),
    "l_hardlink": (None, None, None),
    "m_missing": (0.0, 0.0, 0.0),
    "n_oldschema": (2.0, 3.0, 0.0),
    "o_pipe": (None, None, None),
    "z_good": (2.0, 3.0, 0.0),
}


def hand_in_broken(room):
    def doubled(notebook):
        notebook["cells"][3:3] = [notebook["cells"][2], notebook["cells"][3]]

    def deleted(notebook):
        del notebook["cells"][3:5]

    def edited(notebook):
        notebook["cells"][3]["source"] = "pass"
        notebook["cells"][4]["cell_type"] = "markdown"
        notebook["cells"][3]["metadata"]["nbgrader"]["points"] = "many"

    def old(notebook):
        for cell in notebook["cells"]:
            cell["metadata"].get("nbgrader", {})["schema_version"] = 1

    good = room.hand_in("a_good", RIGHT)
    room.hand_in("b_corrupt").write_text(good.read_text()[:300])
    room.hand_in("c_empty").write_bytes(b"")
    room.hand_in("d_utf16").write_text(good.read_text(), encoding="utf-16")
    room.hand_in("e_html").write_text("<!doctype html><script>alert(1)</script>")
    link = room.hand_in("f_link")
    link.unlink()
    link.symlink_to(good)
    (room.root / "submitted" / "g_folderlink").mkdir()
    (room.root / "submitted" / "g_folderlink" / room.name).symlink_to(good.parent)
    room.hand_in("h_doubled", RIGHT, change=doubled)
    room.hand_in("i_deleted", RIGHT, change=deleted)
    room.hand_in("j_edited", WRONG, change=edited)
    room.hand_in("k_renamed", RIGHT, name="double (1)")
    hard = room.hand_in("l_hardlink")
    hard.unlink()
    os.link(room.root / "source" / room.name / f"{room.name}.ipynb", hard)
    missing = room.hand_in("m_missing")
    missing.rename(missing.with_name("notes.txt"))
    room.hand_in("n_oldschema", RIGHT, change=old)
    pipe = room.hand_in("o_pipe")
    pipe.unlink()
    os.mkfifo(pipe)
    room.hand_in("z_good", RIGHT)


def test_broken_submissions_are_handled_one_by_one(room):
    hand_in_broken(room)
    done = room.run("autograde", room.name, code=3)
    assert room.scores() == BROKEN
    report = {row["student"]: row for row in room.report()["rows"]}
    unreadable = {student for student, scores in BROKEN.items() if scores[0] is None}
    assert {student for student, row in report.items() if row["state"] == "needs a look"} == unreadable
    for student, reason in {
        "b_corrupt": "the file is no JSON",
        "f_link": "it is a link",
        "h_doubled": "the cell answer was there 2 times",
        "i_deleted": "the cell seen was missing",
        "k_renamed": "double (1).ipynb was taken for double.ipynb",
        "l_hardlink": "it is a hard link",
        "m_missing": "notes.txt was taken for double.ipynb",
    }.items():
        assert any(reason in line for line in report[student]["reasons"]), report[student]["reasons"]
        assert reason in (room.root / "grading" / room.name / f"{student}.log").read_text()
    assert "needs a look" in done.stdout
    manual = "select s.student_id from grade g join submitted_notebook x on x.id = g.notebook_id join "
    manual += "submitted_assignment s on s.id = x.assignment_id where g.needs_manual_grade"
    assert {row[0] for row in room.query(manual)} == unreadable
    comments = dict(row[::4][:2] for row in room.tables()["comment"] if row[2] == "answer")
    assert comments["b_corrupt"].startswith("Not graded automatically (seen, unseen): the file is no JSON")
    # What cannot be read can still be looked at and graded by hand.
    assert (room.root / "autograded" / "c_empty" / room.name / f"{room.name}.ipynb").exists()
    room.run("feedback", room.name)


def test_unchanged_submissions_are_skipped_and_others_are_not(room):
    for student in ("a", "b", "c"):
        room.hand_in(student, RIGHT)
    room.run("autograde", room.name)
    room.hand_in("b", WRONG)
    assert "b: double" in room.run("autograde", room.name, "--dry-run").stdout
    room.run("autograde", room.name)
    assert {row["student"]: row["skipped"] for row in room.report()["rows"]} == {
        "a": True,
        "b": False,
        "c": True,
    }
    assert room.scores()["b"] == (0.0, 0.0, 0.0)
    # What nbgrader would take for changed is changed here too.
    shutil.rmtree(room.root / "autograded" / "a")
    room.run("db", "student", "remove", "c", "--force", program="nbgrader")
    assert room.run("autograde", room.name, "--dry-run").stdout.split() == [
        "a:",
        "double",
        "b:",
        "unchanged",
        "c:",
        "double",
    ]
    room.run("autograde", room.name)
    before = room.tables()
    room.run("autograde", room.name, "--regrade", "--student", "b*")
    assert room.tables() == before
    assert [row["skipped"] for row in room.report()["rows"]] == [False]


def test_a_regrade_starts_from_nothing_but_keeps_what_a_person_gave(room):
    path = room.hand_in("a", RIGHT)
    room.run("autograde", room.name)
    with Gradebook(f"sqlite:///{room.root}/gradebook.db", "npfl") as gradebook:
        gradebook.find_grade("seen", room.name, room.name, "a").manual_score = 1.5
        gradebook.find_grade("why", room.name, room.name, "a").extra_credit = 0.5
        gradebook.find_comment("answer", room.name, room.name, "a").manual_comment = "well done"
        gradebook.db.commit()
    path.write_text("{")
    room.run("autograde", room.name, code=3)
    grades = {row[2]: row[4:] for row in room.tables()["grade"]}
    assert grades["seen"] == (None, 1.5, None, 1)
    assert grades["unseen"] == (None, None, None, 1)
    assert grades["why"] == (None, None, 0.5, 1)
    comments = {row[2]: row[4:] for row in room.tables()["comment"]}
    assert comments["answer"][1] == "well done"


def test_hidden_tests_reach_neither_folder_nor_feedback(room):
    room.hand_in("partly", PARTLY)
    room.hand_in("prints", "def double(x):\n    print('got', x)\n    return x + x")
    room.hand_in("raises", "def double(x):\n    raise AssertionError(repr(x))")
    room.run("autograde", room.name)
    room.run("feedback", room.name)
    for step in ("autograded", "feedback"):
        for path in (room.root / step).rglob("*.*"):
            assert not [secret for secret in SECRETS if secret in path.read_text()], path
    assert (
        "arrays are not doubled"
        in (room.root / "feedback" / "partly" / room.name / f"{room.name}.html").read_text()
    )
    assert room.scores()["prints"] == (2.0, 3.0, 0.0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["autograde", "nosuch"], "there is no assignment nosuch in the gradebook"),
        (["autograde", "double", "--student", "nobody"], "nothing was handed in"),
        (["autograde", "double", "--notebook", "other"], "double has no notebook other"),
        (["feedback", "double"], "nothing of double was graded"),
        (
            ["autograde", "double", "--dask", "tcp://127.0.0.1:9"],
            "no Dask scheduler answers at tcp://127.0.0.1:9",
        ),
    ],
)
def test_a_mistake_is_said_in_one_line(room, arguments, message):
    room.hand_in("a", RIGHT)
    done = room.run(*arguments, code=1)
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_outside_a_course_it_says_so(room, tmp_path):
    room.root = tmp_path / "elsewhere"
    room.root.mkdir()
    assert "this is no nbgrader course" in room.run("autograde", "double", code=1).stderr


def test_two_graders_do_not_work_in_one_course(room):
    from npfl_grader.course import gradebook, settings

    room.hand_in("a", RIGHT)
    with gradebook.only_writer(settings.load(room.root)):
        assert "another grader is at work here" in room.run("autograde", room.name, code=1).stderr


def test_student_files_and_data_are_there(room):
    (room.root / "source" / room.name / "numbers.csv").write_text("2\n")
    path = room.hand_in("a", "from helper import double\nassert open('numbers.csv').read() == '2\\n'")
    (path.parent / "helper.py").write_text(RIGHT)
    (path.parent / "numbers.csv").write_text("3\n")
    room.run("autograde", room.name)
    assert room.scores()["a"] == (2.0, 3.0, 0.0)
    assert (room.root / "autograded" / "a" / room.name / "numbers.csv").read_text() == "2\n"
    assert (room.root / "autograded" / "a" / room.name / "helper.py").read_text() == RIGHT


def test_report_is_for_programs(room):
    room.hand_in("a", PARTLY)
    done = room.run("autograde", room.name)
    report = room.report()
    assert report["complete"] is True
    assert report["counts"] == {"graded": 1, "partly graded": 0, "needs a look": 0}
    assert report["level"] in done.stdout
    assert (report["level"] == "full") == (report["weaker"] == "")
    (row,) = report["rows"]
    assert (row["points"], row["most"], row["by_hand"]) == (2.0, 5.0, 0)
    assert row["failed"] == {"double": {"unseen": "AssertionError: arrays are not doubled"}}
    json.dumps(report)


def test_solutions_of_an_exercise_as_nbgrader_grades_them(tmp_path, template):
    """A sample; the whole is compared by benchmarks/grading.py."""
    from pathlib import Path

    from npfl_grader.authoring import creation as course

    name, root = "clip_by_global_norm", Path(__file__).parents[2]
    room = type(template)(tmp_path / "course")  # with workers of its own
    course.create(room.root, [root / "chapters" / "exercises" / f"{name}.md"])
    for number, solution in enumerate(
        trial.solutions(root / "tests" / "exercises" / "solutions" / f"{name}.py")[::4]
    ):
        room.hand_in(f"s{number}", solution.source, name=name, assignment=name)
    theirs = room.copy(tmp_path / "theirs").plain()
    room.run("autograde", name, program="npfl_grader.cli")
    theirs.run("autograde", name, program="nbgrader")
    assert room.tables() == theirs.tables()


def test_files_that_cannot_lie_beside_the_instructors_are_left_out(room):
    (room.root / "source" / room.name / "data.csv").write_text("1\n")
    first = room.hand_in("a", RIGHT).parent
    (first / "data.csv").mkdir()
    (first / "data.csv" / "x.txt").write_text("x")
    second = room.hand_in("b", RIGHT).parent
    (second / ("n" * 250 + ".txt")).write_text("long")
    third = room.hand_in("c", RIGHT, name=f"{room.name} (1)").parent
    (third / f"{room.name}.ipynb").mkdir()
    (third / f"{room.name}.ipynb" / "x").write_text("x")
    (second / "a\x1b[2J.txt").write_text("escape")
    deep = second
    for _ in range(60):
        deep /= "d"
    deep.mkdir(parents=True)
    (deep / "deep.txt").write_text("deep")
    room.run("autograde", room.name, code=3)
    assert {name: row[:2] for name, row in room.scores().items()} == dict.fromkeys("abc", (2.0, 3.0))
    folder = room.root / "autograded"
    assert (folder / "a" / room.name / "data.csv").read_text() == "1\n"
    reasons = {row["student"]: "\n".join(row["reasons"]) for row in room.report()["rows"]}
    assert "it cannot lie beside data.csv" in reasons["a"]
    assert "folders lie more than" in reasons["b"]
    assert "its name holds what no name should" in reasons["b"]
    assert "\x1b" not in reasons["b"]
    assert (folder / "b" / room.name / ("n" * 250 + ".txt")).read_text() == "long"
    # A file that becomes a folder in what is handed in again.
    (second / "data").write_text("file")
    room.run("autograde", room.name, code=3)
    (second / "data").unlink()
    (second / "data").mkdir()
    (second / "data" / "x.txt").write_text("x")
    room.run("autograde", room.name, code=3)
    assert (folder / "b" / room.name / "data" / "x.txt").read_text() == "x"
