"""Run code for the page: worker.js loads this into Pyodide and calls `run`."""

import os
import sys

from pyodide.code import eval_code

# What a first result does not need is imported later: the reader waits for each import.
os.environ["MPLBACKEND"] = "agg"  # Pyodide's own backend needs a page
names: dict[str, object] = {"__name__": "__main__"}
codes: dict[str, str] = {}

Pictures = list[tuple[str, str]]


def figures(value: object) -> tuple[Pictures, str | None]:
    """Return the pictures of a cell: those of a slider at its start, and those that pyplot has open."""
    if type(value).__name__ == "Explorer" and type(value).__module__.startswith("npfl."):
        frame = value.frame(value.first)  # type: ignore[attr-defined]
        return list(zip(frame.texts, value.alts, strict=True)), frame.says  # type: ignore[attr-defined]
    if "matplotlib.pyplot" not in sys.modules:
        return [], None
    import matplotlib.pyplot as plt

    from npfl.explore import svg

    drawn = [svg.serialize(svg.tree(plt.figure(number))) for number in plt.get_fignums()]
    plt.close("all")
    return [(text, "A figure, drawn by this code") for text in drawn], None


def run(
    source: str, name: str, alone: bool
) -> tuple[str | None, Pictures, str | None, tuple[str, str] | None]:
    """Run some code, with the names of the code before it unless it is to be alone.

    Returns
    -------
    tuple
        What it shows, its pictures, and where it fails the traceback with kind and message of the error.
    """
    if "npfl" in source or "matplotlib" in source:
        import logging

        logging.getLogger("matplotlib.font_manager").setLevel("ERROR")  # it says that it looks for fonts
    codes[name] = source
    try:
        value = eval_code(source, globals={"__name__": "__main__"} if alone else names, filename=name)
        pictures, says = figures(value)
        shown = says if says is not None else None if value is None or pictures else repr(value)
        return shown, pictures, None, None
    except BaseException as error:
        import linecache
        import traceback

        for cell, code in codes.items():
            linecache.cache[cell] = (len(code), None, code.splitlines(True), cell)
        told = traceback.TracebackException.from_exception(error)
        told.stack = traceback.StackSummary.from_list([f for f in told.stack if f.filename in codes])
        kinds = {ModuleNotFoundError: "missing", AssertionError: "failed"}
        kind = next((kind for known, kind in kinds.items() if isinstance(error, known)), "error")
        return None, [], "".join(told.format()), (kind, str(error))
