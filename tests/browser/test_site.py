"""The site as a whole: light, and open to a strict policy."""

import base64
import functools
import hashlib
import itertools
import re
import threading
import time
import xml.etree.ElementTree as ET
from html import unescape
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest

from npfl.activations import softmax
from npfl.explore.svg import tree
from npfl.losses import CategoricalCrossentropy
from npfl_book.site import cover

ROOT = Path(__file__).parents[2]
CHAPTERS = [f"chapters/{path.stem}" for path in sorted((ROOT / "chapters").glob("*.md"))]
# Kilobytes that a reader waits for, compressed as servers send them.
FIRST_VIEW = 250


@pytest.mark.parametrize("page_name", ["index", *CHAPTERS])
def test_first_view_is_light(visit, page_name):
    sizes = visit(page_name)["sizes"]
    assert sum(sizes.values()) <= FIRST_VIEW * 1000, sorted(sizes.items(), key=lambda item: -item[1])[:5]


def test_pages_state_a_strict_policy_and_hold_one_script_that_it_names(html):
    for path in html.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        if "_static" in path.parts:
            continue
        assert "default-src 'self'" in text, path
        scripts = re.findall(r"<script(?![^>]*\bsrc=)([^>]*)>(.*?)</script>", text, re.S)
        scripts = [code for how, code in scripts if 'type="application/json"' not in how]
        hashes = [base64.b64encode(hashlib.sha256(code.encode()).digest()).decode() for code in scripts]
        assert hashes == re.findall(r"'sha256-(.*?)'", text), (path, scripts)
        assert len(hashes) <= 1, path


def test_packed_script_holds_nothing_of_a_single_page(html):
    """The theme names the page in a script of its own; the packed one grows where that reads otherwise."""
    packed = (html / "_static" / "site.js").read_text(encoding="utf-8")
    assert "DOCUMENTATION_OPTIONS.pagename =" not in packed
    assert packed.count("npflPractice =") == 1


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


def test_every_internal_link_and_anchor_leads_somewhere(html):
    """From the files alone, so that the site works under any path."""
    pages = {path: parsed(path) for path in html.rglob("*.html") if "_static" not in path.parts}
    broken = []
    for path, (links, _) in pages.items():
        for link in links:
            address = urlsplit(link)
            if address.scheme or address.netloc:
                continue
            target = (path.parent / unquote(address.path)).resolve() if address.path else path
            inside = target.is_relative_to(html) and target.is_file() and not address.path.startswith("/")
            # The address of a figure's state holds a "=".
            anchor = "" if "=" in address.fragment or target not in pages else unquote(address.fragment)
            if not inside or (anchor and anchor not in pages[target][1]):
                broken.append((path.relative_to(html), link))
    assert not broken


@functools.cache
def parsed(path):
    """Return what a page refers to, and the names of its places."""
    text = path.read_text(encoding="utf-8")
    tags = re.findall(r"<[a-zA-Z][^<>]*>", text)
    found = [re.findall(r'\s(href|src|id)="([^"]*)"', tag) for tag in tags]
    pairs = [(name, unescape(value)) for attributes in found for name, value in attributes]
    return [v for name, v in pairs if name != "id"], {v for name, v in pairs if name == "id"} | {"top"}


@pytest.mark.parametrize("page_name", CHAPTERS)
def test_headings_figures_and_equations_have_a_link_of_their_own(html, page_name):
    text = (html / f"{page_name}.html").read_text(encoding="utf-8")
    for heading in re.findall(r"<h[2-4]>.*?</h[2-4]>", text, re.S):
        assert 'class="headerlink"' in heading, heading
    for number in re.findall(r'<span class="(?:eqno|caption-number)">.*?(?:</a>|</figcaption>)', text, re.S):
        assert 'class="headerlink"' in number, number[:300]
    # Headings go down one level at a time, from one title.
    levels = [int(level) for level in re.findall(r"<h([1-6])[\s>]", text.partition("<article")[2])]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels)), levels


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_what_is_wider_than_its_box_shows_where_it_goes_on(open_page, theme):
    page = open_page("chapters/05-softmax-derivative.html", 390, theme)
    for details in page.locator("article details").all():
        details.evaluate("element => { element.open = true; }")
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => setTimeout(done, 100)))")
    boxes = page.evaluate(
        """() => [...document.querySelectorAll("article :is(pre, .katex-display)")]
            .filter(box => box.checkVisibility()).map(box => ({
                kind: box.className, wide: box.scrollWidth > box.clientWidth,
                output: !!box.closest(".cell_output"), stop: box.tabIndex === 0,
                edge: getComputedStyle(box).backgroundImage.includes("gradient"),
            }))"""
    )
    assert any(box["wide"] for box in boxes)
    assert [box for box in boxes if box["wide"] != box["edge"] or (box["wide"] and not box["stop"])] == []
    assert [box for box in boxes if box["output"] and box["wide"]] == [], "an output is not wrapped"


