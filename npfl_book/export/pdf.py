"""The book as a PDF: all pages printed as one, with bookmarks and the numbers of pages in the contents."""

import logging
import sys
import tempfile
from collections.abc import Iterator
from html import escape
from pathlib import Path

from playwright.sync_api import Browser
from pypdf import PdfWriter
from pypdf.generic import Destination, NameObject, TextStringObject

from npfl_book import BUILD
from npfl_book.export.book import HERE, Book, collect, cover_page, script


def write_pdf(browser: Browser, book: Book, target: Path) -> None:
    """Print all pages as one, with bookmarks and tags."""
    logging.getLogger("pypdf").setLevel("ERROR")  # Chromium counts a PDF's objects differently
    root, parts = collect(browser, "pdf", book)
    style = (HERE / "pdf.css").read_text(encoding="utf-8")
    text = "".join(
        f'<h1 class="npfl-part">{escape(part.title)}</h1>' + "".join(page["text"] for page in part.pages)
        for part in parts
    )
    html = (
        f'<!DOCTYPE html><html lang="{book.language}" data-theme="light"><head><meta charset="utf-8">'
        f"<title>{escape(book.title)}</title>"
        f'<link rel="stylesheet" href="html/_static/site.css"><style>{style}</style></head><body>'
        f"{cover_page(book)}<main>{root['text']}{text}</main>"
        "</body></html>"
    )
    with tempfile.NamedTemporaryFile("w", dir=BUILD, suffix=".html", encoding="utf-8") as file:
        file.write(html)
        file.flush()
        page = browser.new_page()
        page.goto(Path(file.name).as_uri(), wait_until="load")
        page.evaluate("document.fonts.ready")
        headings = page.evaluate(script("headings"))
        beside = target.with_suffix(".part")
        for _ in range(2):  # the second time with the numbers of the pages
            page.pdf(path=beside, prefer_css_page_size=True, print_background=True, outline=True, tagged=True)
            pdf = PdfWriter(clone_from=beside)
            marks = list(bookmarks(pdf.outline))
            if len(marks) != len(headings):
                sys.exit(f"the browser made {len(marks)} bookmarks of {len(headings)} headings")
            numbers = {
                heading["page"]: (pdf.get_destination_page_number(mark) or 0) + 1
                for mark, heading in zip(marks, headings, strict=True)
                if heading["page"]
            }
            page.evaluate(script("number"), numbers)
        page.close()
    # Chromium doubles the title of a heading that begins a page, and joins the words at the end of a line.
    for mark, heading in zip(marks, headings, strict=True):
        assert mark.node is not None, "a bookmark that pypdf has read has a place in the file"
        mark.node[NameObject("/Title")] = TextStringObject(heading["title"])
    pdf.add_metadata({"/Author": book.authors})
    pdf.write(beside)
    beside.replace(target)


def bookmarks(outline: list) -> Iterator[Destination]:
    """Go through the bookmarks of a PDF, whatever their depth."""
    for entry in outline:
        if isinstance(entry, list):
            yield from bookmarks(entry)
        else:
            yield entry
