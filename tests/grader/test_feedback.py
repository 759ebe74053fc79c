"""Feedback: what nbgrader's pages say, without what could run in a browser."""

import re
from html.parser import HTMLParser

import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe
from nbgrader.api import Gradebook
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config

from npfl_grader.course import settings
from npfl_grader.course.gradebook import Marks
from npfl_grader.engine.host import apart
from npfl_grader.grading import feedback, formulas
from npfl_grader.safe_html import markdown2html

# The points of each part, on nbgrader's page and on ours.
THEIRS = r'<a href="#([\w-]+)">[^<]*</a> \(Score: ([\d.]+) / ([\d.]+)\)'
OURS = r'<tr><td><a href="#([\w-]+)">[^<]*</a></td><td><span class="mark \w+">([^<]*)</span>'
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


def test_pages_say_what_those_of_nbgrader_say(room, tmp_path):
    room.hand_in("a", RIGHT)
    path = room.hand_in("b", "def double(x):\n    return 3 * x")
    (path.parent / "data.csv").write_text("1\n")
    room.run("autograde", room.name)
    with Gradebook(f"sqlite:///{room.root}/gradebook.db", "npfl") as gradebook:
        gradebook.find_grade("why", room.name, room.name, "a").manual_score = 3.25
        gradebook.find_grade("why", room.name, room.name, "b").needs_manual_grade = True
        gradebook.find_comment("why", room.name, room.name, "a").manual_comment = "*short*"
        gradebook.find_submission_notebook(room.name, room.name, "b").late_submission_penalty = 0.5
        gradebook.db.commit()
    theirs = room.copy(tmp_path / "theirs")
    room.run("feedback", room.name)
    theirs.run("generate_feedback", room.name, program="nbgrader")
    assert room.tree("feedback") == theirs.tree("feedback")
    said = {}
    for student in "ab":
        page = room.root / "feedback" / student / room.name / f"{room.name}.html"
        text = said[student] = page.read_text()
        other = (theirs.root / page.relative_to(room.root)).read_text()
        points = {
            name: f"{float(score):g} of {float(most):g}"
            for name, score, most in re.findall(THEIRS, other)
            if float(most)
        }
        ours = dict(re.findall(OURS, text))
        assert len(points) == 3
        assert {name: ours[name] for name in points if "waiting" not in ours[name]} == {
            name: score for name, score in points.items() if "waiting" not in ours[name]
        }
    assert "8.25 of 9 points." in said["a"]
    assert "<em>short</em>" in said["a"]
    assert (
        "-0.5 of 9 points, after 0.5 points off for being late so far; parts with up to 4 points wait"
        in said["b"]
    )
    assert 'class="mark open">waiting for a person, 4 points at most' in said["b"]
    assert "double(1) should be 2, got 3" in said["b"]
    assert "<span>Arrays</span>" in said["b"]  # the first line of the check's code


MARKDOWN = r"""\
# A title

See [Loss & gain](https://book.example/chapters/01.html#loss) and [Notation](https://book.example/chapters/notation.html).

$$
\begin{aligned}
a &= \frac{1}{2} \\
b &= \sqrt{x_i} + \sum_{i=1}^{100} x_i \cdot y_i + \lVert\mathbf w\rVert + aaaaaaaaaaaaaaaaaaaaaa
\end{aligned}
$$

3. Three.

$$
a
$$

4. Four.

It costs `$1` and `$2`, $x < y$, $\text{<script>steal()</script><img src=x onerror=steal()>}$ and $\frac{$.
"""


