"""The look of the book's figures: one meaning for each colour, one width for page and telephone."""

from typing import TYPE_CHECKING, Any

from npfl._checks import count, positive

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# From the palette of Okabe and Ito, which colour-blind readers can tell apart. Each has a contrast of at
# least 3 against the page's background in the light and in the dark theme.
COLORS = {
    "gold": "#009E73",
    "model": "#0072B2",
    "derivative": "#D55E00",
    "other": "#CC79A7",
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


def panels(rows: int = 1, columns: int = 1, height: float = 3.0, **options: Any) -> "tuple[Figure, Any]":
    """Make a figure of the book's width with empty panels.

    Parameters
    ----------
    rows, columns : int
        The number of panels.
    height : float
        The height of the whole figure in inches; the width is 4.2, whose text is read well at 390 pixels.
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
    rows, columns, height = count("rows", rows), count("columns", columns), positive("height", height)
    import matplotlib.pyplot as plt

    return plt.subplots(rows, columns, figsize=(4.2, height), **options)
