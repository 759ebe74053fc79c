"""Drag a slider in a live JupyterLab: pictures a second, and how long the last one takes after release.

The baseline is the ordinary way with the same figure, ipywidgets' `interact`, in the same notebook. The last
line is JSON.
"""

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
from playwright.sync_api import Page, sync_playwright

from npfl_book import chromium

ROOT = Path(__file__).resolve().parents[1]

AIM = {"pictures_per_second": 10, "last_picture_seconds": 0.5}
SECONDS = 4  # of one drag

FIGURE = """
import numpy as np
from npfl.explore import Slider, explore
from npfl.figures import panels

def draw(power):
    figure, axis = panels()
    x = np.linspace(0, 1, 100)
    axis.plot(x, x**power)
    axis.set(title=f"power {power:.2f}", xlabel="x", ylabel="y")
    return figure

powers = np.linspace(0.5, 4, 36)
"""
CELLS = {
    "npfl": FIGURE + 'explore(draw, alt="a curve", power=Slider(powers, format="{:.2f}"))',
    "interact": FIGURE
    + "import ipywidgets\nimport matplotlib.pyplot as plt\n"
    + "ipywidgets.interact(lambda power: (draw(power), plt.show())[1], power=(0.5, 4.0, 0.1));",
}
# Notes when the picture in an output changes, and what it is.
WATCH = """output => {
    window.seen = [];
    let last = "";
    new MutationObserver(() => {
        const picture = output.querySelector("svg:not([class]), img");
        const text = picture && (picture.src || picture.outerHTML);
        if (text && text !== last) seen.push([performance.now(), last = text]);
    }).observe(output, {subtree: true, childList: true, attributes: true, characterData: true});
}"""


@contextlib.contextmanager
def lab(folder: Path) -> Iterator[str]:
    """Serve a notebook with both cells."""
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    cells = [nbformat.v4.new_code_cell(source) for source in CELLS.values()]
    nbformat.write(
        nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), folder / "live.ipynb"
    )
    places = {f"JUPYTER_{name}_DIR": str(folder / name) for name in ("RUNTIME", "CONFIG")}
    places |= {f"JUPYTERLAB_{name}_DIR": str(folder / name) for name in ("SETTINGS", "WORKSPACES")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    options = ["--no-browser", "--port=0", "--IdentityProvider.token=", "--allow-root", "--LabApp.news_url="]
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    server = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", *options],
        cwd=folder,
        env=os.environ | places | {"PATH": path},
        **quiet,
    )
    try:
        deadline = time.monotonic() + 60
        while (
            not (found := list((folder / "RUNTIME").glob("jpserver-*.json"))) and time.monotonic() < deadline
        ):
            time.sleep(0.1)
        yield json.loads(found[0].read_text())["url"]
    finally:
        server.terminate()
        server.wait(timeout=20)


def drag(page: Page, cell: int) -> dict[str, float]:
    """Drag the slider of a cell back and forth, and time the pictures that appear."""
    output = page.locator(".jp-CodeCell").nth(cell).locator(".jp-OutputArea").first
    handle = output.locator(".noUi-handle").first
    handle.scroll_into_view_if_needed()
    track, grip = output.locator(".noUi-base").first.bounding_box(), handle.bounding_box()
    assert track
    assert grip
    output.evaluate(WATCH)
    middle = grip["y"] + grip["height"] / 2
    page.mouse.move(grip["x"] + grip["width"] / 2, middle)
    page.mouse.down()
    start = time.monotonic()
    while (passed := time.monotonic() - start) < SECONDS:
        page.mouse.move(track["x"] + track["width"] * abs((passed / SECONDS * 4 + 1) % 2 - 1), middle)
        time.sleep(0.01)
    page.mouse.move(track["x"] + track["width"] / 3, middle)
    page.mouse.up()
    released = page.evaluate("performance.now()")
    page.wait_for_timeout(3000)
    times = [moment for moment, _ in page.evaluate("seen")]
    while_dragging = [moment for moment in times if moment <= released]
    return {
        "pictures_per_second": len(while_dragging) / SECONDS,
        "last_picture_seconds": max(0.0, times[-1] - released) / 1000,
    }


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--check", action="store_true", help="fail where an aim is missed")
    arguments = parser.parse_args()
    rounds: dict[str, list[dict[str, float]]] = {name: [] for name in CELLS}
    with tempfile.TemporaryDirectory() as folder, lab(Path(folder)) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.find(), args=chromium.FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 1600})
        page.goto(f"{url}lab/tree/live.ipynb")
        page.get_by_text("Python 3 (ipykernel) | Idle").wait_for(timeout=120_000)
        page.locator(".jp-CodeCell .cm-content").first.click()
        for cell in range(len(CELLS)):
            page.keyboard.press("Shift+Enter")
            page.locator(".jp-CodeCell").nth(cell).locator(".noUi-handle").first.wait_for(timeout=120_000)
        page.wait_for_timeout(2000)
        for _ in range(arguments.rounds):
            for cell, name in enumerate(CELLS):
                rounds[name].append(drag(page, cell))
        browser.close()
    median = {
        name: {key: round(statistics.median(run[key] for run in runs), 2) for key in AIM}
        for name, runs in rounds.items()
    }
    for name, of in median.items():
        print(f"{name:10} {of['pictures_per_second']:5.1f} pictures/s", end="")
        print(f", the last {of['last_picture_seconds']:.2f} s after release")
    ours, theirs = median["npfl"], median["interact"]
    ratio = round(ours["pictures_per_second"] / max(theirs["pictures_per_second"], 0.01), 2)
    print(json.dumps({"name": "live_sliders", "ratio": ratio, "aim": AIM, "figures": median}))
    missed = (
        ours["pictures_per_second"] < AIM["pictures_per_second"]
        or ours["last_picture_seconds"] > AIM["last_picture_seconds"]
    )
    return int(arguments.check and missed)


if __name__ == "__main__":
    raise SystemExit(main())
