"""Sliders that answer at once in the book's page and compute in a live notebook.

>>> import matplotlib.figure
>>> def draw(power):
...     figure = matplotlib.figure.Figure(figsize=(3, 2))
...     figure.subplots().plot([0, 1, 2], [0, 1, 2**power])
...     return figure, f"The last point lies at {2**power}."
>>> explore(draw, alt="A curve that bends upwards", power=Slider([1, 2, 3]))
explore(power)

A parameter whose values have no order is a row of buttons: ``optimizer=Choice(["SGD", "Adam"])``.

The function may return a list of figures instead, each with its own text in `alt`: the sliders move them
together. A slider over time can have a play button.

>>> def descend(step):
...     weights = [0.8**i for i in range(step + 1)]
...     path, error = (matplotlib.figure.Figure(figsize=(3, 2)) for _ in range(2))
...     path.subplots().plot(weights)
...     error.subplots().plot([weight**2 for weight in weights])
...     return [path, error], f"After {step} steps the weight is {weights[-1]:.2f}."
>>> explore(descend, alt=["The weight", "Its error"], step=Slider(range(10), start=0, play=True))
explore(step)
"""

from npfl.explore.explorer import Choice, Explorer, Slider, explore

__all__ = ["Choice", "Explorer", "Slider", "explore"]
