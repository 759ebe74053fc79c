"""The one call for authors: what it accepts, what it writes into a page, what it shows in a notebook."""

import base64
import io
import json
import re
import xml.etree.ElementTree as ET
from copy import deepcopy

import matplotlib
import nbclient
import nbformat
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from npfl.explore import Choice, Slider, explore, live
from npfl.explore.page import differences
from npfl.explore.svg import tree
from npfl.figures import COLORS, panels

matplotlib.use("Agg")


def line(power=1, shift=0.0):
    figure, axis = panels(height=2)
    x = np.linspace(0, 1, 5)
    axis.plot(x, x**power + shift, color=COLORS["model"])
    axis.set_title(f"x to the power {power}")
    if power == 3:
        axis.text(0.5, 0.5, "<cubic> & more")
    return figure, f"At 1 it is {1 + shift:.1f}."


LINE = {"alt": "a curve", "power": Slider([1, 2, 3]), "shift": Slider([-0.5, 0.0, 0.5], start=0.0)}


def in_book(monkeypatch, draw, **options):
    """Return what the built book shows."""
    monkeypatch.setenv("NPFL_BOOK", "1")
    shown, _ = explore(draw, **options)._repr_mimebundle_()
    return shown["text/html"]


def apply(base, changes, frame):
    """Do what explore.js does."""
    root = ET.fromstring(
        re.sub(r"<svg (?!xmlns)", '<svg xmlns:xlink="x" ', ET.tostring(base, encoding="unicode"))
    )
    nodes = {node.get("data-c"): node for node in root.iter()}
    for number, attribute, values, which in changes:
        node, value = nodes[str(number)], values[which[frame]]
        if attribute:
            if value is None:
                node.attrib.pop(attribute, None)
            else:
                node.set(attribute, value)
        else:
            inside = ET.fromstring(f"<x>{value}</x>")
            node.text = inside.text
            for child in list(node):
                node.remove(child)
            node.extend(inside)
    for node in root.iter():
        node.attrib.pop("data-c", None)
    return root


def same(a, b):
    """Compare two trees, whatever their namespaces."""

    def plain(node):
        tag, attributes = (
            node.tag.rpartition("}")[2],
            {k.rpartition("}")[2]: v for k, v in node.attrib.items()},
        )
        return tag, attributes, node.text or "", [plain(child) for child in node]

    return plain(a) == plain(b)


def test_every_frame_comes_out_of_the_page_as_drawn():
    explorer = explore(line, **LINE)
    frames = [explorer.frame(position).svgs[0] for position in explorer.positions]
    start = explorer.positions.index(explorer.first)
    base, changes = differences(frames, start)
    assert same(apply(base, [], 0), frames[start])
    for i, frame in enumerate(frames):
        assert same(apply(base, changes, i), frame)


leaves = st.builds(
    lambda tag, attrib: ET.Element(tag, attrib),
    st.sampled_from("abc"),
    st.dictionaries(st.sampled_from(["d", "fill", "x"]), st.sampled_from(["1", "2", "3"]), max_size=3),
)


@st.composite
def trees(draw, depth=2):
    tree = draw(leaves)
    tree.text = draw(st.sampled_from([None, "one", "<two> & three"]))
    if depth:
        tree.extend(draw(st.lists(trees(depth=depth - 1), max_size=2)))
    return tree


@given(st.lists(trees(), min_size=1, max_size=4), st.integers(0, 3))
def test_differences_restore_any_tree(frames, start):
    for frame in frames:
        frame.tag = "svg"
    before = [deepcopy(frame) for frame in frames]
    base, changes = differences(frames, start % len(frames))
    assert all(same(a, b) for a, b in zip(frames, before, strict=True)), "the frames were changed"
    for i, frame in enumerate(frames):
        assert same(apply(base, changes, i), frame)