def test_printed_tables_keep_their_columns_on_a_phone(open_page):
    """The widest of all among them."""
    page = open_page("chapters/15b-healthy-networks.html", 390)
    tables = page.locator("[style*='--npfl-columns'] pre").evaluate_all(
        """all => all.map(pre => {
            const wrapped = pre.clientHeight;
            pre.style.whiteSpace = "pre";
            return [wrapped - pre.clientHeight, parseFloat(getComputedStyle(pre).fontSize)];
        })"""
    )
    assert len(tables) > 1
    assert all(more == 0 and 8 <= size < 13 for more, size in tables), tables


@pytest.mark.parametrize("page_name", CHAPTERS)
def test_checks_of_the_numbers_are_off_the_page(html, page_name):
    text = (html / f"{page_name}.html").read_text(encoding="utf-8")
    article = text.partition("<article")[2].partition("</article>")[0]
    for folded in re.findall(r"<details.*?</details>", article, re.S):
        # Whole cells; the code of a figure may check what it draws.
        if "Show the content" in folded:
            assert "assert" not in re.sub(r"<[^>]*>", "", folded), folded[:300]
    hidden = article.count('npfl-check"')
    said = re.search(r"The numbers on this page are checked: (\d+) assertions ran", text)
    assert not hidden or int(said[1]) >= hidden


def test_headings_are_the_quieter_the_lower_they_are(open_page):
    page = open_page("chapters/11-dropout.html")
    sizes = page.evaluate(
        """() => ["h1", "h2", "h3"].map((tag) => {
            const style = getComputedStyle(document.querySelector(`article ${tag}`));
            return [parseFloat(style.fontSize), +style.fontWeight];
        })"""
    )
    assert all(a[0] > b[0] and a[1] >= b[1] for a, b in itertools.pairwise(sizes)), sizes


def test_glossary_begins_with_its_letters(html):
    text = (html / "chapters" / "glossary.html").read_text(encoding="utf-8")
    row = re.search(r'<p class="npfl-letters">(.*?)</p>', text, re.S)[1]
    first = {}
    for place in re.findall(r'<dt id="(term-[^"]+)"', text):
        first.setdefault(place.removeprefix("term-")[0].upper(), place)
    links = re.findall(r'href="#([^"]+)">(.)</a>', row)
    assert links == [(place, letter) for letter, place in first.items()]


def test_sidebar_shows_the_part_of_the_page_and_folds_the_others(html):
    for name, stands_open in [("index", []), ("chapters/07-l2", ["Regularization"])]:
        text = (html / f"{name}.html").read_text(encoding="utf-8")
        parts = re.findall(r'<li class="toctree-l0[^"]*"><details([^>]*)>.*?caption-text">(.*?)<', text, re.S)
        assert len(parts) == 6
        assert [caption for how, caption in parts if "open" in how] == stands_open


def test_footer_names_the_licence(html):
    for name in ("index", "chapters/05-softmax-derivative", "search"):
        footer = (html / f"{name}.html").read_text(encoding="utf-8").partition("bd-footer-content")[2]
        assert "CC BY-SA 4.0" in footer, name


def test_a_chapter_is_walked_by_keyboard(open_page):
    page = open_page("chapters/05-softmax-derivative.html")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent.trim()") == "Skip to main content"
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#main-content"
    for landmark in ("main", "banner", "contentinfo", "complementary"):
        assert page.get_by_role(landmark).count(), landmark
    # Every stop in its order, each seen and with an outline, until the walk leaves the page.
    reachable = page.evaluate(
        """() => [...document.querySelectorAll("main :is(a[href], button, input, summary, [tabindex='0'])")]
            .filter(e => e.checkVisibility({visibilityProperty: true}) && !e.disabled && e.tabIndex === 0)
            .length"""
    )
    seen = []
    for _ in range(reachable + 50):
        page.keyboard.press("Tab")
        stop = page.evaluate(
            """() => {
                const element = document.activeElement, style = getComputedStyle(element);
                if (!element.closest("main")) return null;
                const box = element.getBoundingClientRect();
                return {
                    what: element.tagName + " " + (element.id || element.textContent.trim().slice(0, 40)),
                    kind: element.type || element.tagName,
                    seen: box.width > 0 && box.bottom > 0 && box.top < innerHeight,
                    marked: style.outlineStyle !== "none" || style.boxShadow !== "none",
                };
            }"""
        )
        if stop is None:
            break
        seen.append(stop)
    assert [stop for stop in seen if not stop["seen"] or not stop["marked"]] == []
    kinds = {stop["kind"] for stop in seen}
    assert {"A", "button", "range", "radio", "SUMMARY"} <= kinds, kinds
    # A group of radio buttons is one stop.
    radios = (
        page.locator("main input[type=radio]").count()
        - page.locator(".npfl-checkpoint, .npfl-choice").count()
    )
    assert len(seen) >= reachable - radios


