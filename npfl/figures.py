"""The look of the book's figures: one meaning for each colour, one width for page and telephone."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from npfl._checks import as_float, count, one_of, positive

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# In the hues of the palette of Okabe and Ito, with lightnesses that differ more: any two are a CIEDE2000
# distance of at least 20 apart, also as seen without one of the three kinds of cones, and each has a contrast
# of at least 3 against the page. A figure is drawn with the first; in the dark theme the page shows the
# second.
COLORS = {
    "gold": "#00a178",
    "model": "#00569e",
    "derivative": "#bb3f00",
    "other": "#c17eb4",
}
DARK = {
    "gold": "#59d9a7",
    "model": "#4678e3",
    "derivative": "#f27322",
    "other": "#f0b3fe",
}


STYLE: dict[Any, Any] = {
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "axes.titley": 1.0,  # where it stands anyway; looking for the place takes a tenth of a figure's time
    "font.size": 9,
    "legend.frameon": False,
}


def panels(
    rows: int = 1, columns: int = 1, height: float = 3.0, width: float = 4.2, **options: Any
) -> "tuple[Figure, Any]":
    """Make a figure of the book's width with empty panels.

    Parameters
    ----------
    rows, columns : int
        The number of panels.
    height, width : float
        The size of the whole figure in inches. The text of a width of 4.2 is read well at 390 pixels; 3.4 is
        for one of two figures that stand side by side where there is room.
    **options
        Passed on to `matplotlib.pyplot.subplots`.

    Returns
    -------
    figure : Figure
    axes : Axes or ndarray of Axes, as from `matplotlib.pyplot.subplots`

    Examples
    --------
    >>> figure, axes = panels(2)
    >>> len(axes)
    2

    References
    ----------
    Okabe and Ito: Color universal design, 2008 (the palette).
    """
    rows, columns = count("rows", rows), count("columns", columns)
    size = (positive("width", width), positive("height", height))
    import matplotlib.pyplot as plt

    return plt.subplots(rows, columns, figsize=size, **options)


def shade(axis: "Axes", color: str, opacity: ArrayLike, smooth: bool = True, **options: Any) -> None:
    """Tint an area with one colour, which follows the page's theme as those of lines do.

    Parameters
    ----------
    axis : Axes
    color : str
        A name of `COLORS`, or "black" for the colour of the text.
    opacity : array_like, shape (rows, columns)
        How strong the tint is at each point of a grid, from 0 to 1. It is rounded to 32 levels, which look
        even and keep the figure small.
    smooth : bool
        Whether the tint changes evenly from one point to the next; otherwise each is a rectangle.
    **options
        Passed on to `matplotlib.axes.Axes.imshow`, such as `extent` and `origin`.

    Examples
    --------
    >>> _, axis = panels()
    >>> shade(axis, "model", [[0.0, 0.5], [0.5, 1.0]], extent=(0, 1, 0, 1), origin="lower")

    References
    ----------
    This book, page "How a chapter works".
    """
    name = one_of("black", *COLORS)("color", color)
    strength = as_float("opacity", opacity)
    if strength.ndim != 2 or not ((strength >= 0) & (strength <= 1)).all():
        raise ValueError(f"opacity must be a matrix of numbers from 0 to 1, got shape {strength.shape}")
    value = COLORS.get(name, "#000000")
    pixels = np.empty((*strength.shape, 4), np.uint8)
    pixels[..., :3] = [int(value[i : i + 2], 16) for i in (1, 3, 5)]
    pixels[..., 3] = np.round(np.round(strength * 32) * (255 / 32))
    # The name of an image tells how it is to be enlarged: npfl.explore.svg.
    axis.imshow(pixels, interpolation="none", gid="smooth" if smooth else None, **options)
