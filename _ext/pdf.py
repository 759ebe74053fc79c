"""Print the book, built as one page, to a PDF with bookmarks: ``python _ext/pdf.py PAGE PDF``."""

import sys
from pathlib import Path

import chromium
from playwright.sync_api import Error, sync_playwright

FOOTER = '<p style="width: 100%; font-size: 8px; text-align: center"><span class="pageNumber"></span></p>'


def main(source: Path, target: Path) -> None:
    """Print a page; the file is renamed when it is whole."""
    beside = target.with_suffix(".part")
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=chromium.find(), args=chromium.FLAGS)
        except Error as error:
            sys.exit(f"{chromium.MISSING} ({str(error).splitlines()[0]})")
        page = browser.new_page()
        page.goto(source.resolve().as_uri(), wait_until="load")
        page.evaluate("document.fonts.ready")
        page.pdf(
            path=beside,
            format="A4",
            margin={"top": "18mm", "bottom": "18mm", "left": "18mm", "right": "18mm"},
            print_background=True,
            display_header_footer=True,
            header_template="<p></p>",
            footer_template=FOOTER,
            outline=True,
            tagged=True,
        )
        browser.close()
    beside.replace(target)
    print(f"{target}: {target.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
