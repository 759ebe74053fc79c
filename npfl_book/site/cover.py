"""The picture of the book: gradient descent on a cross-entropy, drawn with npfl.

The plane holds three logits that add up to 0; its lines join places of equal loss. Each path is a descent by
steps along the derivative of the softmax loss, from a circle of starts to the one minimum.
"""

import io
from pathlib import Path

import numpy as np
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from sphinx.application import Sphinx
from sphinxext import opengraph

from npfl.figures import COLORS
from npfl.losses import CategoricalCrossentropy
from npfl.optimizers import SGD

GOLD = np.array([0.5, 0.3, 0.2])
# Three unit vectors in the plane, one for each logit.
DIRECTIONS = np.array([[1, 0], [-0.5, 0.75**0.5], [-0.5, -(0.75**0.5)]])
LEVELS = 16
STARTS = 21
STEPS = 80
# The social card of the root page, in pixels as the others have.
CARD = (1146, 600)


def draw(width: float, height: float, center: tuple[float, float] = (0.5, 0.5)) -> Figure:
    """Draw the picture.

    Parameters
    ----------
    width, height : float
        Its size in inches.
    center : pair of float
        Where in the figure the minimum lies, as shares of its width and height.

    Returns
    -------
    Figure
        With a transparent background, for light and dark pages.
    """
    loss = CategoricalCrossentropy(from_logits=True, reduction="none")
    minimum = np.log(GOLD) @ DIRECTIONS * 2 / 3
    size = np.array([width, height]) * 6.0 / min(width, height)
    corner = minimum - center * size
    x, y = (np.linspace(corner[i], corner[i] + size[i], 100) for i in (0, 1))
    plane = np.stack(np.meshgrid(x, y), axis=-1) @ DIRECTIONS.T
    losses = loss(np.broadcast_to(GOLD, plane.shape), plane)
    shares = np.linspace(0, 1, LEVELS)
    least = loss(GOLD, np.log(GOLD))
    levels = least + shares**1.5 * (losses.max() - least)

    figure = Figure(figsize=(width, height), facecolor="none")
    axis = figure.add_axes((0, 0, 1, 1), xlim=x[[0, -1]], ylim=y[[0, -1]])
    axis.axis("off")
    shades = [to_rgba(COLORS["model"], 0.42 * (1 - share) ** 1.6) for share in shares[:-1]]
    axis.contourf(x, y, losses, levels=levels, colors=shades)
    axis.contour(x, y, losses, levels=levels[1:-1], colors=COLORS["model"], linewidths=0.6, alpha=0.5)
    angles = np.arange(STARTS) * 2 * np.pi / STARTS
    start = minimum + 2.6 * np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    for path in descend(start @ DIRECTIONS.T, loss):
        points = path @ DIRECTIONS * 2 / 3
        far = np.linalg.norm(points - minimum, axis=-1) > 0.12
        axis.plot(*points.T, color=COLORS["derivative"], linewidth=0.9)
        axis.plot(*points[far].T, ".", color=COLORS["derivative"], markersize=3.2, markeredgewidth=0)
    axis.plot(*minimum, "o", color=COLORS["gold"], markersize=9)
    return figure


def descend(logits: np.ndarray, loss: CategoricalCrossentropy) -> np.ndarray:
    """Return the paths of gradient descent from some logits, as an array (starts, steps, 3)."""
    optimizer, path = SGD(learning_rate=0.5), [logits.copy()]
    gold = np.broadcast_to(GOLD, logits.shape)
    for _ in range(STEPS):
        optimizer.update([logits], [loss.gradient(gold, logits)])
        path.append(logits.copy())
    return np.stack(path, axis=1)


def write(path: Path, content: bytes) -> None:
    """Write a file, unless it says the same already, and rename it when it is whole."""
    if path.exists() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".part")
    beside.write_bytes(content)
    beside.replace(path)


def draw_card(title: str) -> bytes:
    """Draw the card for those who share the root page, as PNG: the picture with the book's title."""
    figure = draw(CARD[0] / 100, CARD[1] / 100, center=(0.72, 0.5))
    figure.set_facecolor("white")
    font = Path(opengraph.__file__).parent / "_static" / "Roboto-Flex.ttf"
    figure.text(0.055, 0.6, title.replace(" ", "\n"), font=font, fontsize=44, va="center", linespacing=1.1)
    file = io.BytesIO()
    figure.savefig(file, dpi=100)
    return file.getvalue()


def add_card(app: Sphinx, page: str, template: str, context: dict, doctree: object) -> None:
    """Let the root page name its own card."""
    if page == app.config.root_doc and context["meta"] is not None:
        context["meta"]["og:image"] = "_static/cover.png"
        context["meta"]["twitter:card"] = "summary_large_image"


def copy_card(app: Sphinx, exception: Exception | None) -> None:
    """Put the card into the site."""
    if exception is None and app.builder.name == "html":
        write(Path(app.outdir, "_static", "cover.png"), draw_card(app.config.html_title))


def setup(app: Sphinx) -> dict:
    """Let the root page have its card; called by Sphinx."""
    if app.config.html_baseurl:
        app.connect("html-page-context", add_card, priority=100)  # before the cards of the other pages
        app.connect("build-finished", copy_card)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
