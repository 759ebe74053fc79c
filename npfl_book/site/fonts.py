"""The fonts of icons and formulas, with the characters that the pages show and no others."""

import base64
import hashlib
import logging
import re
import shutil
from pathlib import Path

import fontTools
import pydata_sphinx_theme
from fontTools import subset

from npfl_book import BUILD, node

ICONS = "vendor/fontawesome/webfonts/fa-solid-900"
LETTERS = "katex/fonts/"
THEME = Path(pydata_sphinx_theme.__file__).parent / "theme" / "pydata_sphinx_theme" / "static"
# What an element of such a class says is set in the font, as KaTeX's style sheet has it, and no more of it.
CLASSES = {
    "mathbf": "KaTeX_Main-Bold",
    "mathnormal": "KaTeX_Math-Italic",
    "boldsymbol": "KaTeX_Math-BoldItalic",
    "amsrm": "KaTeX_AMS-Regular",
    "mathbb": "KaTeX_AMS-Regular",
    "mathcal": "KaTeX_Caligraphic-Regular",
    "mathsf": "KaTeX_SansSerif-Regular",
}
SAID = re.compile(rf'\b({"|".join(CLASSES)})\b[^"<>]*"[^<>]*>([^<]+)<')
# These stand in the style sheet, 40 kB in all: a page would learn of them from it, or open a connection for
# each of them, and its formulas would wait for the server once more. Their other forms are for old browsers.
USED = "|".join([*dict.fromkeys(CLASSES.values()), "KaTeX_Main-Regular", r"KaTeX_Size\d-Regular"])
WITHIN = re.compile(
    rf"url\(((?:{ICONS}|{LETTERS}(?:{USED}))\.woff2)\)format\(.woff2.\)(?:,url\([^)]+\)format\([^)]+\))*"
)
FACE = re.compile(r"@font-face\{[^}]+\}")
FONT = re.compile(rf"{LETTERS}([\w-]+)\.woff2")


def write(static: Path, css: str, pages: str) -> str:
    """Write the fonts with what the pages show, and put those that are used into the style sheet.

    The icons are those that the style sheet names: 2 kB instead of 156. Of formulas, the first three fonts
    have 26 kB instead of 68. They come with the style sheet, and browsers decode them when a line has been
    laid out: a line that breaks elsewhere with them does so in the frame after the first.

    Returns
    -------
    str
        The style sheet.
    """
    named = re.findall(r"\\([ef][0-9a-f]{3})\b|([\ue000-\uf8ff])", css)
    icons = {int(code, 16) if code else ord(character) for code, character in named}
    cut(THEME / f"{ICONS}.woff2", static / f"{ICONS}.woff2", icons)
    (static / LETTERS).mkdir(exist_ok=True)
    said: dict[str, set[str]] = {font: set() for font in CLASSES.values()}
    for name, text in SAID.findall(pages):
        said[CLASSES[name]].update(text)
    every = set(pages)
    for font in FONT.findall(css):
        file = f"{LETTERS}{font}.woff2"
        cut(node.KATEX / "fonts" / f"{font}.woff2", static / file, set(map(ord, said.get(font, every))))

    def with_data(match: re.Match[str]) -> str:
        data = base64.b64encode((static / match[1]).read_bytes()).decode()
        return f'url(data:font/woff2;base64,{data})format("woff2")'

    # At the end, one beside the other: among rules they would be compressed worse.
    faces = [face for face in FACE.findall(css) if WITHIN.search(face)]
    for face in faces:
        css = css.replace(face, "")
    return css + WITHIN.sub(with_data, "".join(faces))


def cut(font: Path, target: Path, used: set[int]) -> None:
    """Write a font with some of its characters only, as it is kept from the last build with the same ones."""
    parts = (font.read_bytes(), repr(sorted(used)).encode(), fontTools.version.encode())
    kept = BUILD / "fonts" / f"{font.stem}.{hashlib.sha256(b''.join(parts)).hexdigest()[:16]}.woff2"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        for old in kept.parent.glob(f"{font.stem}.*"):
            old.unlink()
        logging.getLogger("fontTools").setLevel(logging.WARNING)
        options = subset.Options(flavor="woff2", layout_features=[], hinting=False)
        opened = subset.load_font(str(font), options)
        subsetter = subset.Subsetter(options)
        subsetter.populate(unicodes=used)
        subsetter.subset(opened)
        part = kept.with_suffix(".part")
        subset.save_font(opened, str(part), options)
        part.replace(kept)
    shutil.copyfile(kept, target)
