"""Feedback: nbgrader's pages, without what could run in a browser."""

import re

import pytest
from nbgrader.api import Gradebook

from npfl_grader.engine.host import apart
from npfl_grader.grading import feedback
from npfl_grader.safe_html import markdown2html

RIGHT = "def double(x):\n    return x + x"
ACTIVE = """\
from IPython.display import HTML, Javascript, Markdown, SVG, display
def double(x):
    return x + x
display(HTML("<script>steal()</script>"), Javascript("steal()"), Markdown("<img src=x onerror=steal()>"))
display(SVG(data='<svg xmlns="http://www.w3.org/2000/svg" onload="steal()"></svg>'))
print("<script>steal()</script>")
"""


def active(notebook):
    text = "[a](javascript:steal()) <script>steal()</script> <img src=x onerror=steal()>"
    notebook["cells"] += [
        {"cell_type": kind, "id": kind, "metadata": {}, "source": text} for kind in ("markdown", "raw")
    ]
    notebook["cells"][-3]["source"] = text
    notebook["metadata"]["widgets"] = {"application/vnd.jupyter.widget-state+json": {"state": {}}}
    notebook["metadata"]["title"] = "</title><script>steal()</script>"


def test_pages_are_those_of_nbgrader(room, tmp_path):
    room.hand_in("a", RIGHT)
    path = room.hand_in("b", "def double(x):\n    return 3 * x")
    (path.parent / "data.csv").write_text("1\n")
    room.run("autograde", room.name)
    with Gradebook(f"sqlite:///{room.root}/gradebook.db", "npfl") as gradebook:
        gradebook.find_grade("why", room.name, room.name, "a").manual_score = 3.25
        gradebook.find_comment("why", room.name, room.name, "a").manual_comment = "*short*"
        gradebook.find_submission_notebook(room.name, room.name, "b").late_submission_penalty = 0.5
        gradebook.db.commit()
    theirs = room.copy(tmp_path / "theirs")
    room.run("feedback", room.name)
    theirs.run("generate_feedback", room.name, program="nbgrader")
    assert room.tree("feedback") == theirs.tree("feedback")
    for path in (room.root / "feedback").rglob("*.html"):
        assert path.read_text() == (theirs.root / path.relative_to(room.root)).read_text()
    assert "8.25 / 9.0" in (room.root / "feedback" / "a" / room.name / f"{room.name}.html").read_text()


def test_only_pages_that_would_differ_are_written_anew(room):
    room.hand_in("a", RIGHT)
    room.hand_in("b", RIGHT)
    room.run("autograde", room.name)
    assert "2 of them written anew" in room.run("feedback", room.name).stdout
    with Gradebook(f"sqlite:///{room.root}/gradebook.db", "npfl") as gradebook:
        gradebook.find_grade("why", room.name, room.name, "a").manual_score = 3.25
        gradebook.db.commit()
    assert "1 of them written anew" in room.run("feedback", room.name).stdout
    (room.root / "feedback" / "b" / room.name / f"{room.name}.html").unlink()
    assert "1 of them written anew" in room.run("feedback", room.name).stdout
    assert "0 of them written anew" in room.run("feedback", room.name).stdout


def test_nothing_of_a_submission_runs_in_a_browser(room):
    """In the feedback of the grader, in that of nbgrader, and on the formgrader's page."""
    from nbconvert.exporters import HTMLExporter
    from nbgrader.server_extensions.formgrader import handlers
    from traitlets.config import Config

    from npfl_grader.course import settings

    room.hand_in("active", ACTIVE, change=active)
    room.run("autograde", room.name)
    room.run("feedback", room.name)
    page = room.root / "feedback" / "active" / room.name / f"{room.name}.html"
    pages = [page.read_text()]
    page.unlink()
    room.run("generate_feedback", room.name, "--force", program="nbgrader")
    pages.append(page.read_text())
    config = Config(settings.load(room.root).config)
    config.HTMLExporter.template_name = "formgrade"
    config.HTMLExporter.extra_template_basedirs = [handlers.template_path]
    assert room.scores()["active"] == (2.0, 3.0, None)
    for html in pages:
        assert "steal()" in html  # as text
        scripts = re.findall(r"<script.*?</script>", html, flags=re.DOTALL)
        assert not [script for script in scripts if "steal" in script]
        assert not re.findall(r"<[^>]*(?:onerror|onload|javascript:)[^>]*>", html)
    assert HTMLExporter(config=config).filters == {"markdown2html": "npfl_grader.safe_html.markdown2html"}