def test_page_is_small_and_themable(monkeypatch):
    html = in_book(monkeypatch, line, **LINE)
    assert "style=" not in html
    assert "#000000" not in html
    assert "currentColor" in html
    assert COLORS["model"].lower() in html.lower()
    assert "font-family" not in html
    data = json.loads(re.search(r'<script type="application/json">(.*?)</script>', html)[1])
    assert len(data["says"]) == 9
    assert 'aria-label="a curve"' in html
    assert "\N{MINUS SIGN}0.5" in html


def test_a_bitmap_is_packed_without_loss(monkeypatch):
    pixels = np.linspace(0, 1, 48).reshape(6, 8)

    def draw(rows=3):
        figure, axis = panels(height=2)
        axis.imshow(pixels[:rows], interpolation="none", cmap="gray")
        return figure

    shown = in_book(monkeypatch, draw, alt="pixels", rows=Slider([3, 6]))
    bitmaps = {base64.b64decode(data) for data in re.findall(r"data:image/webp;base64,([^\"\\&]+)", shown)}
    assert len(bitmaps) == 2
    assert "image/png" not in shown
    greys = [
        np.unique(np.asarray(Image.open(io.BytesIO(bitmap)).convert("L"))).tolist() for bitmap in bitmaps
    ]
    assert sorted(map(len, greys)) == [24, 48]


def test_a_notebook_is_given_widgets(monkeypatch):
    monkeypatch.delenv("NPFL_BOOK", raising=False)
    shown = explore(line, **LINE)._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in shown


def test_notebook_shows_sliders_that_draw_anew():
    widget = explore(line, **LINE)
    picture_, power, shift, says = live.widget(widget).children
    before = picture_.value
    assert "--npfl-paper:" in before, "without the colour of the page, a figure's white is black"
    assert "fill: currentColor" in before, "without it, the letters are black in the dark theme"
    shift.value = 2
    assert picture_.value != before
    assert "At 1 it is 1.5." in says.value
    power.value = 0
    assert "x to the power 1" in picture_.value


def test_linked_figures_are_moved_together(monkeypatch):
    def both(power):
        return [line(power)[0], line(4 - power)[0]], f"power {power}"

    powers = Slider([1, 2, 3])
    html = in_book(monkeypatch, both, alt=["rises", "falls"], power=powers)
    assert re.findall(r'role="img" aria-label="(\w+)"', html) == ["rises", "falls"]
    data = json.loads(re.search(r'<script type="application/json">(.*?)</script>', html)[1])
    assert data["says"] == ["power 1", "power 2", "power 3"]
    marked = re.findall(r'data-c="(\d+)"', html)
    assert sorted(map(int, marked)) == sorted({change[0] for change in data["changes"]})

    monkeypatch.delenv("NPFL_BOOK")
    explorer = explore(both, alt=["rises", "falls"], power=powers)
    pictures, slider, says = live.widget(explorer).children
    for i in range(3):
        slider.value = i
        assert [text in pictures.value for text in explorer.frame((i,)).texts] == [True, True]
        assert f"power {i + 1}" in says.value
    assert pictures.value.count('role="img"') == 2


def test_a_choice_is_a_row_of_buttons(monkeypatch):
    def draw(kind, shift):
        return line(2 if kind == "square" else 3, shift)

    options = {"alt": "a curve", "kind": Choice(["square", "<cube>"], label="shape"), "shift": LINE["shift"]}
    _, kind, shift, says = live.widget(explore(draw, **options)).children
    assert (kind.options, kind.value, kind.description) == ((("square", 0), ("<cube>", 1)), 0, "shape")
    assert type(kind).__name__ == "ToggleButtons"
    assert type(shift).__name__ == "SelectionSlider"
    kind.value, shift.value = 1, 2
    assert "1.5" in says.value
    html = in_book(monkeypatch, draw, **options)
    radios = re.findall(r'<input type="radio" name="draw.kind" value="(.)"( checked)?', html)
    assert radios == [("0", " checked"), ("1", "")]
    assert "<span>&lt;cube&gt;</span>" in html
    assert html.count('type="range"') == 1