def test_a_term_shows_its_meaning(open_page):
    page = open_page("chapters/05-softmax-derivative.html")
    link = page.locator("a:has(> .npfl-term)").first
    card = page.locator(f"#{link.get_attribute('aria-describedby')}")
    assert not card.is_visible()
    link.scroll_into_view_if_needed()
    link.hover()
    card.wait_for(state="visible")
    card.hover()
    page.wait_for_timeout(300)
    assert card.is_visible(), "the card stays while it is pointed at"
    page.keyboard.press("Escape")
    assert not card.is_visible()
    place = link.get_attribute("aria-describedby").removeprefix("npfl-")
    link.click()
    assert page.url.endswith(f"#{place}")
    page.locator(":target").wait_for()


def test_a_citation_shows_what_it_cites_to_keyboards_too(open_page):
    page = open_page("chapters/11-dropout.html")
    page.keyboard.press("Tab")
    link = page.locator("article p a[href*='bibliography.html#']").first
    link.focus()
    card = page.locator(f"#{link.get_attribute('aria-describedby')}")
    assert card.is_visible()
    assert "Dropout: a simple way" in card.inner_text()
    page.keyboard.press("Escape")
    assert not card.is_visible()


def test_progress_is_kept(open_page):
    page = open_page("chapters/05-softmax-derivative.html")
    page.get_by_label("I have worked through this page").check()
    page.reload()
    assert page.get_by_label("I have worked through this page").is_checked()
    link = page.locator(".bd-links a.current").last
    assert " ".join(link.inner_text().split()).endswith("✓ (done)")
    page.get_by_label("I have worked through this page").uncheck()
    page.reload()
    assert "done" not in link.inner_text()


def test_progress_without_storage(new_page, address):
    page = new_page()
    page.add_init_script(
        """for (const name of ['localStorage', 'sessionStorage']) Object.defineProperty(window, name, {
            configurable: true, get() { throw new DOMException('blocked', 'SecurityError'); },
        })"""
    )
    page.goto(f"{address}/chapters/05-softmax-derivative.html")
    page.wait_for_load_state("networkidle")
    assert page.get_by_label("I have worked through this page").count() == 0
    page.get_by_role("button", name="Color mode").click()
    assert page.evaluate("document.documentElement.dataset.mode") != "auto"


def test_scripts_come_also_where_the_browser_tells_of_no_paint(new_page, address):
    page = new_page()
    page.add_init_script("PerformanceObserver.prototype.observe = () => {}")
    page.goto(f"{address}/chapters/05-softmax-derivative.html")
    page.locator(".bd-sidebar-primary[role]").wait_for(state="attached")
    assert page.locator("script[src$='site.js']").count() == 1


