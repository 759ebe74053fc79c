"""Move all sliders of the built book in Chromium, and one of them once more as stock ipywidgets.

The baseline is ipywidgets' own way without a kernel: a Stack of the same pictures as SVG that jslink ties to
a slider, in the same page in place of the figure; its script comes from npm. Both are served compressed. The
last line is JSON; its ratios are ours over theirs for the one figure, its aims those of the whole book.
"""

import argparse
import gzip
import html
import json
import re
import statistics
import subprocess
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import ipywidgets
from ipywidgets.embed import embed_snippet
from playwright.sync_api import Browser, Page, sync_playwright

from npfl_book import chromium

ROOT = Path(__file__).resolve().parents[1]
BOOK = ROOT / "_build" / "html"

AIM = {
    "next_frame": 0.99,  # of the moves change the picture in the next painted frame
    "script_ms": 4,  # a move, in the median of the worst figure
    "usable_10": 0.5,  # seconds until the last slider of a page works, at 10 Mbit/s and 40 ms
    "usable_1.6": 1.2,  # at 1.6 Mbit/s and 150 ms
    "figure_kb": 60,  # compressed, the heaviest
    "script_kb": 3,
    "shift": 0.02,
}
LINES = {"usable_10": (10, 40), "usable_1.6": (1.6, 150)}
FIGURE = re.compile(r'<div class="npfl-explore".*?<npfl-start></npfl-start></div>', re.S)
TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
EMBED = "node_modules/@jupyter-widgets/html-manager/dist/embed.js"

# Whether the picture that a move brings is there in the next frame after the browser has told of the move.
# What does not change it does not count. For buttons the browser takes a tenth of a frame from the key to
# the event that tells of it, and only then can the page do something.
WATCH = """([control, picture]) => {
    window.hits = [];
    const told = control.querySelector("input") || control.matches("input") ? "input" : "keydown";
    control.addEventListener(told, () => {
        const before = shown(picture);
        requestAnimationFrame(() => {
            const next = shown(picture);
            setTimeout(() => { if (shown(picture) !== before) hits.push(shown(picture) === next); }, 60);
        });
    }, true);
}"""
# The pictures of our figure; the one child of a Stack that is displayed.
SHOWN = """() => {
    window.shown = picture => picture.matches(".npfl-pictures") ? picture.innerHTML
        : [...picture.children].find(child => child.offsetParent)?.innerHTML;
}"""
USABLE = """() => {
    const starts = document.querySelectorAll("npfl-start");
    return starts.length ? [...starts].every(start => start.matches(":defined"))
        : document.querySelector(".noUi-handle") && document.querySelector(".stack svg");
}"""
LOOK = f"""(function look() {{
    if (({USABLE})()) window.usable = performance.now(); else setTimeout(look, 10);
}})();
window.shift = 0;
new PerformanceObserver(list => list.getEntries().forEach(entry => {{ shift += entry.value; }}))
    .observe({{type: "layout-shift", buffered: true}});"""


def packed(data: bytes) -> bytes:
    return gzip.compress(data, 6, mtime=0)


