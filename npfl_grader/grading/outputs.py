"""Make a cell's outputs fit to be shown: nothing active, nothing endless, nothing that gives tests away.

What runs in a browser never stays: HTML, SVG, scripts, widgets, Markdown and LaTeX of a submission are
dropped, its text and its pictures remain.
"""

import re
from collections.abc import Iterable

from npfl_grader import text
from npfl_grader.course.policy import SHOWN, Policy
from npfl_grader.engine.job import Output, Side
from npfl_grader.grading.intake import is_picture

__all__ = ["SHOWN", "Policy", "clean", "conceal", "hidden_lines"]

ANSI = re.compile(r"\x1b\[[0-9;]*m")
EXIT = "quit(), exit() and sys.exit() end the whole program, also a notebook: leave them out"
CHARACTERS = 200_000  # of text in one output


def clean(outputs: Iterable[Output], policy: Policy) -> list[Output]:
    """Keep text and pictures of outputs, within limits."""
    kept: list[Output] = []
    lines = 0
    for output in outputs:
        kind = output.get("output_type")
        if kind == "stream":
            text = _text(output.get("text"))
            if 0 <= policy.max_lines <= lines:
                continue
            parts = text.split("\n")
            if policy.max_lines != -1 and lines + len(parts) > policy.max_lines:
                parts = [*parts[: policy.max_lines - lines - 1], "... Output truncated ..."]
            lines += len(parts)
            name = "stderr" if output.get("name") == "stderr" else "stdout"
            kept.append({"output_type": "stream", "name": name, "text": "\n".join(parts)})
        elif kind == "error":
            kept.append(_error(output, policy))
        elif kind in ("display_data", "execute_result"):
            data = _data(output.get("data"))
            if data:
                shown = {"output_type": kind, "data": data, "metadata": {}}
                if kind == "execute_result":
                    count = output.get("execution_count")
                    shown["execution_count"] = count if isinstance(count, int) else None
                kept.append(shown)
    return kept


def _text(value: object) -> str:
    if isinstance(value, list):
        value = "".join(part for part in value if isinstance(part, str))
    text = value if isinstance(value, str) else ""
    text = text.encode("utf-8", "replace").decode()
    return text if len(text) <= CHARACTERS else text[:CHARACTERS] + "\n... Output truncated ..."


def _data(bundle: object) -> dict[str, str]:
    if not isinstance(bundle, dict):
        return {}
    kept = {kind: data for kind, data in bundle.items() if is_picture(kind, data)}
    if "text/plain" in bundle:
        kept["text/plain"] = _text(bundle["text/plain"])
    return kept


def _error(output: Output, policy: Policy) -> Output:
    trace = output.get("traceback")
    entries = [_text(entry) for entry in trace] if isinstance(trace, list) else []
    if 0 <= policy.max_traceback < len(entries):
        first = policy.max_traceback // 2
        rest = policy.max_traceback - first - 1
        entries = [*entries[:first], "... Traceback truncated ...", *entries[len(entries) - rest :]]
    # Messages are also shown in terminals and written into logs; a test's own may quote what it was given.
    name = text.clean(_text(output.get("ename")))
    value: str = text.clean(_text(output.get("evalue")), CHARACTERS + 100, lines=True)
    if name == "SystemExit":
        value = EXIT
        entries = [f"{name}: {value}"]
    return {"output_type": "error", "ename": name, "evalue": value, "traceback": entries}


def conceal(
    outputs: list[Output], policy: Policy, *, hidden: bool, raised: Side, lines: set[str]
) -> list[Output]:
    """Take out of a cell's outputs what would give hidden tests away.

    Parameters
    ----------
    outputs : list of dict
        As `clean` gives them.
    policy : Policy
        What is shown.
    hidden : bool
        Whether the cell is a test with hidden parts. What such a test prints and shows can come from the
        student's code, which has been given the hidden inputs.
    raised : Side
        Whose code raised the cell's error. A message of the student's own can hold the inputs.
    lines : set of str
        All hidden lines of the notebook; parts of a traceback that hold one are dropped.
    """
    if policy.hidden_tests == "all":
        return outputs
    kept = []
    for output in outputs:
        if output["output_type"] != "error":
            if not hidden:
                kept.append(output)
            continue
        name, value, trace = output["ename"], output["evalue"], output["traceback"]
        if hidden:
            if policy.hidden_tests == "name":
                name, value = "HiddenTestFailed", "a hidden test of this check failed"
            elif raised == Side.STUDENT:
                value = "your code raised this error in a hidden test"
            trace = [f"{name}: {value}"]
        elif lines:
            trace = [entry for entry in trace if not _holds(entry, lines)] or [f"{name}: {value}"]
        kept.append({"output_type": "error", "ename": name, "evalue": value, "traceback": trace})
    return kept


def only_whether(shown: list[Output]) -> list[Output]:
    """Keep of a test's outputs nothing but that it has failed."""
    name = "TestFailed"
    value = "this check failed; no more is shown, as it ran after a hidden one"
    failed = any(output["output_type"] == "error" for output in shown)
    error = {"output_type": "error", "ename": name, "evalue": value, "traceback": [f"{name}: {value}"]}
    return [error] if failed else []


def hidden_lines(sources: Iterable[str], policy: Policy) -> set[str]:
    """Collect the lines of code that students do not see; lines as short as ``else:`` give nothing away."""
    shown: set[str] = set()
    hidden: set[str] = set()
    for source in sources:
        visible, secret = policy.split(source)
        shown.update(line.strip() for line in visible.split("\n"))
        hidden.update(line.strip() for line in secret if len(line.strip()) > 8)
    return hidden - shown


def _holds(entry: str, lines: set[str]) -> bool:
    text = ANSI.sub("", entry)
    return any(line in text for line in lines)