def test_page_is_readable_everywhere_and_asks_nobody(browser, tmp_path):
    cells = [nbformat.v4.new_markdown_cell(MARKDOWN)]
    long = f"{'w' * 300} expected [1.0, 2.0], got {[0.123456789] * 60}"
    error = nbformat.v4.new_output("error", ename="AssertionError", evalue=long, traceback=[long])
    own = nbformat.v4.new_output(
        "error", ename="ValueError", evalue="no", traceback=["\x1b[31mline 1\x1b[0m", "no"]
    )
    for name, grade, solution, outputs in [
        ("answer", False, True, [own]),
        ("seen-first", True, False, [nbformat.v4.new_output("stream", text="4 of 4 passed")]),
        ("in-words", True, True, []),
        ("unseen", True, False, [error]),
    ]:
        about = {"grade_id": name, "grade": grade, "solution": solution, "locked": not solution, "points": 2}
        code = nbformat.v4.new_code_cell("x = 'y' * 300 # " + "long " * 60, outputs=outputs)
        code.metadata.nbgrader = about
        cells.append(code)
    cells[-1].source = "# [locked] Batches of every size (2 points).\n" + cells[-1].source
    marks = Marks({"seen-first": (2.0, 2.0), "unseen": (0.0, 2.0)}, waiting=frozenset({"in-words"}))
    notebook = nbformat.v4.new_notebook(cells=cells)
    course = settings.from_config(Config(), CourseDirectory(root=str(tmp_path)))
    page = feedback.Page("s", "a", "n", "n.ipynb", marks, nbformat.writes(notebook).encode())
    html = feedback.render(page, feedback.exporter(course))
    assert html.count("<math") == 4
    assert html.count('<ol start="4">') == 1
    assert "<script" not in html
    assert "<img" not in html
    assert "<code>$1</code>" in html
    assert "<code>\\frac{</code>" in html
    waits = ("in-words", "waiting for a person, 2 points at most")
    assert re.findall(OURS, html) == [("seen-first", "2 of 2"), waits, ("unseen", "0 of 2")]
    assert "<span>Batches of every size</span>" in html
    link = '<a href="https://book.example/chapters/01.html#loss">Loss &amp; gain</a>'
    assert html.count(f"Read again: {link}</p>") == 1
    path = tmp_path / "page.html"
    path.write_text(html)
    for width, theme in [(1280, "light"), (1000, "dark"), (390, "light"), (390, "dark")]:
        shown = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=theme)
        asked = []
        shown.on("request", lambda request, asked=asked: asked.append(request.url))
        shown.goto(path.as_uri())
        shown.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        assert shown.evaluate("document.documentElement.scrollWidth") <= width
        # Nothing is cut off inside its box, either, but formulas, which can be moved.
        cut = "all => all.filter(one => one.scrollWidth > one.clientWidth + 1).length"
        assert shown.locator("pre, td, p, .cell").evaluate_all(cut) == 0
        # What waits for a person leaves the names of parts their place.
        assert shown.locator("td").first.bounding_box()["width"] > 120
        assert not Axe().run(shown).response["violations"]
        assert asked == [path.as_uri()]
        shown.close()


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


@pytest.mark.parametrize(
    ("text", "drawn"),
    {
        # Longer than what is drawn, it would be written as code, and take a quote and a tag's end with it.
        "from a link": (f"[x](https://a/$q) {'p' * 2100}y$ <img alt=' onmouseover=act() x'>", 0),
        "from a title": (f"[x](https://a 'a$b') {'p' * 2100}$ <img alt=' onmouseover=act() x'>", 0),
        "inside of a tag": ("<a href='https://a/$x' title='$ onmouseover=act() '>b</a>", 0),
        "a quote in a title": ('[x](https://a \'"$a"\') $b$ [y](https://b "\'$c$")', 1),
        "over paragraphs": ("$a\n\n[b](https://c)$", 0),
        "beside links": ("[x](https://a/$q) $a<b$ and $$c_1$$ *d* `$e$`", 2),
        "many": ("$x$ *a* " * 1900, formulas.MOST // (formulas.EACH + 3)),
    }.values(),
)
def test_formulas_leave_tags_whole(text, drawn):
    context = {"cell": {"attachments": {}}}
    page = formulas.markdown2html(context, text)
    assert page.count("<math") == drawn
    found = []
    for html in (page, markdown2html(context, text)):
        parser = HTMLParser()
        parser.handle_starttag = lambda tag, attributes: found[-1].append((tag, attributes))
        found.append([])
        parser.feed(html)
    ours = [one for one in found[0] if one[0] not in formulas.TAGS and ("class", "formula") not in one[1]]
    assert ours == found[1]