class Slow(SimpleHTTPRequestHandler):
    """Sends a page in two parts, so that the first is painted before the second has come."""

    def do_GET(self):
        path = Path(self.translate_path(self.path))
        if path.suffix != ".html":
            return super().do_GET()
        content = path.read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        half = content.index(b"</h1>") + 2000
        self.wfile.write(content[:half])
        self.wfile.flush()
        time.sleep(0.4)
        self.wfile.write(content[half:])
        return None

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def slow_site(browser, html):
    """Open the pages from a slow line on a slow processor, all in one window."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Slow, directory=str(html)))
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    context = browser.new_context(viewport={"width": 390, "height": 900})
    page = context.new_page()
    browsers = page.context.new_cdp_session(page)
    browsers.send("Emulation.setCPUThrottlingRate", {"rate": 4})

    def open_(path, empty_cache):
        if empty_cache:
            browsers.send("Network.clearBrowserCache")
        page.goto(f"http://127.0.0.1:{server.server_port}/{path}")
        page.locator(".bd-sidebar-primary[role]").wait_for(state="attached")
        return page

    yield open_
    context.close()
    server.shutdown()
    server.server_close()


# All pages have the same scripts, which are there from the first of them on, and come sooner then.
@pytest.mark.parametrize(
    ("page_name", "empty_cache"),
    [(name, False) for name in [*CHAPTERS, "exercises/mse_loss"]]
    + [("chapters/07-l2", True), ("exercises/mse_loss", True)],
)
def test_every_button_works_where_scripts_come_before_the_page(slow_site, page_name, empty_cache):
    """The scripts come after the first paint; the page may then be half there, as on a phone it is."""
    page = slow_site(f"{page_name}.html", empty_cache)
    found = page.evaluate(
        """() => {
            const all = (selector) => document.querySelectorAll(selector);
            for (const button of all(".npfl-checkpoint button")) button.click();
            return {
                questions: all(".npfl-checkpoint").length,
                checked: [...all(".npfl-checkpoint .feedback")].filter((f) => f.textContent).length,
                code: all(".cell_input:has(pre), .npfl-practice").length,
                offered: all(".npfl-offer, .npfl-lacks").length,
                terms: all("a:has(> .npfl-term)").length,
                cards: all("a[aria-describedby]:has(> .npfl-term)").length,
                cited: all("article a[href*='bibliography.html#']").length,
                shown: all("a[aria-describedby][href*='bibliography.html#']").length,
                blocks: all("div.highlight > pre").length,
                copied: all("div.highlight > .copybtn").length,
                read: all(".npfl-done input").length,
            };
        }"""
    )
    assert found["checked"] == found["questions"]
    assert found["offered"] == found["code"]
    assert found["cards"] == found["terms"]
    assert found["shown"] == found["cited"]
    assert found["copied"] == found["blocks"]
    assert found["read"] == page_name.startswith(("chapters/0", "chapters/1", "exercises/"))


def test_chapter_map_leads_to_all_chapters_and_says_what_they_need(html):
    text = (html / "chapters" / "how-to-use.html").read_text(encoding="utf-8")
    rows = re.findall(r'<li><span><a[^>]*href="([^"]+)"[^>]*>.*?</a><span[^>]*> \((.*?)\)</span>', text, re.S)
    assert [Path(link).stem for link, _ in rows] == re.findall(
        r"file: chapters/(\d.*)", (ROOT / "_toc.yml").read_text(encoding="utf-8")
    )
    needs = {Path(link).stem: words for link, words in rows}
    assert "Deriv" in needs["12-label-smoothing"]
    assert needs["05-softmax-derivative"] == "builds on no other chapter"


def test_moved_pages_lead_on(open_page, address):
    page = open_page("chapters/index.html")
    page.wait_for_url(f"{address}/index.html")
    # To the same place of it, too.
    page.goto(f"{address}/exercises/index.html#contents")
    page.wait_for_url(f"{address}/index.html#contents")


def test_moved_pages_lead_on_without_javascript(open_page, address):
    page = open_page("chapters/index.html", java_script_enabled=False)
    page.wait_for_url(f"{address}/index.html")


def test_cover_shows_descents_to_the_gold_distribution():
    angles = np.linspace(0, 6, 5)
    plane = np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    starts = np.log(cover.GOLD) + 2.6 * plane @ cover.DIRECTIONS.T
    paths = cover.descend(starts.copy(), CategoricalCrossentropy(from_logits=True, reduction="none"))
    assert np.array_equal(paths[:, 0], starts)
    assert np.allclose(softmax(paths[:, -1]), cover.GOLD, atol=1e-3)
    picture = [ET.tostring(tree(cover.draw(3, 1))) for _ in range(2)]
    assert picture[0] == picture[1]


def test_symbols_stand_where_the_index_says(html):
    """The section that introduces a symbol holds a formula with it."""
    text = (html / "chapters" / "symbols.html").read_text(encoding="utf-8")
    rows = [row for row in text.split("<tr ")[2:] if "<td>" in row]
    notation = (ROOT / "chapters" / "notation.md").read_text(encoding="utf-8")
    assert len(rows) == len(re.findall(r"^\| \$", notation, re.M))
    # The bracket stands around another statement in each place.
    used = {"[P]": "[b = b']"}
    for row in rows:
        cells = row.split("<td>")
        name, _, place = unescape(re.search(r'href="([^"]+)"', cells[3])[1]).partition("#")
        page = (html / "chapters" / name).read_text(encoding="utf-8")
        section = page.partition(f'id="{place}"')[2].partition("<section ")[0]
        symbols, formulas = formulas_of(cells[1]), plain_tex(" ".join(formulas_of(section)))
        assert any(plain_tex(used.get(tex, tex)) in formulas for tex in symbols), (symbols, name, place)


def formulas_of(text):
    """Return the TeX of the formulas in a part of a page."""
    pattern = r'<annotation encoding="application/x-tex">(.*?)</annotation>'
    return [unescape(tex).strip() for tex in re.findall(pattern, text, re.S)]


def plain_tex(text):
    return re.sub(r"\\boldsymbol|\\Vert|\\\||[{}\s]", "", text)
