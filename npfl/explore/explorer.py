"""The one call for authors, and the choice between page and kernel."""

import inspect
import itertools
import math
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from npfl._checks import as_sequence, flag, function, optional, text
from npfl.explore import live, page
from npfl.explore.svg import Frame, pack, tree
from npfl.figures import STYLE

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Parameter(ABC):
    """What `Slider` and `Choice` share.

    Examples
    --------
    >>> Choice(["SGD", "Adam"]).texts
    ['SGD', 'Adam']

    References
    ----------
    This book, page "How a chapter works".
    """

    values: Sequence[Any]
    label: str | None = None
    start: Any = None
    format: str = "{}"
    printed: Sequence[Any] = ()
    buttons: ClassVar[bool]

    def __post_init__(self) -> None:
        if len(as_sequence("values", self.values, "what the parameter can be")) == 0:
            raise ValueError("values must not be empty, got none")
        optional(text)("label", self.label)
        try:
            text("format", self.format).format(self.values[0])
        except (ValueError, LookupError):
            raise ValueError(f"format must fit the values, as in str.format, got {self.format!r}") from None
        if len(set(self.texts)) < len(self.texts):
            raise ValueError(f"values must have different texts, got {self.texts}: give a finer format")
        if self.start is not None and self.start not in list(self.values):
            raise ValueError(f"start must be one of the values, got {self.start!r}")
        printed = list(as_sequence("printed", self.printed, "the values that paper shows"))
        if printed and (
            not 2 <= len(printed) <= 4  # more would not fit on half a sheet
            or any(value not in list(self.values) or printed.count(value) > 1 for value in printed)
        ):
            raise ValueError(
                f"printed must be two to four different ones of the values, got {self.printed!r}"
            )

    @property
    def texts(self) -> list[str]:
        """How each value is written."""
        # Screen readers do not speak the hyphen before a number as "minus"; they do speak the sign.
        return [self.format.format(value).replace("-", "\N{MINUS SIGN}") for value in self.values]

    @property
    @abstractmethod
    def first(self) -> int:
        """The position shown first."""

    @property
    def plays(self) -> bool:
        """Whether a button plays the values."""
        return False


@dataclass(frozen=True)
class Slider(Parameter):
    """The positions of one slider, for a parameter whose values have an order.

    Parameters
    ----------
    values : sequence
        The values that the parameter takes, in order. Equal texts may not stand for different values.
    label : str, optional
        What the reader sees beside the slider; the parameter's name if left out.
    start : object, optional
        The value shown first; the one in the middle if left out.
    format : str
        How a value is written, as in `str.format`.
    printed : sequence
        Two to four of the values that stand beside each other on paper, where nothing can be moved; the one
        shown first if left out. For one parameter of a figure at most.
    play : bool
        Whether a button plays the values in their order. For a parameter that is time (steps, epochs), and
        for one slider of a figure at most. Readers who asked their system for less motion do not see it.

    Raises
    ------
    ValueError
        If there are no values, two values have the same text, or `start` or `printed` are not of them.

    Examples
    --------
    >>> Slider([0.0, 0.25, 0.5], label="dropout rate", start=0.5, format="{:.2f}").texts
    ['0.00', '0.25', '0.50']

    References
    ----------
    This book, page "How a chapter works".
    """

    play: bool = False
    buttons: ClassVar[bool] = False

    def __post_init__(self) -> None:
        flag("play", self.play)
        super().__post_init__()

    @property
    def first(self) -> int:
        """The position shown first."""
        return len(self.values) // 2 if self.start is None else list(self.values).index(self.start)

    @property
    def plays(self) -> bool:
        """Whether a button plays the values."""
        return self.play


@dataclass(frozen=True)
class Choice(Parameter):
    """A row of buttons, of which one is pressed, for a parameter whose values have no order.

    Parameters
    ----------
    values : sequence
        The values to choose from. Equal texts may not stand for different values.
    label : str, optional
        What the reader sees beside the buttons; the parameter's name if left out.
    start : object, optional
        The value shown first; the first one if left out.
    format : str
        How a value is written, as in `str.format`.
    printed : sequence
        Two to four of the values that stand beside each other on paper, where nothing can be pressed; the one
        shown first if left out. For one parameter of a figure at most.

    Raises
    ------
    ValueError
        If there are no values, two values have the same text, or `start` or `printed` are not of them.

    Examples
    --------
    >>> Choice(["SGD", "Adam"], label="optimizer", start="Adam").first
    1

    References
    ----------
    This book, page "How a chapter works".
    """

    buttons: ClassVar[bool] = True

    @property
    def first(self) -> int:
        """The position shown first."""
        return 0 if self.start is None else list(self.values).index(self.start)


