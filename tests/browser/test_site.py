"""The site as a whole: light, and open to a strict policy."""

import gzip
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CHAPTERS = [f"chapters/{path.stem}" for path in sorted((ROOT / "chapters").glob("*.md"))]
# Kilobytes that a reader waits for, compressed as servers send them.
FIRST_VIEW = 400


@pytest.mark.parametrize("page_name", ["index", *CHAPTERS])
def test_first_view_is_light(open_page, page_name):
    page = open_page("search.html")
    sizes = {}

    def weigh(response):
        body = response.body()
        plain = re.search(r"\.(woff2|png|ico)\b", response.url)
        sizes[response.url] = len(body) if plain else len(gzip.compress(body))

    page.on("response", weigh)
    page.goto(page.url.replace("search.html", f"{page_name}.html"))
    page.wait_for_load_state("networkidle")
    assert sum(sizes.values()) <= FIRST_VIEW * 1000, sorted(sizes.items(), key=lambda item: -item[1])[:5]


def test_pages_state_a_strict_policy_and_hold_no_scripts(html):
    for path in html.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        if "_static" in path.parts:
            continue
        assert "default-src 'self'" in text, path
        scripts = re.findall(r"<script(?![^>]*\bsrc=)([^>]*)>", text)
        assert all('type="application/json"' in script for script in scripts), (path, scripts)


def test_icons_are_drawn(open_page):
    page = open_page("chapters/05-softmax-derivative.html")
    page.wait_for_load_state("networkidle")
    icons = page.evaluate(
        """() => [...document.querySelectorAll("article *, header *")]
            .flatMap(element => ["::before", "::after"].map(part => getComputedStyle(element, part).content))
            .filter(text => /^"[\\ue000-\\uf8ff]"$/.test(text)).map(text => text.codePointAt(1))"""
    )
    assert icons
    for code in set(icons):
        # A glyph that the subset of the icon font lacks comes from another font, as wide as there.
        drawn, missing = page.evaluate(
            """code => ['900 20px "Font Awesome 7 Free"', "20px monospace"].map(font => {
                const context = document.createElement("canvas").getContext("2d");
                context.font = font;
                return context.measureText(String.fromCodePoint(code)).width;
            })""",
            code,
        )
        assert drawn != missing, hex(code)
