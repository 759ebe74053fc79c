"""Write the built book as files to keep: ``python -m npfl_book.export`` makes npfl.pdf, .epub and .zip.

They stand in the folder ``downloads`` of the site, whose first page then offers them. PDF and ePub are made
of the pages of the site, in the order of its sidebar; collect.js takes out of them what a book on paper or in
an e-reader has no use for. The ePub holds formulas as MathML, with a font for them. The archive is the site,
to be read without a network.
"""

import logging
import mimetypes
import re
import sys
import tempfile
import uuid
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from html import escape
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import yaml
from playwright.sync_api import Browser, Error, sync_playwright
from pypdf import PdfWriter
from pypdf.generic import Destination, NameObject, TextStringObject

from npfl.explore.svg import serialize, tree
from npfl_book import chromium
from npfl_book.site import cover

HERE = Path(__file__).parent
BOOK = HERE.parent
ROOT = BOOK.parent
BUILD = ROOT / "_build"
HTML = BUILD / "html"
DOWNLOADS = HTML / "downloads"
FONT = BOOK / "node_modules/@fontsource/stix-two-math/files/stix-two-math-latin-400-normal.woff2"
# The order of the pages, from the sidebar: parts, their pages, and the pages below these.
ORDER = """() => [...document.querySelectorAll(".bd-sidebar-primary p.caption")].map(caption => ({
    caption: caption.textContent.trim(),
    links: [...caption.nextElementSibling.querySelectorAll("a.reference.internal")].map(link => ({
        name: new URL(link.getAttribute("href"), "http://site/").pathname.slice(1).replace(/\\.html$/, ""),
        depth: link.closest("ul").parentElement.matches("li") ? 1 : 0,
    })),
}))"""


# What becomes a bookmark, and the name of the page whose title it is.
HEADINGS = """() => [...document.querySelectorAll("main :is(h1, h2, h3, h4, h5, h6)")].map(heading => ({
    title: heading.textContent.trim(), page: heading.matches(".npfl-h1") ? heading.closest("article").id : "",
}))"""
NUMBER = """numbers => {
    for (const link of document.querySelectorAll("#index .toctree-wrapper a")) {
        link.dataset.page = numbers[link.hash.slice(1)];
    }
}"""


class Book(NamedTuple):
    """What stands on the cover and in the list of a library."""

    title: str
    authors: str
    language: str
    address: str

    @classmethod
    def read(cls) -> "Book":
        """Read the settings of the site."""
        config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
        return cls(
            config["title"],
            config["author"],
            config["sphinx"]["config"]["language"],
            config["html"]["baseurl"],
        )


class Part(NamedTuple):
    """A part of the book: its title and its pages, each with its depth in the contents."""

    title: str
    pages: list[dict]


def collect(browser: Browser, kind: str, book: Book) -> tuple[dict, list[Part]]:
    """Take the root page and the parts out of the built site; `kind` is "pdf" or "epub"."""
    page = browser.new_page(java_script_enabled=False)
    page.set_content((HTML / "index.html").read_text(encoding="utf-8"))
    parts = page.evaluate(ORDER)
    names = ["index", *(link["name"] for part in parts for link in part["links"])]
    pages = [{"name": name, "html": (HTML / f"{name}.html").read_text(encoding="utf-8")} for name in names]
    script = (HERE / "collect.js").read_text(encoding="utf-8")
    script = script[script.index("({") :]
    found = page.evaluate(script, {"pages": pages, "kind": kind, "site": book.address})
    page.close()
    root, *rest = found
    following = iter(rest)
    return root, [
        Part(part["caption"], [{**next(following), "depth": link["depth"]} for link in part["links"]])
        for part in parts
    ]


def cover_page(book: Book) -> str:
    """Write the cover as HTML."""
    svg = serialize(tree(cover.draw(8.27, 11.69, center=(0.5, 0.42))))
    return (
        f'<section class="npfl-front">{svg}'
        f'<div><p class="title">{escape(book.title)}</p><p>{escape(book.authors)}</p></div></section>'
    )


def write_pdf(browser: Browser, book: Book, target: Path) -> None:
    """Print all pages as one, with bookmarks and tags."""
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
        headings = page.evaluate(HEADINGS)
        beside = target.with_suffix(".part")
        for _ in range(2):  # the second time with the numbers of the pages
            page.pdf(path=beside, prefer_css_page_size=True, print_background=True, outline=True, tagged=True)
            pdf = PdfWriter(clone_from=beside)
            marks = list(bookmarks(pdf.outline))
            if len(marks) != len(headings):
                sys.exit(f"the browser made {len(marks)} bookmarks of {len(headings)} headings")
            numbers = {
                heading["page"]: pdf.get_destination_page_number(mark) + 1
                for mark, heading in zip(marks, headings, strict=True)
                if heading["page"]
            }
            page.evaluate(NUMBER, numbers)
        page.close()
    # Chromium doubles the title of a heading that begins a page, and joins the words at the end of a line.
    for mark, heading in zip(marks, headings, strict=True):
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


