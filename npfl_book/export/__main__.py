"""Write the built book as files to keep: ``python -m npfl_book.export`` makes npfl.pdf, .epub and .zip.

They stand in the folder ``downloads`` of the site, whose first page then offers them. PDF and ePub are made
of the pages of the site, in the order of its sidebar; collect.js takes out of them what a book on paper or in
an e-reader has no use for.
"""

import sys

from playwright.sync_api import Error, sync_playwright

from npfl_book import chromium
from npfl_book.export.archive import DOWNLOADS, offer, write_archive
from npfl_book.export.book import Book
from npfl_book.export.epub import write_epub
from npfl_book.export.pdf import write_pdf


def main() -> None:
    """Write all files, and offer them."""
    book = Book.read()
    DOWNLOADS.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=chromium.find(), args=chromium.FLAGS)
        except Error as error:
            sys.exit(f"{chromium.MISSING} ({str(error).splitlines()[0]})")
        for write, name in ((write_pdf, "npfl.pdf"), (write_epub, "npfl.epub")):
            target = DOWNLOADS / name
            write(browser, book, target)
            print(f"{target}: {target.stat().st_size / 1e6:.1f} MB", flush=True)
        browser.close()
    printed = {"npfl.pdf": "The book as a PDF", "npfl.epub": "as an ePub"}
    offer(printed)
    target = DOWNLOADS / "npfl.zip"
    write_archive(target)  # with a first page that does not offer the archive itself
    print(f"{target}: {target.stat().st_size / 1e6:.1f} MB")
    offer(printed | {target.name: "as a site to keep"})


if __name__ == "__main__":
    main()
