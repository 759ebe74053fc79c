"""Python in the reader's browser: seconds from a click to the first result, and what that click loads.

The baseline is Pyodide alone, in a bare page of the same server, without NumPy and with it. Each time begins
with an empty cache, on the book as it was last built, and over no network; only a second visit has the cache
of the first. Megabytes are compressed, but those of the site. The last line is JSON.
"""

import argparse
import functools
import gzip
import json
import statistics
import sys
import threading
import time
from collections.abc import Callable
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from npfl_book import chromium

ROOT = Path(__file__).resolve().parents[1]
HTML = ROOT / "_build" / "html"
LITE = HTML / "_static" / "lite"
AIM = {
    "ratio": 1.15,
    "cell_ratio": 1.15,
    "cell_second_visit_ratio": 1.15,
    "again_seconds": 0.2,
    "numpy_seconds": 3,
    "numpy_second_visit_seconds": 2,
    "notebook_seconds": 10,
}
CHAPTER = "chapters/04-mse-derivative.html"
ANSWER = "def step(gold, prediction, rate):\n    return prediction - 2 * rate * (prediction - gold)"
NUMPY = f"import numpy as np\n\n{ANSWER}\n\nassert np.arange(3).sum() == 3"
PARTS = {
    "core": ["pyodide.*", "python_stdlib.zip"],
    "numpy": ["numpy-*", "npfl-*"],
    "matplotlib": ["matplotlib-3*", "pillow-*", "contourpy-*", "kiwisolver-*", "fonttools-*"],
}
BARE = """<!doctype html><title>starting</title><script type="module">
import { loadPyodide } from "/_static/lite/pyodide/pyodide.mjs";
const python = await loadPyodide({ indexURL: "/_static/lite/pyodide/", packages: %s });
document.title = `result ${python.runPython("%s")}`;
</script>"""
BARE_PAGES = {
    "/bare.html": BARE % ("[]", "6 * 7"),
    "/bare-numpy.html": BARE % ('["numpy"]', "import numpy; int(numpy.arange(7).sum() * 2)"),
}


class Handler(SimpleHTTPRequestHandler):
    def do_GET(self) -> None:
        if found := BARE_PAGES.get(self.path):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(found.encode())
        else:
            super().do_GET()

    def log_message(self, *args: object) -> None:
        pass


def bare(page: Page, address: str, name: str = "bare.html") -> dict[str, float]:
    """Time Pyodide alone."""
    start = time.perf_counter()
    page.goto(f"{address}/{name}")
    while page.title() != "result 42":
        time.sleep(0.02)
    return {"bare_seconds": time.perf_counter() - start}


def bare_numpy(page: Page, address: str) -> dict[str, float]:
    """Time Pyodide alone with NumPy, and on a second visit."""
    names = ("bare_numpy_seconds", "bare_numpy_second_visit_seconds")
    return {name: bare(page, address, "bare-numpy.html")["bare_seconds"] for name in names}


def question(page: Page, address: str, code: str = ANSWER, reads: float = 0) -> list[float]:
    """Time an answer, after so many seconds of reading; then once more, in the same worker."""
    page.goto(f"{address}/{CHAPTER}")
    box = page.locator(".npfl-practice")
    start = time.perf_counter()
    box.get_by_role("button", name="Answer here").click()
    answer = box.get_by_role("textbox", name="Your answer")
    answer.fill(code)
    if reads:
        page.wait_for_timeout(reads * 1000)
        start = time.perf_counter()
    found = []
    for _ in range(2):
        answer.press("Control+Enter")
        box.get_by_text("Correct: all checks passed.").wait_for()
        found.append(time.perf_counter() - start)
        answer.fill(f"{code}\n")
        start = time.perf_counter()
    return found


def plain(page: Page, address: str) -> dict[str, float]:
    """Time an answer in plain Python."""
    return dict(zip(("first_seconds", "again_seconds"), question(page, address), strict=True))


def read(page: Page, address: str) -> dict[str, float]:
    """Time an answer in plain Python when the question was read first."""
    return {"after_reading_seconds": question(page, address, reads=8)[0]}


def numpy(page: Page, address: str) -> dict[str, float]:
    """Time an answer with NumPy, and another on a second visit."""
    names = ("numpy_seconds", "numpy_second_visit_seconds")
    return {name: question(page, address, NUMPY)[0] for name in names}