class Explorer:
    """A figure with sliders and buttons, made by `explore` of its `draw`, `alts`, `name` and `sliders`.

    Examples
    --------
    >>> explorer = explore(lambda rate: None, alt="a figure", name="figure", rate=Slider([0.0, 0.5, 1.0]))
    >>> explorer.first, len(explorer.positions)
    ((1,), 3)

    References
    ----------
    This book, page "How a chapter works".
    """

    def __init__(
        self, draw: Callable[..., Any], alts: list[str], name: str, sliders: Mapping[str, Parameter]
    ) -> None:
        self.draw, self.alts, self.name, self.sliders = draw, alts, name, sliders

    @property
    def positions(self) -> list[tuple[int, ...]]:
        """Every combination of the sliders' positions, the last slider running fastest."""
        return list(itertools.product(*(range(len(slider.values)) for slider in self.sliders.values())))

    @property
    def first(self) -> tuple[int, ...]:
        """The combination shown first."""
        return tuple(slider.first for slider in self.sliders.values())

    def printed(self, key: str) -> list[tuple[int, str]]:
        """Return the number of each frame that paper shows of one parameter, and what is written over it."""
        slider, where = self.sliders[key], list(self.sliders).index(key)
        states = [list(slider.values).index(value) for value in slider.printed]
        return [
            (
                self.positions.index((*self.first[:where], state, *self.first[where + 1 :])),
                f"{slider.label or key} = {slider.texts[state]}",
            )
            for state in states
        ]

    def values(self, position: Sequence[int]) -> dict[str, Any]:
        """Return what the drawing function is given for one combination of positions."""
        return {
            key: slider.values[i] for (key, slider), i in zip(self.sliders.items(), position, strict=True)
        }

    def frame(self, position: Sequence[int], packed: bool = False) -> Frame:
        """Draw the figures for one combination of positions, `packed` as the page holds them.

        Raises
        ------
        RuntimeError
            If the drawing function fails or returns something else than figures and a sentence; the message
            names the values.
        """
        import matplotlib.pyplot as plt

        values = self.values(position)
        try:
            with plt.rc_context(STYLE):
                drawn = self.draw(**values)
            figures, says = drawn if isinstance(drawn, tuple) else (drawn, "")
            figures = figures if isinstance(figures, list) else [figures]
            if not isinstance(says, str) or not all(hasattr(figure, "savefig") for figure in figures):
                raise TypeError(
                    "draw must return a figure or a list of figures, or a tuple of it and a sentence"
                )
            if len(figures) != len(self.alts):
                raise ValueError(f"there are {len(figures)} figures, but {len(self.alts)} texts in alt")
        except Exception as error:
            raise RuntimeError(f"{self!r} cannot draw {values}: {type(error).__name__}: {error}") from error
        svgs = [tree(figure) for figure in figures]
        for svg in svgs if packed else []:
            pack(svg)
        return Frame(svgs, says)

    def __repr__(self) -> str:
        return f"explore({', '.join(self.sliders)})"

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        if os.environ.get("NPFL_BOOK"):
            return page.bundle(self)
        return live.widget(self)._repr_mimebundle_(**kwargs)


def explore(
    draw: "Callable[..., Figure | list[Figure] | tuple[Figure | list[Figure], str]]",
    /,
    alt: str | list[str],
    name: str | None = None,
    **sliders: Slider | Choice,
) -> Explorer:
    """Show one or several figures whose parameters the reader moves.

    In a live notebook the sliders are those of ipywidgets and each move draws anew. In the built book all
    pictures are drawn beforehand, and the page holds one of them and what differs in the others.

    Parameters
    ----------
    draw : callable
        Takes one value of each parameter by name and returns a Matplotlib figure, or a list of figures that
        are moved together; or a tuple of that and a sentence that says the number behind the picture. It must
        draw the same picture for the same values, whatever was drawn before.
    alt : str or list of str
        What is to be seen, for readers who do not see the picture; a list with one text for each figure if
        there are several.
    name : str, optional
        A short name, unique in its page, that stands in the page's address; the name of `draw` if left out.
    **sliders : Slider or Choice
        The values of each parameter, which cannot be called `alt` or `name`: a slider where they have an
        order, a choice where they have none.

    Returns
    -------
    Explorer
        Show it as the last line of a cell.

    Raises
    ------
    TypeError
        If a parameter is not given as `Slider` or `Choice`, or has a name that is taken.
    ValueError
        If `alt` is empty, the name would not do in an address, more than one slider plays or is
        printed at several values, or the sliders together have more than 200 positions.
    RuntimeError
        When the book is built and all is drawn: if `draw` fails for some values or draws different pictures
        for the same values, or if the pictures together weigh more than 60 kB compressed.

    Examples
    --------
    >>> explore(lambda rate: None, alt="")
    Traceback (most recent call last):
    ValueError: alt must say what is to be seen in the figure

    References
    ----------
    This book, page "How a chapter works".
    """
    for taken, given in (("alt", alt), ("name", name)):
        if isinstance(given, Parameter):
            raise TypeError(
                f"a slider cannot be called {taken!r}, which says something about the figure: rename it"
            )
    alts = [alt] if isinstance(alt, str) else as_sequence("alt", alt, "texts, one for each figure")
    if not alts or not all(text("alt", each).strip() for each in alts):
        raise ValueError("alt must say what is to be seen in the figure")
    parameters = inspect.signature(function("draw", draw)).parameters
    for key, slider in sliders.items():
        if not isinstance(slider, Parameter):
            raise TypeError(f"{key} must be a Slider or a Choice, got {type(slider).__name__}")
    optional(text)("name", name)
    name = name or getattr(draw, "__name__", "figure").strip("<>").replace("_", "-")
    if not re.fullmatch(r"[A-Za-z][\w-]*", name):
        raise ValueError(f"name must be letters, digits and hyphens, got {name!r}")
    if sum(slider.plays for slider in sliders.values()) > 1:
        raise ValueError("only one slider of a figure can play")
    if sum(len(slider.printed) > 0 for slider in sliders.values()) > 1:
        raise ValueError("only one parameter of a figure can be printed at several values")
    counts = [len(slider.values) for slider in sliders.values()]
    if math.prod(counts) > page.MOST_FRAMES:
        raise ValueError(
            f"the sliders have {math.prod(counts)} positions together ({' x '.join(map(str, counts))}), "
            f"allowed are {page.MOST_FRAMES}: leave out values, or make two figures of it"
        )
    arguments = [key for key in parameters if parameters[key].kind is not inspect.Parameter.VAR_KEYWORD]
    if len(arguments) == len(parameters) and set(sliders) - set(parameters):
        raise TypeError(f"sliders must be arguments of draw, {arguments}, got {list(sliders)}")
    return Explorer(draw, alts, name, sliders)
