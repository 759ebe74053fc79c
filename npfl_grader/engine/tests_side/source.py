"""The source of what a student has defined, as it was submitted; the student's process could forge one."""

import re
from collections.abc import Sequence


def find(sources: Sequence[str], name: str) -> str | None:
    """Find the last definition of a name in the student's cells.

    The text is only searched, never compiled: a definition ends where a line is indented no more than its
    first one, but for closing brackets.

    Examples
    --------
    >>> find(["a = 1\\ndef f(x):\\n    return x\\nb = 2"], "f")
    'def f(x):\\n    return x\\n'
    """
    name = re.escape(name)
    begins = re.compile(rf"([ \t]*)(?:(?:async[ \t]+)?def|class)[ \t]+{name}\b|{name}[ \t]*=")
    for source in reversed(sources):
        lines = source.splitlines(keepends=True)
        for first in range(len(lines) - 1, -1, -1):
            match = begins.match(lines[first])
            if match is None:
                continue
            indent, last = len(match[1] or ""), first + 1
            while last < len(lines) and _goes_on(lines[last], indent):
                last += 1
            while first and lines[first - 1].startswith(f"{match[1] or ''}@"):
                first -= 1
            return "".join(lines[first:last]).rstrip() + "\n"
    return None


def _goes_on(line: str, indent: int) -> bool:
    text = line.lstrip(" \t")
    return not text.strip() or len(line) - len(text) > indent or text[0] in ")]}"
