"""The palette: colours that all readers can tell apart, on light and dark pages."""

import itertools
import re
from pathlib import Path

import numpy as np
import pytest
from coloraide import Color
from matplotlib.figure import Figure

import npfl.explore
from npfl.explore.svg import tree
from npfl.figures import COLORS, DARK, shade

CSS = Path(npfl.explore.__file__).parent / "static" / "explore.css"
# With the theme's backgrounds.
THEMES = {"light": (COLORS, "#ffffff"), "dark": (DARK, "#121212")}
# ColorAide simulates the first two after Viénot, Brettel and Mollon: Digital video colourmaps for checking
# the legibility of displays by dichromats, 1999, and the third after Brettel, Viénot and Mollon:
# Computerized simulation of color appearance for dichromats, 1997.
DICHROMACIES = ["protan", "deutan", "tritan"]


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("seen_by", ["trichromat", *DICHROMACIES])
def test_any_two_colours_are_told_apart(theme, seen_by):
    colors, paper = THEMES[theme]
    seen = {name: Color(value) for name, value in colors.items()} | {"paper": Color(paper)}
    if seen_by in DICHROMACIES:
        seen = {name: color.filter(seen_by) for name, color in seen.items()}
    for one, other in itertools.combinations(seen, 2):
        assert seen[one].delta_e(seen[other], method="2000") >= 20, (one, other)


@pytest.mark.parametrize("theme", THEMES)
def test_colours_stand_out_from_the_page(theme):
    colors, paper = THEMES[theme]
    for name, color in colors.items():
        assert Color(color).contrast(paper, method="wcag21") >= 3, name
    for name in ("model", "derivative"):  # some letters have these
        assert Color(colors[name]).contrast(paper, method="wcag21") >= 4.5, name


def test_the_page_has_the_same_palette():
    light, dark = (
        dict(re.findall(r"--npfl-(\w+): (#\w+)", line)) for line in CSS.read_text("utf-8").splitlines()[2:4]
    )
    assert (light, dark) == (COLORS, DARK)


def test_lines_and_tints_follow_the_theme():
    figure = Figure()
    left, right = figure.subplots(1, 2)
    left.plot([0, 1], color=COLORS["gold"])
    shade(right, "model", np.linspace(0, 1, 6).reshape(2, 3))
    shade(right, "derivative", np.linspace(1, 0, 6).reshape(2, 3), smooth=False)
    svg = tree(figure)
    parts = {element.tag.rpartition("}")[2]: [] for element in svg.iter()}
    for element in svg.iter():
        parts[element.tag.rpartition("}")[2]].append(element)
    strokes = {path.get("stroke") for path in parts["path"]}
    assert f"var(--npfl-gold,{COLORS['gold']})" in strokes
    smooth, sharp = parts["image"]
    assert (smooth.get("filter"), sharp.get("filter")) == ("url(#npfl-model)", "url(#npfl-derivative)")
    assert smooth.get("image-rendering") is None
    assert "pixelated" in sharp.get("image-rendering")
    floods = [flood.get("flood-color") for flood in parts["feFlood"]]
    assert floods == [f"var(--npfl-{name},{COLORS[name]})" for name in ("model", "derivative")]
    assert {filter_.get("id") for filter_ in parts["filter"]} == {"npfl-model", "npfl-derivative"}


def test_an_image_of_many_colours_keeps_them():
    figure = Figure()
    figure.subplots().imshow(np.arange(6).reshape(2, 3), interpolation="none")
    (image,) = (element for element in tree(figure).iter() if element.tag.endswith("image"))
    assert image.get("filter") is None


@pytest.mark.parametrize("opacity", [[0.0, 1.0], [[0.0, 1.1]], [[np.nan]]])
def test_a_tint_needs_a_matrix_of_shares(opacity):
    with pytest.raises(ValueError, match="opacity must be a matrix of numbers from 0 to 1"):
        shade(Figure().subplots(), "model", opacity)
    with pytest.raises(ValueError, match="color must be"):
        shade(Figure().subplots(), "teal", [[0.5]])
