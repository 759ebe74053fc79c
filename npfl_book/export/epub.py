"""The book as an ePub 3, with formulas as MathML and a font for them."""

import mimetypes
import uuid
import zipfile
from datetime import UTC, datetime
from html import escape
from pathlib import Path, PurePosixPath

from playwright.sync_api import Browser

from npfl_book import node
from npfl_book.export.book import HERE, HTML, Book, Part, collect, cover_page

FONT = node.MODULES / "@fontsource/stix-two-math/files/stix-two-math-latin-400-normal.woff2"


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
