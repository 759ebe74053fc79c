"""The figure in a live notebook: stock ipywidgets sliders and buttons, each move draws anew."""

from html import escape
from typing import TYPE_CHECKING, Any

from npfl.explore import page
from npfl.figures import DARK

if TYPE_CHECKING:
    from npfl.explore.explorer import Explorer

# The figures' white and the black of their text are the page's; in a notebook those of JupyterLab's theme.
LOOK = "--npfl-paper: var(--jp-layout-color0, #fff); fill: currentColor"
DARK_COLORS = "; ".join(f"--npfl-{name}: {color}" for name, color in DARK.items())
DARK_LOOK = f'<style>body[data-jp-theme-light="false"] .npfl-live {{ {DARK_COLORS} }}</style>'


def widget(explorer: "Explorer") -> Any:
    """Build the widget.

    ipywidgets sends a new position only when the kernel has finished with the last one, and then the newest:
    no move waits behind moves that are out of date.
    """
    import ipywidgets as widgets

    sliders = [
        (widgets.ToggleButtons if parameter.buttons else widgets.SelectionSlider)(
            options=[(text, i) for i, text in enumerate(parameter.texts)],
            value=parameter.first,
            description=parameter.label or key,
            style={"description_width": "12em"} | ({"button_width": "auto"} if parameter.buttons else {}),
            layout={"width": "36em", "max_width": "100%"},
        )
        for key, parameter in explorer.sliders.items()
    ]
    pictures, says = widgets.HTML(layout={"max_width": "44em"}), widgets.HTML()

    def redraw(change: object = None) -> None:
        frame = explorer.frame([slider.value for slider in sliders])
        pictures.value = DARK_LOOK + "".join(
            f'<div class="npfl-live" role="img" aria-label="{escape(alt)}" style="{LOOK}">{text}</div>'
            for alt, text in zip(explorer.alts, frame.texts, strict=True)
        )
        says.value = f'<p role="status">{escape(frame.says)}</p>'

    redraw()
    for slider in sliders:
        slider.observe(redraw, "value")
    plays = [
        play(slider, len(values.values))
        for slider, values in zip(sliders, explorer.sliders.values(), strict=True)
        if values.plays
    ]
    return widgets.VBox([pictures, *sliders, *plays, says])


def play(slider: Any, count: int) -> Any:
    """Build the buttons that play a slider from its place to its end."""
    import ipywidgets as widgets

    buttons = widgets.Play(value=slider.index, max=count - 1, interval=page.PLAY_SECONDS * 1000 // count)
    # In the browser, not in Python: there the slider drops positions that are out of date.
    widgets.jslink((buttons, "value"), (slider, "index"))
    return buttons
