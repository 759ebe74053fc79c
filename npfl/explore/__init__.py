"""Sliders that answer at once in the book's page and compute in a live notebook.

>>> import matplotlib.figure
>>> def draw(power):
...     figure = matplotlib.figure.Figure(figsize=(3, 2))
...     figure.subplots().plot([0, 1, 2], [0, 1, 2**power])
...     return figure, f"The last point lies at {2**power}."
>>> explore(draw, alt="A curve that bends upwards", power=Slider([1, 2, 3]))
explore(power)
"""

from npfl.explore.explorer import Explorer, Slider, explore

__all__ = ["Explorer", "Slider", "explore"]