def test_play_button_only_where_time_is_the_parameter(monkeypatch):
    steps = Slider([1, 2, 3], start=1, play=True)
    html = in_book(monkeypatch, line, alt="a curve", power=steps, shift=Slider([0.0, 1.0]))
    assert html.count("<button") == 3
    assert html.count("data-play") == 1
    assert in_book(monkeypatch, line, **LINE).count("<button") == 2

    explorer = explore(line, alt="a curve", power=steps)
    _, _, play, _ = live.widget(explorer).children
    assert (play.value, play.max, play.interval) == (0, 2, 2000)


def test_too_heavy_a_figure_stops_the_build(monkeypatch):
    def heavy(seed):
        figure, axis = panels()
        axis.plot(np.random.default_rng(seed).normal(size=3000))
        return figure

    with pytest.raises(
        RuntimeError,
        match=r"explore\(seed\) weighs \d+\.\d kB compressed with its 9 frames, allowed are 60 kB",
    ):
        in_book(monkeypatch, heavy, alt="noise", seed=Slider(range(9)))


def test_a_failure_in_the_book_stops_the_cell(monkeypatch):
    monkeypatch.setenv("NPFL_BOOK", "1")
    cell = (
        "from npfl.explore import Slider, explore\n"
        "explore(lambda rate: 1 / rate, alt='nothing', rate=Slider([1, 0]))"
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell)])
    with pytest.raises(nbclient.exceptions.CellExecutionError, match=r"cannot draw \{'rate': 1\}: TypeError"):
        nbclient.NotebookClient(notebook).execute()


def test_random_drawing_is_caught(monkeypatch):
    def noisy(n):
        figure, axis = panels()
        axis.plot(np.random.default_rng().normal(size=n))
        return figure

    with pytest.raises(RuntimeError, match=r"draws two different pictures for \{'n': 4\}: seed"):
        in_book(monkeypatch, noisy, alt="noise", n=Slider([3, 4]))


def test_drawing_that_depends_on_what_was_drawn_before_is_caught(monkeypatch):
    rng, highest = np.random.default_rng(1), [0]

    def walks(n):
        figure, axis = panels()
        axis.plot(rng.normal(size=n))
        return figure

    def remembers(n):
        highest[0] = max(highest[0], n)
        figure, axis = panels()
        axis.plot([0, highest[0]])
        return figure

    for draw in [walks, remembers]:
        with pytest.raises(RuntimeError, match="change nothing outside"):
            in_book(monkeypatch, draw, alt="x", n=Slider([3, 4, 5], start=5))


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (None, "TypeError: draw must return a figure"),
        ("text", "TypeError: draw must return a figure"),
        (([], "nothing"), "ValueError: there are 0 figures, but 1 texts in alt"),
    ],
)
def test_wrong_results_of_the_drawing_function(result, message):
    explorer = explore(lambda rate: result, alt="nothing", rate=Slider([0.5]))
    with pytest.raises(RuntimeError, match=rf"cannot draw \{{'rate': 0.5\}}: {message}"):
        explorer.frame((0,))


def test_failing_drawing_names_the_values():
    def fails(rate):
        raise ZeroDivisionError("division by zero")

    explorer = explore(fails, alt="nothing", rate=Slider([0.5, 1.0]))
    with pytest.raises(
        RuntimeError, match=r"cannot draw \{'rate': 1.0\}: ZeroDivisionError: division by zero"
    ):
        explorer.frame((1,))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Slider([]), "values must not be empty"),
        (lambda: Slider([0.01, 0.02], format="{:.1f}"), "values must have different texts"),
        (lambda: Slider([1, 2], start=3), "start must be one of the values, got 3"),
        (
            lambda: Slider([1, 2], printed=[1, 3]),
            r"printed must be two to four different ones .* got \[1, 3\]",
        ),
        (
            lambda: Choice(["a", "b"], printed=["a"]),
            "printed must be two to four different ones of the values",
        ),
        (lambda: explore(line, alt=" "), "alt must say what is to be seen"),
        (lambda: explore(line, alt=["first", ""]), "alt must say what is to be seen"),
        (lambda: explore(line, alt=[]), "alt must say what is to be seen"),
        (lambda: explore(line, alt="x", name="a name"), "name must be letters, digits and hyphens"),
        (
            lambda: explore(line, alt="x", **dict.fromkeys("ab", Slider([1], play=True))),
            "only one slider of a figure can play",
        ),
        (
            lambda: explore(line, alt="x", **dict.fromkeys("ab", Slider([1, 2], printed=[1, 2]))),
            "only one parameter of a figure can be printed at several values",
        ),
        (
            lambda: explore(line, alt="x", power=Slider(range(15)), shift=Slider(range(14))),
            r"have 210 positions together \(15 x 14\), allowed are 200",
        ),
    ],
)
def test_bad_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("taken", ["alt", "name"])
def test_name_of_a_slider_that_is_taken(taken):
    with pytest.raises(TypeError, match=f"cannot be called '{taken}'"):
        explore(lambda **values: None, **({"alt": "A curve"} | {taken: Slider([1])}))


