"""The site packed into one file, and the links to all files on its first page."""

import re
import sys
import zipfile
from pathlib import Path

from npfl_book import BUILD
from npfl_book.export.book import HTML

DOWNLOADS = HTML / "downloads"


def write_archive(target: Path) -> None:
    """Pack the site."""
    beside = BUILD / "archive.part"  # not among what is packed
    with zipfile.ZipFile(beside, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(HTML.rglob("*")):
            if path.is_file() and path != target:
                archive.write(path, Path("npfl") / path.relative_to(HTML))
    beside.replace(target)


def offer(names: dict[str, str]) -> None:
    """Let the first page of the site lead to files among its downloads, named with their sizes."""
    links = "".join(
        f'<a href="downloads/{name}">{words} ({(DOWNLOADS / name).stat().st_size / 1e6:.0f} MB)</a> '
        for name, words in names.items()
    )
    page = HTML / "index.html"
    text, places = re.subn(
        r'(<p class="[^"]*" id="npfl-downloads")[^>]*>.*?</p>',
        rf"\1>{links}</p>",
        page.read_text(encoding="utf-8"),
        flags=re.S,
    )
    if not places:
        sys.exit(f"{page}: the place for the downloads is missing: run 'make build'")
    beside = BUILD / "index.part"
    beside.write_text(text, encoding="utf-8")
    beside.replace(page)
