"""Practise in the browser: from an exercise's page to the gradebook, with no request outside."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe
from nbgrader.api import Gradebook
from playwright.sync_api import expect

from npfl.explore import svg
from npfl.figures import panels
from npfl_book.browser import as_markdown, distribution, needs, notebooks
from npfl_grader.authoring import exercises

QUESTIONS = {
    "02b-optimizers": "Write your answer",
    "03c-f-score-and-bleu": "Write your answers",
    "04-mse-derivative": "Write your answer",
    "05-softmax-derivative": "Write your answer",
}
ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "chapters" / "exercises" / "mse_loss.md"
SOLVE = "_static/lite/notebook.html?open=mse_loss"
# A chapter with a cell of plain Python.
PLAIN = "chapters/01c-steps.html"
SLOW = 120_000


@pytest.fixture(scope="session")
def has_numpy(html):
    """Tell whether the built book has NumPy for the browser: what needs it then runs for real."""
    return json.loads((html / "_static" / "lite" / "practice.json").read_text())["numpy"]


@pytest.fixture
def open_site(browser, address):
    """Open pages that ask no other host and for no missing file; JupyterLite itself warns in the console."""
    contexts, outside, missing = [], [], []

    def open_(path, script="", **options):
        context = browser.new_context(viewport={"width": 1280, "height": 900}, **options)
        contexts.append(context)
        if script:
            context.add_init_script(script)

        def answer(route):
            if route.request.url.startswith((address, "data:", "blob:")):
                return route.continue_()
            outside.append(route.request.url)
            return route.abort()

        context.route("**/*", answer)
        context.on("response", lambda answer: answer.status >= 400 and missing.append(answer.url))
        page = context.new_page()
        page.set_default_timeout(SLOW)
        page.goto(f"{address}/{path}")
        return page

    yield open_
    for context in contexts:
        context.close()
    assert not outside
    assert not missing


def ready(page):
    """Wait until the notebook is open and Python has started."""
    page.locator("#stop:enabled").wait_for()
    return page.frame_locator("iframe")


def write(page, cell_id, source):
    """Type into a cell of the open notebook, as a student does."""
    number = page.evaluate(
        """id => frames[0].jupyterapp.shell.currentWidget.content.widgets
            .findIndex(cell => cell.model.id === id)""",
        cell_id,
    )
    cell = page.frame_locator("iframe").locator(".jp-Notebook .jp-Cell").nth(number)
    cell.scroll_into_view_if_needed()
    if cell.locator(".jp-InputPlaceholder").count():
        cell.locator(".jp-InputPlaceholder").click()
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(source)
    return cell


def download(page):
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download").click()
    return waiting.value


def test_from_the_page_to_the_gradebook(open_site, address, has_numpy, tmp_path):
    page = open_site("exercises/mse_loss.html")
    link = page.get_by_role("link", name="Solve it in the browser")
    if has_numpy:
        link.click()
    else:
        assert not link.count(), "the page offers what would end for want of NumPy"
        assert page.get_by_text("It needs NumPy, which this copy of the book does not have").count() == 1
        page.goto(f"{address}/{SOLVE}")
    ready(page)
    source = exercises.read(SOURCE)
    released = exercises.release(source)
    solutions = {
        cell.id: re.sub(r"(?m)^\s*### (BEGIN|END) SOLUTION\n?", "", cell.source)
        for cell in source.cells
        if "### BEGIN SOLUTION" in cell.source and cell.cell_type == "code"
    }
    for cell_id, text in solutions.items():
        write(page, cell_id, text)
    if has_numpy:
        page.evaluate("frames[0].jupyterapp.commands.execute('notebook:run-all-cells')")
        page.wait_for_function(
            """() => frames[0].jupyterapp.shell.currentWidget.content.widgets.every(
                cell => cell.model.type !== "code" || cell.model.executionCount)"""
        )
        outputs = page.evaluate(
            "frames[0].jupyterapp.shell.currentWidget.model.toJSON().cells.flatMap(c => c.outputs ?? [])"
        )
        assert not [output for output in outputs if output["output_type"] == "error"]
    else:
        print("left out: the exercise's visible tests, which need NumPy")
        cell = write(page, "imports", "import numpy as np")
        page.keyboard.press("Shift+Enter")
        cell.get_by_text("ModuleNotFoundError").first.wait_for()
        assert "NumPy is not in this copy" in page.get_by_role("status").first.inner_text()
    page.get_by_text("Your work is kept in this browser.").wait_for()
    page.wait_for_function("() => !frames[0].jupyterapp.shell.currentWidget.context.model.dirty")
    page.reload()
    got = download(page)
    assert got.suggested_filename == "mse_loss.ipynb"
    handed_in = nbformat.read(got.path(), as_version=4)
    wanted = {cell.id: (cell.metadata.get("nbgrader"), cell.cell_type) for cell in released.cells}
    assert {c.id: (c.metadata.get("nbgrader"), c.cell_type) for c in handed_in.cells} == wanted
    assert handed_in.metadata.kernelspec == released.metadata.kernelspec
    assert "npfl" not in handed_in.metadata
    course = tmp_path / "course"
    path = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}

    def grader(*arguments, folder=ROOT):
        done = subprocess.run(
            ["npfl-grader", *arguments],
            cwd=folder,
            env=os.environ | path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    one = tmp_path / "exercises"
    one.mkdir()
    for part in (SOURCE, SOURCE.with_name("checks.py")):
        shutil.copy(part, one)
    grader("course", str(course), "--exercises", str(one))
    place = course / "submitted" / "ada" / "mse_loss"
    place.mkdir(parents=True)
    shutil.copy(got.path(), place / "mse_loss.ipynb")
    grader("autograde", "mse_loss", folder=course)
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as gradebook:
        submission = gradebook.find_submission_notebook("mse_loss", "mse_loss", "ada")
        by_hand = 2.0
        assert submission.score == submission.max_score - by_hand > 0


def first_solution():
    """Return the id of the cell that the student fills in first."""
    return next(cell.id for cell in exercises.read(SOURCE).cells if "### BEGIN SOLUTION" in cell.source)


def test_notebook_loads_on_demand_what_it_draws_with(open_site):
    """Code of other languages, formulas and the search come from the site, and nothing from elsewhere."""
    page = open_site(SOLVE)
    page.locator("#download:enabled").wait_for()
    page.evaluate(
        """text => {
            const { commands, shell } = frames[0].jupyterapp;
            shell.currentWidget.content.activeCellIndex = 0;
            shell.currentWidget.content.activeCell.model.sharedModel.setSource(text);
            commands.execute("notebook:run-cell");
            return commands.execute("documentsearch:start");
        }""",
        "```js\nlet a = 1\n```\n\n$\\mathfrak{x}$",
    )
    cell = page.frame_locator("iframe").locator(".jp-Notebook .jp-Cell").first
    cell.locator("span", has_text=re.compile("^let$")).wait_for()
    cell.locator("mjx-container").wait_for()
    page.frame_locator("iframe").get_by_placeholder("Find").wait_for()


def test_endless_loop_is_stopped(open_site):
    page = open_site(SOLVE)
    ready(page)
    cell = write(page, first_solution(), "while True: pass")
    page.keyboard.press("Shift+Enter")
    cell.get_by_text("[*]").wait_for()
    page.get_by_role("button", name="Stop the code").click()
    page.get_by_text("Stopped. Python has forgotten all names").wait_for()
    cell = write(page, first_solution(), "print(6 * 7)")
    page.keyboard.press("Shift+Enter")
    cell.locator(".jp-OutputArea-output").get_by_text("42").wait_for()


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        ("delete window.WebAssembly", "This browser has no WebAssembly"),
        (
            "Object.defineProperty(window, 'indexedDB', {get() { throw new DOMException('refused') }})",
            "This browser keeps nothing for this site",
        ),
    ],
    ids=["no WebAssembly", "blocked storage"],
)
def test_what_the_browser_lacks_is_said(open_site, script, sentence):
    page = open_site(SOLVE, script)
    page.get_by_text(sentence).wait_for()
    assert download(page).suggested_filename == "mse_loss.ipynb"
    assert page.locator("iframe").count() == 0


@pytest.mark.parametrize("file", ["comlink.worker*", "pyodide.asm.wasm"])
def test_python_that_cannot_start_is_said_at_once(open_site, address, file):
    page = open_site("exercises/mse_loss.html")
    page.context.route(f"**/{file}", lambda route: route.abort())
    page.goto(f"{address}/{SOLVE}")
    page.get_by_text("Python did not start: reload this page; your work is kept.").wait_for(timeout=60_000)
    assert download(page).suggested_filename == "mse_loss.ipynb"


def test_notebook_is_dark_before_its_theme_has_come(open_site):
    page = open_site("_static/lite/notebooks/index.html", color_scheme="dark", java_script_enabled=False)
    expect(page.locator("body")).to_have_css("background-color", "rgb(17, 17, 17)")


def test_chapters_open_with_their_text(html):
    found = sorted((html / "_static" / "lite" / "files").glob("[0-9]*.ipynb"))
    assert len(found) > 30
    for path in found:
        text = "\n".join(c.source for c in nbformat.read(path, 4).cells if c.cell_type == "markdown")
        assert text.startswith("# ")
        assert not re.search(rf"{as_markdown.CELL}|<(div|span|svg|a|input)\b|katex", text)
        # Formulas and references are as in the page.
        assert text.count("$") % 2 == 0
        assert not re.search(r"\{(eq|ref|numref|cite:p)\}`", text)


def test_digits_of_the_browser_are_those_of_the_book(tmp_path):
    zipfile.ZipFile(distribution.write_npfl(tmp_path)).extractall(tmp_path)
    load = "import sys, numpy, npfl.data; train = npfl.data.digits(numpy.random.default_rng(1)).train; "
    load += "print('sklearn' in sys.modules, train.x.sum(), train.y.dtype, train.y @ train.x.sum(1))"
    here, there = (
        subprocess.run([sys.executable, "-c", load], cwd=place, capture_output=True, text=True, check=True)
        for place in (ROOT, tmp_path)
    )
    assert here.stdout == there.stdout
    assert here.stdout.startswith("False"), "scikit-learn is imported, which takes long"


def test_second_tab_and_new_release(open_site):
    """Neither overwrites what the student wrote."""
    # The service worker's own requests pass by the route that plays the new release.
    page = open_site(SOLVE, service_workers="block")
    page.locator("#download:enabled").wait_for()
    second = page.context.new_page()
    second.goto(page.url)
    second.get_by_text("This notebook is open in another tab").wait_for()
    assert second.locator("iframe").count() == 0
    second.close()
    write(page, first_solution(), "mine = 1")
    # What cannot be changed looks so.
    locked = page.frame_locator("iframe").locator(".jp-mod-readOnly").first
    assert locked.evaluate("one => getComputedStyle(one, '::after').content") == '"locked"'
    address, context = page.url, page.context
    page.goto("about:blank")  # before anything was saved
    page.close()

    # Fetched beforehand: a route that waits for an answer itself outlives the page that has asked.
    released = context.request.get(address.replace(SOLVE, "_static/lite/files/mse_loss.ipynb")).json()
    released["metadata"]["npfl"]["release"] = "another"
    released["cells"][0]["source"] = "# The new version"
    context.route("**/files/mse_loss.ipynb*", lambda route: route.fulfill(json=released))
    page = context.new_page()
    page.set_default_timeout(SLOW)
    page.goto(address)
    page.get_by_text("A new version of this exercise is out. Yours is kept as it is.").wait_for()
    frame = page.frame_locator("iframe")
    frame.locator(".jp-CodeCell").get_by_text("mine").wait_for()
    page.get_by_role("button", name="Take the new version").click()
    frame.get_by_role("heading", name="The new version").wait_for()
    page.locator("#newer").wait_for(state="hidden")
    kept = page.evaluate(
        """async () => {
            const { contents } = frames[0].jupyterapp.serviceManager;
            const all = (await contents.get("")).content.map(file => file.path);
            const mine = all.filter(path => path.startsWith("mse_loss (until "));
            return Promise.all(mine.map(path => contents.get(path, { content: true })));
        }"""
    )
    assert [model["content"]["cells"][0]["source"] != "# The new version" for model in kept] == [True]
    assert "mine = 1" in [cell["source"] for cell in kept[0]["content"]["cells"]]


def test_questions_refuse_their_start():
    for chapter, sentence in QUESTIONS.items():
        text = (ROOT / "chapters" / f"{chapter}.md").read_text(encoding="utf-8")
        (start, checks), *others = re.findall(r"```\{practice\}.*?\n(.*?)\n---\n(.*?)\n```", text, re.S)
        assert not others
        with pytest.raises(AssertionError, match=sentence):
            exec(f"{start}\n{checks}", {})


def test_answer_is_checked_in_the_page(open_site, has_numpy):
    page = open_site("chapters/04-mse-derivative.html")
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.reload()
    page.wait_for_load_state("networkidle")
    assert not any("/lite/" in address for address in asked), "a page that nobody starts loads Python"
    question = page.locator(".npfl-practice")
    question.get_by_role("button", name=re.compile(r"Answer here \(loads \d+ MB once\)")).press("Enter")
    answer = question.get_by_role("textbox", name="Your answer")
    status = question.get_by_role("status")

    def check(code, sentence):
        answer.fill(code)
        answer.press("Control+Enter")
        status.get_by_text(sentence).wait_for()

    check(answer.input_value(), "Not yet: Write your answer in place of the three dots.")
    check(
        "def step(gold, prediction, rate):\n    return prediction - rate * (prediction - gold)", "the 2 from"
    )
    check("def step(gold, prediction, rate):\n    return 1 / 0", "stopped with an error")
    assert "line 2, in step" in question.get_by_role("region", name="Output").inner_text()
    if not has_numpy:
        check("import numpy", "NumPy is not in this copy of the book, so this code does not run here.")
        assert question.get_by_role("link", name="Download the notebook").get_attribute("download")
    check("while True: pass", "Stopped after 10 seconds")
    check(
        "def step(gold, prediction, rate):\n    return prediction - 2 * rate * (prediction - gold)", "Correct"
    )
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]})
    assert not found.response["violations"]


def test_cell_runs_in_the_page(open_site, has_numpy, html):
    chapter = "chapters/04-mse-derivative.html" if has_numpy else PLAIN
    page = open_site(chapter)
    # A check that the page does not show stops nothing: the reader may have changed what it checks.
    name = Path(chapter).with_suffix(".ipynb").name
    notebook = nbformat.read(html / "_static" / "lite" / "files" / name, as_version=4)
    notebook.cells.insert(2, nbformat.v4.new_code_cell("assert False", id="check"))
    page.context.route(f"**/files/{name}", lambda route: route.fulfill(body=nbformat.writes(notebook)))
    # In the chapter with NumPy a figure is drawn before.
    told = json.loads((html / "_static" / "lite" / "practice.json").read_text())
    offer = page.get_by_role("button", name="Change and run").first
    assert f"(loads {told['figures'] or told['page']} MB once)" in offer.inner_text()
    offer.click()
    code = page.get_by_role("textbox", name=re.compile("Code of cell")).first
    cell = page.locator("div.cell", has=code)
    code.press("Control+Enter")
    # Without NumPy some of the cells before it fail, and others for want of their names.
    cell.get_by_text("Done.").wait_for()
    code.fill("number = 6\nnumber * 7")
    code.press("Control+Enter")
    cell.get_by_role("region", name="Output").get_by_text("42").wait_for()
    code.fill("while True: pass")
    code.press("Control+Enter")
    cell.get_by_role("button", name="Stop").click()
    cell.get_by_text("Stopped. The names of all cells are lost").wait_for()


@pytest.mark.parametrize("chapter", ["01c-steps", "05-softmax-derivative", "07-l2", "09-augmentation"])
def test_cell_that_cannot_run_says_so_before_the_click(open_page, html, has_numpy, chapter):
    page = open_page(f"chapters/{chapter}.html")
    there = json.loads((html / "_static" / "lite" / "practice.json").read_text())["modules"]
    codes = notebooks.codes(ROOT / "chapters" / f"{chapter}.md")
    lacks = {code.strip(): name for code, name in zip(codes, needs.lacking(codes, set(there)), strict=True)}
    cells = page.locator(".cell_input:has(pre)").all()
    assert cells
    shown = [lacks[cell.locator("pre").first.text_content().strip()] for cell in cells]
    for cell, name in zip(cells, shown, strict=True):
        # Drawing code waits folded below its figure, and its button with it.
        offer = cell.get_by_role("button", name="Change and run", include_hidden=True)
        assert offer.count() == (not name)
        assert cell.get_by_text(f"Needs {needs.NAMES.get(name)}, which is not in this copy").count() == bool(
            name
        )
    if any(shown):
        with page.expect_download() as waiting:
            page.get_by_role("link", name="download the notebook").first.click()
        assert waiting.value.suggested_filename == f"{chapter}.ipynb"
    questions = page.locator(".npfl-practice")
    for question in questions.all():
        offered = question.get_by_role("button", name="Answer here").count()
        assert offered or not has_numpy


def test_figure_of_a_box_is_drawn(open_site):
    """The picture is a real one; a worker that only hands it over stands for Python with Matplotlib."""
    figure, axis = panels()
    axis.plot([0, 1], [0, 1])
    done = {"kind": "done", "shown": None, "error": None, "why": None}
    done["pictures"] = [[svg.serialize(svg.tree(figure)), "A line"]]
    worker = f"""
        const done = {json.dumps(done)};
        self.onmessage = ({{ data: {{ id }} }}) => postMessage({{ ...done, id }});
        postMessage({{ kind: "ready" }});
    """
    page = open_site(PLAIN, color_scheme="dark")
    page.context.route(
        "**/worker.js", lambda route: route.fulfill(body=worker, content_type="text/javascript")
    )
    page.get_by_role("button", name="Change and run").first.click()
    page.get_by_role("button", name="Run", exact=True).click()
    picture = page.get_by_role("img", name="A line", exact=True)
    assert picture.locator("path").last.bounding_box()["width"] > 0
    colors = "e => [getComputedStyle(e).fill, getComputedStyle(document.body).color]"
    letters, text = picture.locator("text").first.evaluate(colors)
    assert letters == text, "the letters of a figure are black on the dark page"