class Site(ThreadingHTTPServer):
    """Serve the book compressed, from memory, and what was put in place of some of its files."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.pages: dict[str, bytes] = {}
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def read(self, path: str) -> bytes | None:
        if path not in self.pages and (BOOK / path.lstrip("/")).is_file():
            self.pages[path] = packed((BOOK / path.lstrip("/")).read_bytes())
        return self.pages.get(path)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        body = self.server.read(path)  # type: ignore[attr-defined]
        self.send_response(404 if body is None else 200)
        self.send_header("Content-Type", TYPES.get(Path(path).suffix, "application/octet-stream"))
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *arguments: object) -> None:
        pass


def usable(browser: Browser, address: str, megabits: float, latency: float) -> tuple[float, float]:
    """Return the seconds until the last slider of a page works, with nothing cached, and the layout shift."""
    page = browser.new_page(bypass_csp=True, viewport={"width": 1280, "height": 900})
    network = page.context.new_cdp_session(page)
    network.send("Network.enable")
    rate = megabits * 1e6 / 8
    limits = {"latency": latency, "downloadThroughput": rate, "uploadThroughput": rate, "offline": False}
    network.send("Network.emulateNetworkConditions", limits)
    page.add_init_script(LOOK)
    page.goto(address, wait_until="commit")
    page.wait_for_function("window.usable", timeout=120_000)
    page.wait_for_load_state("load", timeout=120_000)
    result = page.evaluate("[usable / 1000, shift]")
    page.context.close()
    return result[0], result[1]


def moves(page: Page, control: Any, picture: Any, count: int) -> tuple[list[bool], float]:
    """Press keys on a slider or a row of buttons.

    Returns
    -------
    tuple
        Which moves changed the picture in the next frame, and the milliseconds of script a move.
    """
    keys = ["Home", *["ArrowRight"] * count]
    (control.query_selector("input") or control).focus()
    page.keyboard.press("Home")
    metrics = page.context.new_cdp_session(page)
    metrics.send("Performance.enable")

    def script() -> float:
        found = {m["name"]: m["value"] for m in metrics.send("Performance.getMetrics")["metrics"]}
        return 1000 * found["ScriptDuration"]

    before = script()
    for key in keys:
        page.keyboard.press(key)
    time = (script() - before) / len(keys)
    page.evaluate(SHOWN)
    page.evaluate(WATCH, [control, picture])
    for key in keys:
        page.keyboard.press(key)
        page.wait_for_timeout(100)
    return page.evaluate("hits"), time


def baseline(page: Page) -> str:
    """Return the first figure of an open page as stock ipywidgets, moved by its first slider."""
    figure = page.locator(".npfl-explore").first
    slider = figure.locator("input").first
    pictures = []
    for i in range(int(slider.get_attribute("max") or 0) + 1):
        slider.evaluate("(input, i) => { input.value = i; input.dispatchEvent(new Event('input')); }", i)
        pictures.append(figure.locator(".npfl-pictures").inner_html())
    stack = ipywidgets.Stack([ipywidgets.HTML(picture) for picture in pictures], selected_index=0)
    stack.add_class("stack")
    control = ipywidgets.IntSlider(max=len(pictures) - 1, description="slider")
    ipywidgets.jslink((control, "value"), (stack, "selected_index"))
    return embed_snippet(
        [ipywidgets.VBox([stack, control])], requirejs=False, embed_url="/embed.js", drop_defaults=True
    )


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--moves", type=int, default=6, help="of each slider")
    parser.add_argument("--loads", type=int, default=1, help="of each page on each line")
    parser.add_argument("--check", action="store_true", help="fail where an aim is missed")
    arguments = parser.parse_args()
    pages = {path: path.read_text("utf-8") for path in sorted((BOOK / "chapters").glob("*.html"))}
    figures = {path: FIGURE.findall(text) for path, text in pages.items() if FIGURE.search(text)}
    if not figures:
        raise SystemExit("there are no sliders in _build/html: run 'make build' first")
    site = Site()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        install = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
        subprocess.run([*install, "@jupyter-widgets/html-manager"], cwd=folder, check=True)
        embed = (Path(folder) / EMBED).read_bytes()
        site.pages["/embed.js"] = packed(embed)
        browser = playwright.chromium.launch(executable_path=chromium.find(), args=chromium.FLAGS)
        root = f"http://127.0.0.1:{site.server_port}"
        address = {f"/{path.relative_to(BOOK).as_posix()}": path for path in figures}

        hits, script_ms, loads = [], {}, {line: [] for line in LINES}  # type: ignore[var-annotated]
        for number, url in enumerate(address, 1):
            print(f"{number} of {len(address)} pages: {url}", file=sys.stderr)
            page = browser.new_page(bypass_csp=True, viewport={"width": 1280, "height": 900})
            page.goto(root + url)
            page.wait_for_function(USABLE, timeout=60_000)
            for figure in page.locator(".npfl-explore").element_handles():
                picture = figure.query_selector(".npfl-pictures")
                controls = figure.query_selector_all("[data-texts]")
                results = [moves(page, control, picture, arguments.moves) for control in controls]
                hits += [hit for found, _ in results for hit in found]
                script_ms[figure.get_attribute("id")] = max(time for _, time in results)
            page.context.close()
            for line, limits in LINES.items():
                loads[line].append([usable(browser, root + url, *limits) for _ in range(arguments.loads)])

        url = next(iter(address))
        page = browser.new_page(
            bypass_csp=True,
        )
        page.goto(root + url)
        widgets = baseline(page)
        page.context.close()
        ours = figures[address[url]][0]
        alone = FIGURE.sub("", pages[address[url]])  # neither side pays for the other figures of the page
        place = "</article>"
        for name, text in {"/ours.html": ours, "/theirs.html": widgets}.items():
            site.pages[f"/chapters{name}"] = packed(alone.replace(place, text + place, 1).encode())
        compared: dict[str, dict[str, float]] = {}
        for name, slider, picture in (
            ("ours", ".npfl-explore [data-texts]", ".npfl-pictures"),
            ("theirs", ".noUi-handle", ".stack"),
        ):
            page = browser.new_page(bypass_csp=True, viewport={"width": 1280, "height": 900})
            page.goto(f"{root}/chapters/{name}.html")
            page.wait_for_function(USABLE, timeout=60_000)
            found, time = moves(
                page, page.wait_for_selector(slider), page.wait_for_selector(picture), arguments.moves
            )
            page.context.close()
            compared[name] = {"next_frame": sum(found) / max(len(found), 1), "script_ms": time}
            for line, limits in LINES.items():
                times = [
                    usable(browser, f"{root}/chapters/{name}.html", *limits)[0]
                    for _ in range(arguments.loads)
                ]
                compared[name][line] = statistics.median(times)
        browser.close()

    script = BOOK / "_static" / "explore.js"
    compared["ours"] |= {
        "figure_kb": len(packed(ours.encode())) / 1000,
        "script_kb": len(packed(script.read_bytes())) / 1000,
    }
    compared["theirs"] |= {
        "figure_kb": len(packed(widgets.encode())) / 1000,
        "script_kb": len(packed(embed)) / 1000,
    }
    weights = {
        html.unescape(re.findall(r'id="([^"]+)', text)[0]): len(packed(text.encode())) / 1000
        for texts in figures.values()
        for text in texts
    }
    book = {
        "next_frame": sum(hits) / len(hits),
        "script_ms": max(script_ms.values()),
        **{
            line: max(statistics.median(time for time, _ in runs) for runs in of)
            for line, of in loads.items()
        },
        "figure_kb": max(weights.values()),
        "script_kb": compared["ours"]["script_kb"],
        "shift": max(shift for of in loads.values() for runs in of for _, shift in runs),
    }
    rows = {"whole book": book, "one figure": compared["ours"], "ipywidgets": compared["theirs"], "aim": AIM}
    print(f"{len(weights)} figures on {len(figures)} pages, {len(hits)} moves")
    print(f"{'':12}" + "".join(f"{key:>12}" for key in AIM))
    for name, row in rows.items():
        print(f"{name:12}" + "".join(f"{row[key]:12.3f}" if key in row else f"{'':12}" for key in AIM))
    ratio = {
        key: round(compared["ours"][key] / compared["theirs"][key], 3)
        for key in compared["theirs"]
        if compared["theirs"][key]
    }
    rounded = {name: {key: round(value, 4) for key, value in row.items()} for name, row in rows.items()}
    print(json.dumps({"name": "sliders", "ratio": ratio, "aim": AIM, "figures": rounded, "weights": weights}))
    missed = [key for key in AIM if (book[key] < AIM[key] if key == "next_frame" else book[key] > AIM[key])]
    return int(arguments.check and bool(missed))


if __name__ == "__main__":
    raise SystemExit(main())
