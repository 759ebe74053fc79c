"""The figure in a live notebook: stock ipywidgets sliders, each move draws anew."""

from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from npfl.explore.explorer import Explorer


def widget(explorer: "Explorer") -> Any:
    """Build the widget.

    ipywidgets sends a new position only when the kernel has finished with the last one, and then the newest:
    no move waits behind moves that are out of date.
    """
    import ipywidgets as widgets

    sliders = [
        widgets.SelectionSlider(
            options=[(text, i) for i, text in enumerate(slider.texts)],
            value=slider.first,
            description=slider.label or key,
            style={"description_width": "12em"},
            layout={"width": "36em", "max_width": "100%"},
        )
        for key, slider in explorer.sliders.items()
    ]
    picture, says = widgets.HTML(layout={"max_width": "44em"}), widgets.HTML()

    def redraw(change: object = None) -> None:
        frame = explorer.frame([slider.value for slider in sliders])
        picture.value = f'<div role="img" aria-label="{escape(explorer.alt)}">{frame.text}</div>'
        says.value = f'<p role="status">{escape(frame.says)}</p>'

    redraw()
    for slider in sliders:
        slider.observe(redraw, "value")
    return widgets.VBox([picture, *sliders, says])