def test_the_only_pages_are_those_of_the_grader(room):
    page = f"{room.name}.html"
    first = room.hand_in("a", RIGHT).parent
    (first / page).write_text("<script>steal()</script>")
    (first / "own.SVG").write_text('<svg xmlns="http://www.w3.org/2000/svg" onload="steal()"/>')
    (first / "data.csv").write_text("1\n")
    second = room.hand_in("b", RIGHT).parent
    (second / page).mkdir()
    (second / page / "x.txt").write_text("x")
    room.run("autograde", room.name)
    room.run("feedback", room.name)
    for student in "ab":
        written = (room.root / "feedback" / student / room.name / page).read_text()
        assert "double" in written
        assert "steal()" not in written
    kept = {path.name for path in (room.root / "feedback" / "a" / room.name).iterdir()}
    assert kept == {page, "data.csv"}


def test_text_that_is_hard_to_draw_keeps_nobody_from_feedback(room):
    texts = {
        "a": "![x](attachment\\:f.png) ![y](attachment&colon;f.png) ![z][1]\n\n[1]: attachment&#58;f.png",
        "b": "plain",
        "c": "<b title=i>" * 300 + "<p>x" * 300,
    }
    for student, text in texts.items():

        def change(notebook, text=text):
            notebook["cells"].append(
                {"cell_type": "markdown", "id": "own", "metadata": {}, "source": text, "attachments": {}}
            )

        room.hand_in(student, RIGHT, change=change)
    room.run("autograde", room.name, code=3)  # the picture is missing
    room.run("feedback", room.name)
    for student in texts:
        assert (room.root / "feedback" / student / room.name / f"{room.name}.html").is_file()


@pytest.mark.parametrize("only_once", [False, True], ids=["each time", "long pages"])
def test_a_page_that_takes_too_long_is_one_students(room, monkeypatch, only_once):
    def render(page, made):
        while page.student == "a" and not (only_once and page.short):
            pass
        return real(page, made)

    real = feedback.render
    monkeypatch.setattr(feedback, "render", render)
    monkeypatch.setattr(feedback, "SECONDS", 1)
    for student in "abc":
        room.hand_in(student, f"{RIGHT}\n#{'x' * 6000}")
    room.run("autograde", room.name)
    said = room.run("feedback", room.name, code=3).stdout
    if only_once:
        assert "only the beginning of what is long is shown: a: it took too much time" in said
        assert "3 of them written anew" in said
        page = (room.root / "feedback" / "a" / room.name / f"{room.name}.html").read_text()
        assert "too long to be shown here" in re.sub("<[^>]*>", "", page)
        assert 4900 < max(map(len, re.findall("x+", page))) < 5000
    else:
        assert "needs a look: a: the page could not be drawn: it took too much time" in said
        assert "2 of them written anew" in said


HARD = [
    "![",
    '"',
    "&",
    "=\n",
    "<div>",
    "\\begin{a}",
    "\\",
    "\\\\href ",
    "> ",
    "~~~\n",
    "$",
    "|a\n",
    "<b title=i>",
]


def test_text_of_any_length_is_drawn_in_the_time_of_a_page():
    def draw(piece):
        source = piece * (600_000 // len(piece))
        return markdown2html({"cell": {"attachments": {}}}, source).encode()

    markdown2html({"cell": {}}, "*what is loaded at first*")
    bounds = apart.Bounds(seconds=feedback.SECONDS)
    for piece, result in apart.each(draw, HARD, bounds, together=len(HARD)):
        assert isinstance(result, bytes), (piece, result)


def test_a_page_of_many_hard_texts_is_drawn_in_its_time():
    page = {}
    texts = [markdown2html({"cell": {}, "resources": page}, "=\n" * 4000) for _ in range(20)]
    assert [text.startswith("<pre>=") for text in texts] == [False] * 7 + [True] * 13
