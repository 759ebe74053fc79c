"""Check the prose of the pages: ``python -m npfl_book.prose FILE...``; ``make lint`` calls it.

Code, formulas, addresses and front matter are left out. Each rule is a pattern and what to do about it.
"""

import re
import sys
from pathlib import Path

RULES = {
    r"simply|obviously|trivial(?:ly)?|basically": "say why, or leave it out",
    r"of course|needless to say|easy to see|note that": "say why, or leave it out",
    r"(\w\w+) \1": "a word stands twice",
    r"(?:do|does|did|is|are|was|were|ca|wo|could|would|should|have|has|had)n['’]t|(?:it|that|let|there)['’]s"
    r"|(?:I|you|we|they)['’](?:re|ve|ll|d)": "write it out",
    r"utili[sz]e[sd]?|leverag(?:e[sd]?|ing)|in order to|due to the fact that": "a shorter word says the same",
    r"colors?|behaviors?|neighbors?|neighborhood|centers?|gray": "the book has the British spelling",
    r"E\d\d|issue #\d+": "the reader cannot see what this names",
    r"exactly if": "if and only if",
    r"derivatives? by (?:the )?(?:logit|score|weight|parameter|input|output|slope)s?": "with respect to",
    r"shall": "should, or is to",
    r"takes? hold of": "acts on",
    r"from none of|in none of the (?:two|three|four|five)": "turn it round: in any of, with not",
    r"all the same(?=[,.;:])": "nevertheless, still",
    r"in the place of": "instead of, or in place of",
    r"half way": "halfway",
}
LINES = {r"(?<=\S)  +(?=\S)": "two spaces", r"(?<=\w) +[,;.!?](?=\s|$)": "a space before the mark"}
NOT_PROSE = [
    r"\A---\n.*?\n---\n",
    r"^(`{3,})\{?(?:code-cell|literalinclude|bibliography|eval-rst|include|tableofcontents|python|text|bibtex|yaml)\b.*?^\1`*$",
    r"^\$\$.*?\$\$(?: \(\S+\))?$",
    r"(?<!\\)\$[^$]+\$",
    r"(?<!`)(`{1,2})(?!`).+?(?<!`)\1(?!`)",
    r"(?<=\])\([^)\s]+\)|<?https?://\S+|\{[a-z:]+\}",
    r"^\(\S+\)=$|^\|[-| ]+\|$|^:{3,}(?:\{[\w-]+\})?|^:\w+:[^\n]*$",
]


def prose(text: str) -> str:
    """Blank out what is no prose, and keep the lines where they are."""
    for pattern in NOT_PROSE:
        text = re.sub(
            pattern,
            lambda found: "\N{OBJECT REPLACEMENT CHARACTER}" + "\n" * found[0].count("\n"),
            text,
            flags=re.M | re.S,
        )
    return text


def complaints(text: str) -> list[tuple[int, str, str]]:
    """Find the line, the words and the advice of everything that breaks a rule."""
    found = []
    for number, line in enumerate(prose(text).splitlines(), 1):
        for rules, form in ((RULES, r"\b(?:{})\b"), (LINES, "{}")):
            for pattern, advice in rules.items():
                for match in re.finditer(form.format(pattern), line, re.I if rules is RULES else 0):
                    found.append((number, match[0], advice))
    return found


def main() -> int:
    """Print what was found, one a line."""
    count = 0
    for path in map(Path, sys.argv[1:]):
        for number, words, advice in complaints(path.read_text("utf-8")):
            print(f"{path}:{number}: {words!r}: {advice}")
            count += 1
    return min(count, 1)


if __name__ == "__main__":
    raise SystemExit(main())
