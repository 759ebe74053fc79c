"""Clean what others have written, once, where it comes in.

Names of files and people, messages of errors, fields of a notebook: whatever a submission, an archive or a
roster holds may be shown in a terminal, written into a log or a table, or become part of a page. `clean`
takes out what acts on any of them. Markup is text like any other here; it is escaped where it is shown.
"""

import operator
import re
import unicodedata
from typing import NewType

Clean = NewType("Clean", str)

# Escape sequences of terminals: with their parameters, they would leave rubbish behind without the escape.
ESCAPE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b[\]PX^_][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?|\x1b.?"
)
# Marks that turn the direction of what follows, so that a name looks like another one.
TURNING = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def clean(text: object, most: int = 200, *, lines: bool = False) -> Clean:
    """Make text harmless wherever it goes.

    Surrogates, control characters, escape sequences, marks of direction and what no character stands for are
    taken out or replaced; spaces are kept together, and what is longer than it may be ends with dots.

    Parameters
    ----------
    text : object
        The text; anything else is written as Python writes it.
    most : int
        The most characters to keep.
    lines : bool
        Whether line breaks and tabs stay; otherwise all becomes one line.

    Examples
    --------
    >>> clean("a\\x1b[31mb\\nc")
    'ab c'
    """
    try:
        kept = text if isinstance(text, str) else str(text)
    except Exception:
        kept = f"<{type(text).__name__}>"
    # Of what is very long nothing else is looked at.
    kept = ESCAPE.sub("", kept[: 4 * most + 1000])
    kept = TURNING.sub("", kept.replace("\r\n", "\n"))
    kept = "".join(character if character in "\n\t" else _harmless(character) for character in kept)
    if not lines:
        kept = " ".join(kept.split())
    return Clean(kept if len(kept) <= most else kept[: max(0, most - 3)] + "...")


def harmless(name: str) -> bool:
    """Say whether a name can stand as it is: what is cut or replaced in one may make it another's.

    Examples
    --------
    >>> harmless("a  (2).txt"), harmless("a\\x1b[31m.txt")
    (True, False)
    """
    return not TURNING.search(name) and all(map(operator.eq, name, map(_harmless, name)))


def _harmless(character: str) -> str:
    if " " <= character < "\x7f":
        return character
    kind = unicodedata.category(character)
    if kind in ("Cc", "Zl", "Zp"):
        return " "
    return "\ufffd" if kind in ("Cs", "Cn", "Co") else character
