"""The one call for authors, and the choice between page and kernel."""

import itertools
import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from npfl.explore import live, page
from npfl.explore.svg import Picture, picture
from npfl.figures import STYLE

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# A page of the book stays light: more positions than this want coarser steps or a second figure.
MOST_FRAMES = 200


@dataclass(frozen=True)
class Slider:
    """The positions of one slider.

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

    Raises
    ------
    ValueError
        If there are no values, two values have the same text or `start` is not one of them.

    Examples
    --------
    >>> Slider([0.0, 0.25, 0.5], label="dropout rate", start=0.5, format="{:.2f}").texts
    ['0.00', '0.25', '0.50']

    References
    ----------
    This book, page "How a chapter works".
    """

    values: Sequence[Any]
    label: str | None = None
    start: Any = None
    format: str = "{}"

    def __post_init__(self) -> None:
        if len(self.values) == 0:
            raise ValueError("values must not be empty")
        if len(set(self.texts)) < len(self.texts):
            raise ValueError(f"values must have different texts, got {self.texts}: give a finer format")
        if self.start is not None and self.start not in list(self.values):
            raise ValueError(f"start must be one of the values, got {self.start!r}")

    @property
    def texts(self) -> list[str]:
        """How each value is written."""
        # Screen readers do not speak the hyphen before a number as "minus"; they do speak the sign.
        return [self.format.format(value).replace("-", "\N{MINUS SIGN}") for value in self.values]

    @property
    def first(self) -> int:
        """The position shown first."""
        return len(self.values) // 2 if self.start is None else list(self.values).index(self.start)


class Explorer:
    """A figure with sliders; `explore` makes it and a notebook or the book shows it.

    Examples
    --------
    >>> explorer = explore(lambda rate: None, alt="a figure", name="figure", rate=Slider([0.0, 0.5, 1.0]))
    >>> explorer.first, len(explorer.positions)
    ((1,), 3)

    References
    ----------
    This book, page "How a chapter works".
    """

    def __init__(self, draw: Callable[..., Any], alt: str, name: str, sliders: dict[str, Slider]) -> None:
        self.draw, self.alt, self.name, self.sliders = draw, alt, name, sliders

    @property
    def positions(self) -> list[tuple[int, ...]]:
        """Every combination of the sliders' positions, the last slider running fastest."""
        return list(itertools.product(*(range(len(slider.values)) for slider in self.sliders.values())))

    @property
    def first(self) -> tuple[int, ...]:
        """The combination shown first."""
        return tuple(slider.first for slider in self.sliders.values())

    def frame(self, position: Sequence[int]) -> Picture:
        """Draw the picture for one combination of positions.

        Raises
        ------
        RuntimeError
            If the drawing function fails; the message names the values.
        """
        import matplotlib.pyplot as plt

        values = {
            key: slider.values[i] for (key, slider), i in zip(self.sliders.items(), position, strict=True)
        }
        try:
            with plt.rc_context(STYLE):
                drawn = self.draw(**values)
        except Exception as error:
            raise RuntimeError(f"{self!r} cannot draw {values}: {type(error).__name__}: {error}") from error
        figure, says = drawn if isinstance(drawn, tuple) else (drawn, "")
        return picture(figure, says)

    def __repr__(self) -> str:
        return f"explore({', '.join(self.sliders)})"

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        if os.environ.get("NPFL_BOOK"):
            return {"text/html": page.html(self), "text/plain": repr(self)}
        return live.widget(self)._repr_mimebundle_(**kwargs)


def explore(
    draw: "Callable[..., Figure | tuple[Figure, str]]", alt: str, name: str | None = None, **sliders: Slider
) -> Explorer:
    """Show a figure whose parameters the reader moves.

    In a live notebook the sliders are those of ipywidgets and each move draws anew. In the built book all
    pictures are drawn beforehand, and the page holds one of them and what differs in the others.

    Parameters
    ----------
    draw : callable
        Takes one value of each slider by name and returns a Matplotlib figure, or the figure and a sentence
        that says the number behind the picture. It must draw the same picture for the same values.
    alt : str
        What is to be seen, for readers who do not see the picture.
    name : str, optional
        A short name, unique in its page, that stands in the page's address; the name of `draw` if left out.
    **sliders : Slider
        The values of each parameter.

    Returns
    -------
    Explorer
        Show it as the last line of a cell.

    Raises
    ------
    TypeError
        If a parameter is not given as `Slider`.
    ValueError
        If `alt` is empty or the sliders together have more than 200 positions.

    Examples
    --------
    >>> explore(lambda rate: None, alt="")
    Traceback (most recent call last):
    ValueError: alt must say what is to be seen in the figure

    References
    ----------
    This book, page "How a chapter works".
    """
    if not alt.strip():
        raise ValueError("alt must say what is to be seen in the figure")
    for key, slider in sliders.items():
        if not isinstance(slider, Slider):
            raise TypeError(f"{key} must be a Slider, got {type(slider).__name__}")
    count = math.prod(len(slider.values) for slider in sliders.values())
    if count > MOST_FRAMES:
        raise ValueError(f"the sliders have {count} positions together, allowed are {MOST_FRAMES}")
    return Explorer(draw, alt, name or draw.__name__.replace("_", "-"), sliders)
