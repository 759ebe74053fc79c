"""The book for export: its settings, and its pages without what only a site has a use for."""

import re
from html import escape
from pathlib import Path
from typing import NamedTuple

import yaml
from playwright.sync_api import Browser

from npfl.explore.svg import serialize, tree
from npfl_book import BUILD, ROOT
from npfl_book.site import apart, cover

HERE = Path(__file__).parent
HTML = BUILD / "html"


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


def script(name: str) -> str:
    """Return the function of a script, for the browser to call."""
    text = (HERE / f"{name}.js").read_text(encoding="utf-8")
    return re.sub(r"\A(//.*\n)+", "", text).strip().removesuffix(";")


def collect(browser: Browser, kind: str, book: Book) -> tuple[dict, list[Part]]:
    """Take the root page and the parts out of the built site; `kind` is "pdf" or "epub"."""
    page = browser.new_page(java_script_enabled=False)
    page.set_content((HTML / "index.html").read_text(encoding="utf-8"))
    parts = page.evaluate(script("order"))
    names = ["index", *(link["name"] for part in parts for link in part["links"])]
    page.evaluate((HTML / "_static" / "explore.js").read_text(encoding="utf-8"))  # for npflStrip
    pages = [
        {
            "name": name,
            "html": (HTML / f"{name}.html").read_text(encoding="utf-8"),
            "frames": apart.frames(HTML / "_static", name),
        }
        for name in names
    ]
    found = page.evaluate(script("collect"), {"pages": pages, "kind": kind, "site": book.address})
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
