"""Format the code that the book's pages show, to the 79 characters that fit.

    tools/cells.py [--check] PAGE ...

Cells that a page folds or leaves out are drawing and checking: they stay as they were written.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

WIDTH = 79
# A cell: how it opens, its options (`:tags:` lines or a block of YAML) and its code.
CELL = re.compile(
    r"^```\{code-cell\}.*\n(?P<options>(?::.*\n)+|---\n(?:.*\n)*?---\n)?(?P<code>(?:.*\n)*?)```$",
    re.MULTILINE,
)


def formatted(codes: list[str]) -> list[str]:
    """Return the codes as ruff formats them, in one call.

    Raises:
        SystemExit: a cell is not Python; ruff has said which line.
    """
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, f"{number}.py") for number in range(len(codes))]
        for path, code in zip(paths, codes, strict=True):
            path.write_text(code, encoding="utf-8")
        done = subprocess.run(["ruff", "format", "--quiet", "--isolated", f"--line-length={WIDTH}", folder])
        if done.returncode:
            sys.exit(done.returncode)
        return [path.read_text(encoding="utf-8") for path in paths]


def main() -> None:
    """Write the pages anew, or say which would change."""
    parser = argparse.ArgumentParser(description="Format the code that the book's pages show.")
    parser.add_argument(
        "--check", action="store_true", help="only say which pages would change, and fail then"
    )
    parser.add_argument("pages", nargs="+", type=Path)
    args = parser.parse_args()
    texts = {page: page.read_text(encoding="utf-8") for page in args.pages}
    shown = {
        page: [cell for cell in CELL.finditer(text) if not re.search("hide-|remove-", cell["options"] or "")]
        for page, text in texts.items()
    }
    codes = iter(formatted([cell["code"] for cells in shown.values() for cell in cells]))
    stale = []
    for page, text in texts.items():
        pieces, end = [], 0
        for cell in shown[page]:
            pieces += [text[end : cell.start("code")], next(codes)]
            end = cell.end("code")
        new = "".join([*pieces, text[end:]])
        if new != text:
            stale.append(str(page))
            if not args.check:
                page.write_text(new, encoding="utf-8")
    if args.check and stale:
        sys.exit(f"code cells for 'python tools/cells.py' to format: {', '.join(stale)}")


if __name__ == "__main__":
    main()
