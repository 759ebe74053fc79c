"""JupyterLite, the notebook for exercises and whole chapters; it depends on the installed versions only."""

import json
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from npfl_book.browser.cache import BrowserError, sha256
from npfl_book.browser.distribution import FIRST

EXTENSIONS = Path(sys.prefix, "share", "jupyter", "labextensions")
POLICY = (
    "default-src 'self' data: blob:; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
    "style-src 'self' 'unsafe-inline'; worker-src 'self' blob:; object-src 'none'; base-uri 'none'"
)
# Until a theme has come, JupyterLite is white for seconds, in the dark too.
DARK = """<style>@media (prefers-color-scheme: dark) {
      html, body, #jupyterlite-loading-indicator { background-color: #111; color: #fff; }
    }</style>
  """
SETTINGS = {
    "jupyter-lite-schema-version": 0,
    "jupyter-config-data": {
        "appName": "Training neural networks",
        "contentsAllJsonFile": "all.json",
        "exposeAppInBrowser": True,
        "disabledExtensions": [
            # It would give the age of a file by the date that all of them have.
            "@jupyter-notebook/notebook-extension:checkpoints",
        ],
        "litePluginSettings": {
            "@jupyterlite/pyodide-kernel-extension:kernel": {
                "pyodideUrl": "./kernel.js",
                "disablePyPIFallback": True,
                # Loaded while Pyodide itself starts; otherwise one after the other.
                "loadPyodideOptions": {"packages": FIRST},
            }
        },
    },
}
OVERRIDES = {
    # Work is kept every few seconds; JupyterLab's own two minutes are much to lose with a tab.
    "@jupyterlab/docmanager-extension:plugin": {"autosaveInterval": 5},
    # Light or dark as the reader's system, like the frame around it.
    "@jupyterlab/apputils-extension:themes": {"adaptive-theme": True},
}


def write(folder: Path) -> None:
    """Build JupyterLite without contents and without Pyodide, unless it is there already."""
    parts = {name: version(name) for name in ("jupyterlite-core", "jupyterlite-pyodide-kernel", "ipywidgets")}
    stamp = json.dumps([parts, sha256(Path(__file__))])
    done = folder / "npfl-stamp.json"
    if done.exists() and done.read_text() == stamp:
        return
    shutil.rmtree(folder, ignore_errors=True)
    with tempfile.TemporaryDirectory() as place:
        source = Path(place, "lite")
        source.mkdir()
        (source / "jupyter-lite.json").write_text(json.dumps(SETTINGS), encoding="utf-8")
        config = {
            "LiteBuildConfig": {
                "apps": ["notebooks"],
                "ignore_sys_prefix": ["federated_extensions"],
                "federated_extensions": [
                    str(EXTENSIONS / "@jupyter-widgets" / "jupyterlab-manager"),
                    str(EXTENSIONS / "@jupyterlite" / "pyodide-kernel-extension"),
                ],
                "no_sourcemaps": True,
                "no_unused_shared_packages": True,
            }
        }
        (source / "overrides.json").write_text(json.dumps(OVERRIDES), encoding="utf-8")
        (source / "jupyter_lite_config.json").write_text(json.dumps(config), encoding="utf-8")
        built = Path(place, "built")
        command = [sys.executable, "-m", "jupyterlite_core", "build", "--output-dir", str(built)]
        ran = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
        if ran.returncode:
            why = (ran.stderr.strip().splitlines() or ["it did not say why"])[-1]
            raise BrowserError(f"JupyterLite cannot be built: {why}")
        for page in built.rglob("*.html"):
            text = page.read_text(encoding="utf-8")
            if "<head>" not in text or "</head>" not in text:
                raise BrowserError(
                    f"JupyterLite's {page.name} has no plain <head>, where the policy is to stand"
                )
            meta = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
            text = text.replace("<head>", f"<head>\n    {meta}", 1)
            page.write_text(text.replace("</head>", f"  {DARK}</head>", 1), encoding="utf-8")
        (built / done.name).write_text(stamp)
        shutil.copytree(built, folder)