def write_epub(browser: Browser, book: Book, target: Path) -> None:
    """Write the pages as an ePub 3."""
    root, parts = collect(browser, "epub", book)
    pages = [root, *(page for part in parts for page in part.pages)]
    files: dict[str, bytes] = {
        "epub.css": (HERE / "epub.css").read_bytes(),
        "math.woff2": FONT.read_bytes(),
        "cover.png": front(browser, book),
        "cover.xhtml": document(
            book, "cover", book.title, f'<img src="cover.png" alt="{escape(book.title)}"/>'
        ),
        "nav.xhtml": document(book, "nav", "Contents", contents(root, parts)),
    }
    for page in pages:
        title = page["headings"][0]["title"]
        files[f"{page['name']}.xhtml"] = document(book, page["name"], title, page["text"])
        files |= {name: (HTML / name).read_bytes() for name in page["images"]}
    spine = ["cover.xhtml", *(f"{page['name']}.xhtml" for page in pages)]
    beside = target.with_suffix(".part")
    with zipfile.ZipFile(beside, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/epub+zip", zipfile.ZIP_STORED)
        archive.writestr(
            "META-INF/container.xml",
            '<?xml version="1.0"?>'
            '<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
            '<rootfile full-path="book/package.opf" media-type="application/oebps-package+xml"/>'
            "</rootfiles></container>",
        )
        archive.writestr("book/package.opf", package(book, files, spine))
        for name, content in files.items():
            archive.writestr(f"book/{name}", content)
    beside.replace(target)


def front(browser: Browser, book: Book) -> bytes:
    """Draw the cover as a picture, which the shelves of e-readers show."""
    page = browser.new_page(viewport={"width": 794, "height": 1123}, device_scale_factor=2)
    style = (HERE / "pdf.css").read_text(encoding="utf-8")
    page.set_content(f"<!DOCTYPE html><style>body {{ margin: 0 }} {style}</style>{cover_page(book)}")
    picture = page.screenshot()
    page.close()
    return picture


def document(book: Book, name: str, title: str, text: str) -> bytes:
    """Write one XHTML document of the ePub."""
    way = "../" * name.count("/")
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE html>\n'
        '<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops" '
        f'lang="{book.language}" xml:lang="{book.language}"><head><title>{escape(title)}</title>'
        f'<link rel="stylesheet" type="text/css" href="{way}epub.css"/></head>\n'
        f'<body class="{name}">{text}</body></html>\n'
    ).encode()


def contents(root: dict, parts: list[Part]) -> str:
    """Write the table of contents: parts, pages, and the sections of each page."""

    def entry(page: dict, below: str = "") -> str:
        title, *sections = page["headings"]
        address = f"{page['name']}.xhtml"
        below += "".join(
            f'<li><a href="{address}#{escape(section["id"])}">{escape(section["title"])}</a></li>'
            for section in sections
        )
        return f'<li><a href="{address}">{escape(title["title"])}</a>{below and f"<ol>{below}</ol>"}</li>'

    rows = [entry({**root, "headings": root["headings"][:1]})]
    for part in parts:
        listed: list[str] = []
        for page in part.pages:
            listed.append(entry(page))
        rows.append(f"<li><span>{escape(part.title)}</span><ol>{''.join(listed)}</ol></li>")
    return (
        f'<nav epub:type="toc" role="doc-toc" aria-labelledby="toc"><h1 id="toc">Contents</h1>'
        f"<ol>{''.join(rows)}</ol></nav>"
    )


def package(book: Book, files: dict[str, bytes], spine: list[str]) -> str:
    """Write the ePub's list of its files, with what a library says about the book."""
    numbers = {name: f"file-{number}" for number, name in enumerate(files)}

    def item(name: str) -> str:
        media = {".xhtml": "application/xhtml+xml", ".woff2": "font/woff2"}.get(
            PurePosixPath(name).suffix, mimetypes.guess_type(name)[0]
        )
        properties = {"nav.xhtml": ["nav"], "cover.png": ["cover-image"]}.get(name, [])
        if name.endswith(".xhtml"):
            properties += [
                tag for tag, mark in (("mathml", b"<math"), ("svg", b"<svg")) if mark in files[name]
            ]
        known = f' properties="{" ".join(properties)}"' if properties else ""
        return f'<item id="{numbers[name]}" href="{escape(name)}" media-type="{media}"{known}/>'

    identifier = book.address or f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, book.title)}"
    access = "".join(f'<meta property="schema:accessMode">{mode}</meta>' for mode in ("textual", "visual"))
    features = "".join(
        f'<meta property="schema:accessibilityFeature">{feature}</meta>'
        for feature in (
            "alternativeText",
            "MathML",
            "readingOrder",
            "structuralNavigation",
            "tableOfContents",
        )
    )
    order = "".join(f'<itemref idref="{numbers[name]}"/>' for name in spine)
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="book" '
        f'xml:lang="{book.language}"><metadata xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f'<dc:identifier id="book">{escape(identifier)}</dc:identifier>'
        f"<dc:title>{escape(book.title)}</dc:title>"
        f"<dc:creator>{escape(book.authors)}</dc:creator><dc:language>{book.language}</dc:language>"
        "<dc:rights>CC BY-SA 4.0</dc:rights>"
        f'<meta property="dcterms:modified">{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}</meta>'
        f'{access}<meta property="schema:accessModeSufficient">textual</meta>{features}'
        '<meta property="schema:accessibilityHazard">none</meta></metadata>'
        f"<manifest>{''.join(map(item, files))}</manifest>"
        f"<spine>{order}</spine></package>\n"
    )


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


def main() -> None:
    """Write all files, and offer them."""
    book = Book.read()
    DOWNLOADS.mkdir(exist_ok=True)
    logging.getLogger("pypdf").setLevel("ERROR")  # Chromium counts a PDF's objects differently
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
