"""The sliders in a live notebook: JupyterLab with a kernel, driven in the browser."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest

CELL = """
import numpy as np
from npfl.explore import Slider, explore
from npfl.figures import panels

def draw(power):
    figure, axis = panels(height=2)
    x = np.linspace(0, 1, 9)
    axis.plot(x, x**power)
    other, axis = panels(height=2)
    axis.bar([0, 1], [0, 0.5**power])
    return [figure, other], f"In the middle it is {0.5**power:.3f}."

explore(draw, alt=["a curve", "a bar"], power=Slider([1, 2, 3, 4], start=2, play=True))
"""


@pytest.fixture
def lab(tmp_path):
    """Start JupyterLab on a free port, with one notebook and the user's own settings out of the way."""
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(CELL)], metadata={"kernelspec": kernel}
    )
    nbformat.write(notebook, tmp_path / "live.ipynb")
    runtime = tmp_path / "runtime"
    environment = {key: value for key, value in os.environ.items() if key != "NPFL_BOOK"} | {
        "JUPYTER_RUNTIME_DIR": str(runtime),
        "JUPYTER_CONFIG_DIR": str(tmp_path / "config"),
        "JUPYTERLAB_SETTINGS_DIR": str(tmp_path / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(tmp_path / "workspaces"),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    options = ["--no-browser", "--port=0", "--IdentityProvider.token=", "--allow-root", "--LabApp.news_url="]
    log = tmp_path / "log"
    command = [sys.executable, "-m", "jupyterlab", *options]
    process = subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL, stderr=log.open("w")
    )
    try:
        deadline = time.monotonic() + 60
        while not (servers := list(runtime.glob("jpserver-*.json"))) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert servers, log.read_text()
        yield json.loads(servers[0].read_text())["url"]
    finally:
        process.terminate()
        process.wait(timeout=20)


def test_slider_recomputes_in_python(browser, lab):
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    outside = []
    context.route(
        "**/*",
        lambda route: (
            route.continue_()
            if route.request.url.startswith((lab, "data:", "blob:"))
            else (outside.append(route.request.url), route.abort())
        ),
    )
    page = context.new_page()
    page.goto(f"{lab}lab/tree/live.ipynb")
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for(timeout=60_000)
    page.locator(".jp-CodeCell .cm-content").first.click()
    page.keyboard.press("Shift+Enter")
    sentence = page.locator(".jp-OutputArea [role=status]")
    sentence.wait_for(timeout=60_000)
    assert sentence.inner_text() == "In the middle it is 0.250."
    pictures = page.locator(".jp-OutputArea [role=img]")
    assert pictures.evaluate_all("all => all.map(img => img.ariaLabel)") == ["a curve", "a bar"]
    before = pictures.all()[0].inner_html(), pictures.all()[1].inner_html()
    page.locator(".jp-OutputArea .noUi-handle").focus()
    page.keyboard.press("ArrowRight")
    page.get_by_text("In the middle it is 0.125.").wait_for(timeout=20_000)
    assert pictures.all()[0].inner_html() != before[0]
    assert pictures.all()[1].inner_html() != before[1]
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    page.get_by_text("In the middle it is 0.500.").wait_for(timeout=20_000)
    page.locator(".jp-OutputArea .widget-play button").first.click()
    page.get_by_text("In the middle it is 0.062.").wait_for(timeout=30_000)
    assert not outside
    context.close()