def test_slider_called_draw():
    assert repr(explore(lambda draw: None, alt="A curve", draw=Slider([1]))) == "explore(draw)"


def test_plain_list_instead_of_slider():
    with pytest.raises(TypeError, match="power must be a Slider or a Choice, got list"):
        explore(line, alt="x", power=[1, 2])


def test_powers_of_ten_are_plain_text():
    figure, axis = panels()
    axis.plot([1, 2, 3], [1e-3, 1, 500])
    axis.set(yscale="log", ylim=(1e-3, 1e3))
    other, axis = panels()
    axis.set(xscale="log", xlim=(10, 1000), xticks=[10, 50, 1000])
    axis.set_xticklabels(["ten", "fifty", "many"])
    axis.minorticks_off()
    written = [
        [text.text for text in tree(f).iter("{http://www.w3.org/2000/svg}text")] for f in (figure, other)
    ]
    assert written[0][-7:] == ["10⁻³", "10⁻²", "10⁻¹", "1", "10", "10²", "10³"]
    assert written[1][:3] == ["ten", "fifty", "many"], "what an author writes stays"


def test_same_figure_gives_the_same_bytes():
    assert ET.tostring(tree(line()[0])) == ET.tostring(tree(line()[0]))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Slider("abc"), "values must be a sequence of what the parameter can be, got 'abc'"),
        (lambda: Slider(3), "values must be a sequence of what the parameter can be, got 3"),
        (lambda: Slider([]), "values must not be empty, got none"),
        (lambda: Slider([1, 2], label=3), "label must be a string, got 3"),
        (lambda: Slider([1, 2], format="{:q}"), r"format must fit the values, as in str\.format, got '{:q}'"),
        (lambda: Slider([1, 2], format="{b}"), r"format must fit the values, as in str\.format, got '{b}'"),
        (lambda: Slider([1, 2], format=None), "format must be a string, got None"),
        (lambda: Slider([1, 2], play="yes"), "play must be True or False, got 'yes'"),
        (lambda: explore(3, alt="x", a=Slider([1])), "draw must be a function, got 3"),
        (lambda: explore(lambda a: None, alt=3, a=Slider([1])), "alt must be a sequence of texts, .*, got 3"),
        (lambda: explore(lambda a: None, alt=[3], a=Slider([1])), "alt must be a string, got 3"),
        (lambda: explore(lambda a: None, alt="x", name=3, a=Slider([1])), "name must be a string, got 3"),
        (
            lambda: explore(lambda a: None, alt="x", b=Slider([1])),
            r"sliders must be arguments of draw, \['a'\], got \['b'\]",
        ),
        (lambda: panels("a"), "rows must be an integer, got 'a'"),
        (lambda: panels(1, 0), "columns must be at least 1, got 0"),
        (lambda: panels(height=float("nan")), "height must be positive and finite, got nan"),
    ],
)
def test_a_wrong_argument_is_named(call, message):
    with pytest.raises((TypeError, ValueError), match=message):
        call()


def test_a_drawing_function_may_take_any_sliders():
    assert repr(explore(lambda **values: None, alt="x", name="any", a=Slider([1]))) == "explore(a)"