def cell(page: Page, address: str) -> dict[str, float]:
    """Time a cell of the chapter, with the cells before it, and once more on a second visit."""
    found = {}
    for name in ("cell_seconds", "cell_second_visit_seconds"):
        page.goto(f"{address}/{CHAPTER}")
        start = time.perf_counter()
        page.get_by_role("button", name="Change and run").first.click()
        page.get_by_role("textbox", name="Code of cell").first.press("Control+Enter")
        page.locator(".npfl-box").get_by_text("Done.").wait_for()
        found[name] = time.perf_counter() - start
    return found


def notebook(page: Page, address: str, code: str) -> dict[str, float]:
    """Time an exercise until its notebook has a running Python, and until the first result."""
    page.goto(f"{address}/exercises/mse_loss.html")
    start = time.perf_counter()
    page.get_by_role("link", name="Solve it in the browser").click()
    page.locator("#stop:enabled").wait_for()
    ready = time.perf_counter() - start
    page.evaluate(
        """code => {
            const { commands, shell } = frames[0].jupyterapp;
            const { content } = shell.currentWidget;
            content.activeCellIndex = content.widgets.findIndex(cell => cell.model.type === "code");
            content.activeCell.model.sharedModel.setSource(code);
            return commands.execute("notebook:run-cell");
        }""",
        code,
    )
    outputs = page.frame_locator("iframe").locator(".jp-OutputArea-output")
    outputs.get_by_text("42", exact=True).wait_for()
    return {"notebook_ready_seconds": ready, "notebook_seconds": time.perf_counter() - start}


def compressed(paths: set[str]) -> float:
    """Return what these files of the site weigh when a server sends them compressed, in MB."""
    files = [HTML / path for path in paths if (HTML / path).is_file()]
    return round(sum(len(gzip.compress(file.read_bytes(), 6)) for file in files) / 1e6, 1)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--check", action="store_true", help="fail where an aim is missed")
    arguments = parser.parse_args()
    if not (LITE / "practice.json").exists():
        sys.exit(f"{LITE} is missing: run 'make build'")
    steps: dict[str, Callable[[Page, str], dict[str, float]]] = {
        "bare": bare,
        "plain": plain,
        "read": read,
        "notebook": functools.partial(notebook, code="6 * 7"),
    }
    if json.loads((LITE / "practice.json").read_text())["numpy"]:
        first = "import numpy as np\nprint(np.arange(6).sum() + 27)"
        steps |= {"bare_numpy": bare_numpy, "numpy": numpy, "cell": cell}
        steps["notebook"] = functools.partial(notebook, code=first)
    else:
        print("NumPy is not in this copy of the book: what needs it is left out, the aims for it too")
    times: dict[str, list[float]] = {}
    loaded: dict[str, set[str]] = {name: set() for name in steps}
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(HTML)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.find(), args=chromium.FLAGS)
        for _ in range(arguments.rounds):
            for name, step in steps.items():
                context = browser.new_context()
                context.on(
                    "request",
                    lambda request, paths=loaded[name]: paths.add(
                        request.url.removeprefix(f"{address}/").split("?")[0]
                    ),
                )
                page = context.new_page()
                page.set_default_timeout(120_000)
                for key, value in step(page, address).items():
                    times.setdefault(key, []).append(value)
                context.close()
        browser.close()
    server.shutdown()
    figures = {key: round(statistics.median(values), 2) for key, values in times.items()}
    for name in ("", "_second_visit") if "cell_seconds" in figures else ():
        ratio = figures[f"cell{name}_seconds"] / figures[f"bare_numpy{name}_seconds"]
        figures[f"cell{name}_ratio"] = round(ratio, 2)
    for name, paths in loaded.items():
        figures[f"{name}_mb"] = compressed({path for path in paths if path.startswith("_static/lite/")})
    for part, patterns in PARTS.items():
        files = {path for pattern in patterns for path in (LITE / "pyodide").glob(pattern)}
        figures[f"part_{part}_mb"] = compressed({path.relative_to(HTML).as_posix() for path in files})
    scripts = {path for path in loaded["notebook"] if "/pyodide/" not in path}
    figures["part_jupyterlite_mb"] = compressed(scripts)
    figures["site_mb"] = round(sum(f.stat().st_size for f in LITE.rglob("*") if f.is_file()) / 1e6, 1)
    for key, value in figures.items():
        print(f"{key:28} {value:6.2f}")
    ratio = round(figures["first_seconds"] / figures["bare_seconds"], 2)
    print(json.dumps({"name": "browser_python", "ratio": ratio, "aim": AIM, "figures": figures}))
    missed = [key for key, aim in AIM.items() if {**figures, "ratio": ratio}.get(key, 0) > aim]
    if missed:
        print(f"missed: {', '.join(missed)}", file=sys.stderr)
    return int(arguments.check and bool(missed))


if __name__ == "__main__":
    raise SystemExit(main())
