"""Figures with knobs.

The picture and the knobs are two outputs: the picture is an ordinary image, which a page without a
kernel keeps, and the knobs are ipywidgets, whose changes redraw the image in its place.
"""

from __future__ import annotations

import html
from collections.abc import Callable

from .style import Picture


class Knobs:
    """What `explore` shows above its picture: sliders with a kernel, one sentence without."""

    def __init__(self, box, names: list[str]):
        self.box = box
        self.text = f"With a running kernel this figure has knobs: {', '.join(names)}."

    def _repr_mimebundle_(self, include=None, exclude=None):
        page = f'<p style="color: #666; font-size: 90%"><em>{html.escape(self.text)}</em></p>'
        data = {"text/plain": self.text, "text/html": page}
        if self.box is not None:
            data["application/vnd.jupyter.widget-view+json"] = {
                "version_major": 2,
                "version_minor": 0,
                "model_id": self.box.model_id,
            }
        return data


def explore(draw: Callable[..., Picture], **knobs) -> None:
    """Show `draw(**first values)` and, where ipywidgets is installed, knobs that redraw it.

    Parameters
    ----------
    draw : a function that returns a Picture
    knobs : for each argument, what it may be:
        (low, high, start) whole numbers or floats, a slider (floats move by a hundredth of the range;
        a fourth entry sets the step); a list of values, a choice that starts at the first;
        a dict {label: value}, likewise; a bool, a tick box.

    The first picture is drawn from the start values, so a page without a kernel shows it.
    """
    from IPython.display import display

    controls = _controls(knobs)
    start = {name: _start(knob) for name, knob in knobs.items()}
    labels = [name.replace("_", " ") for name in knobs]
    if controls is None:
        display(Knobs(None, labels))
        display(draw(**start))
        return
    import ipywidgets

    box = ipywidgets.VBox(list(controls.values()))
    display(Knobs(box, labels))
    shown = display(draw(**start), display_id=True)

    def redraw(_change=None):
        # Without a notebook `display` returns no handle; there is then nothing to update.
        if shown is not None:
            shown.update(draw(**{name: _value(knobs[name], control.value) for name, control in controls.items()}))

    for control in controls.values():
        control.observe(redraw, names="value")


def _start(knob):
    if isinstance(knob, (list, dict)):
        return _value(knob, _labels(knob)[0])
    return knob if isinstance(knob, bool) else knob[2]


def _labels(knob: list | dict) -> list[str]:
    return [str(label) for label in knob]


def _value(knob, shown):
    """The argument that belongs to what a widget shows: choices show their labels."""
    if isinstance(knob, list):
        return knob[_labels(knob).index(shown)]
    return knob[shown] if isinstance(knob, dict) else shown


def _controls(knobs) -> dict | None:
    try:
        import ipywidgets
    except ImportError:
        return None
    wide = {"description_width": "9em"}
    layout = ipywidgets.Layout(width="34em", max_width="95%")
    made = {}
    for name, knob in knobs.items():
        common = {"description": name.replace("_", " "), "style": wide, "layout": layout}
        if isinstance(knob, bool):
            made[name] = ipywidgets.Checkbox(value=knob, **common)
        elif isinstance(knob, (list, dict)):
            # The values may be arrays, which widgets cannot compare: they get the labels.
            short = {**common, "style": {**wide, "button_width": "auto"}}
            made[name] = ipywidgets.ToggleButtons(options=_labels(knob), value=_labels(knob)[0], **short)
        else:
            low, high, start, *step = knob
            whole = all(isinstance(value, int) for value in knob)
            kind = ipywidgets.IntSlider if whole else ipywidgets.FloatSlider
            size = step[0] if step else 1 if whole else (high - low) / 100
            made[name] = kind(value=start, min=low, max=high, step=size, **common)
    return made
