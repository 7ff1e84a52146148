"""The look of every figure: the palette, and `Picture`, a figure with its alt text.

The palette is Okabe and Ito's (https://jfly.uni-koeln.de/color/), chosen so that the three things that
meet in almost every figure (input, kernel, output) also differ in lightness when printed in grey.
"""

from __future__ import annotations

import base64
import functools
import html
import io
from collections.abc import Callable

import matplotlib
import numpy as np
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.figure import Figure

# The same colour for the same thing, throughout the course.
INPUT = "#0072B2"
KERNEL = "#E69F00"
OUTPUT = "#009E73"
GRADIENT = "#8E4A9E"
WRONG = "#D55E00"
OTHER = "#56B4E9"
INK = "#222222"
GREY = "#8A8A8A"
FAINT = "#D9D9D9"

# Neighbours in this list differ in hue and in lightness: for many entries at once, such as a kernel's.
WHEEL = (INPUT, KERNEL, OUTPUT, "#F0E442", GRADIENT, OTHER, WRONG, "#B8B8B8", "#404040")

# Zero is white; negative is blue, positive is orange.
SIGNED = LinearSegmentedColormap.from_list("signed", [INPUT, "#FFFFFF", "#C75000"])
AMOUNT = LinearSegmentedColormap.from_list("amount", ["#FFFFFF", "#9CCBE4", INPUT, "#012A45"])
AMOUNT_KERNEL = LinearSegmentedColormap.from_list("amount of kernel", ["#FFFFFF", "#F9D98E", KERNEL, "#5A3D00"])
AMOUNT_OUTPUT = LinearSegmentedColormap.from_list("amount of output", ["#FFFFFF", "#97D8C2", OUTPUT, "#003326"])
IMAGE = LinearSegmentedColormap.from_list("image", ["#FFFFFF", "#111111"])

STYLE = {
    "figure.dpi": 100,
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "text.color": INK,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.titlepad": 8,
    "axes.labelsize": 10,
    "axes.labelcolor": INK,
    "axes.edgecolor": GREY,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "lines.linewidth": 2.0,
    "lines.solid_capstyle": "round",
    "legend.frameon": False,
    "hatch.linewidth": 0.6,
    "mathtext.fontset": "dejavusans",
}

WIDTH = 7.6
SHARPNESS = 2


class Picture:
    """A Matplotlib figure and the text that says the same to somebody who cannot see it.

    Displays in notebooks and in built pages as an image with that alt text.
    """

    def __init__(self, figure: Figure, alt: str):
        if not alt.strip():
            raise ValueError("a picture needs its alt text")
        self.figure = figure
        self.alt = " ".join(alt.split())

    @functools.cached_property
    def png(self) -> bytes:
        """The image, drawn at twice the size at which it is shown."""
        buffer = io.BytesIO()
        self.figure.savefig(buffer, format="png", dpi=100 * SHARPNESS, facecolor="white")
        return buffer.getvalue()

    @property
    def title(self) -> str:
        """The finding: the figure's title, or that of its first panel."""
        above = self.figure.get_suptitle() if hasattr(self.figure, "get_suptitle") else ""
        if not above and self.figure._suptitle is not None:  # Matplotlib < 3.8
            above = self.figure._suptitle.get_text()
        titles = [above] + [axes.get_title(loc="left") or axes.get_title() for axes in self.figure.axes]
        return next((title for title in titles if title), "")

    def unlabelled_axes(self) -> list[str]:
        """What shows a scale without saying of what, in words; empty when all is well."""
        found = []
        for number, axes in enumerate(self.figure.axes):
            if not axes.axison:
                continue
            for name, axis in (("x", axes.xaxis), ("y", axes.yaxis)):
                shown = axis.get_visible() and any(
                    label.get_text() for label in axis.get_ticklabels() if label.get_visible()
                )
                if shown and not axis.label.get_text():
                    found.append(f"panel {number + 1}: {name} axis")
        return found

    def _repr_mimebundle_(self, include=None, exclude=None):
        png = self.png
        width = round(self.figure.get_size_inches()[0] * 100)
        source = base64.b64encode(png).decode()
        page = (
            f'<img src="data:image/png;base64,{source}" alt="{html.escape(self.alt)}" width="{width}" '
            'style="max-width: 100%; height: auto; background: white">'
        )
        data = {"text/html": page, "image/png": source, "text/plain": f"[Figure] {self.alt}"}
        about = {"title": self.title, "alt": self.alt, "unlabelled": self.unlabelled_axes()}
        return data, {"image/png": {"alt": self.alt, "width": width}, "backpass": about}


def picture(draw: Callable[..., tuple[Figure, str]]) -> Callable[..., Picture]:
    """Make a function that returns (figure, alt text) return a Picture in the course's style."""

    @functools.wraps(draw)
    def drawn(*args, **options) -> Picture:
        with matplotlib.rc_context(STYLE):
            result = Picture(*draw(*args, **options))
            result.png  # noqa: B018  (drawn here, while the style holds)
        return result

    return drawn


def canvas(height: float, rows: int = 1, columns: int = 1, *, width: float = WIDTH, **options):
    """A figure and its panels; sizes in inches, 100 pixels of the page each."""
    figure = Figure(figsize=(width, height), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.06, h_pad=0.06, wspace=0.04, hspace=0.04)
    return figure, figure.subplots(rows, columns, **options)


def headline(figure: Figure, text: str) -> None:
    """The finding, above all panels, at the left."""
    figure.suptitle(text, x=0.01, ha="left", fontsize=12, fontweight="bold")


def ink(colour: str) -> tuple[float, float, float]:
    """A darker shade of a colour, for text in it on white."""
    red, green, blue = to_rgb(colour)
    lightness = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    shade = min(1.0, 0.36 / lightness)
    return red * shade, green * shade, blue * shade


def bare(axes) -> None:
    """A picture without a scale: no ticks, no frame."""
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)


def grid(
    axes,
    values,
    *,
    colours=AMOUNT,
    low=None,
    high=None,
    numbers: str | None = "g",
    size: float = 9,
    title: str = "",
    lines: bool = True,
):
    """A matrix as coloured squares, with its numbers where they can be read. values: (H, W)."""
    values = np.asarray(values, float)
    height, width = values.shape
    high = np.nanmax(np.abs(values)) if high is None else high
    low = (-high if colours is SIGNED else min(0.0, float(np.nanmin(values)))) if low is None else low
    if high == low:
        high = low + 1
    image = axes.imshow(values, cmap=colours, vmin=low, vmax=high, aspect="equal", interpolation="nearest")
    bare(axes)
    if lines:
        axes.hlines(np.arange(height + 1) - 0.5, -0.5, width - 0.5, color=FAINT, lw=0.8)
        axes.vlines(np.arange(width + 1) - 0.5, -0.5, height - 0.5, color=FAINT, lw=0.8)
    if numbers is not None:
        for (i, j), value in np.ndenumerate(values):
            if np.isfinite(value):
                shade = to_rgb(image.cmap(image.norm(value))[:3])
                dark = 0.2126 * shade[0] + 0.7152 * shade[1] + 0.0722 * shade[2] < 0.5
                text = number(value, numbers)
                axes.text(j, i, text, ha="center", va="center", fontsize=size, color="white" if dark else INK)
    axes.set_xlim(-0.6, width - 0.4)
    axes.set_ylim(height - 0.4, -0.6)
    if title:
        axes.set_title(title, fontsize=10)
    return image


def number(value: float, form: str = "g") -> str:
    """A number as text, with a true minus sign and no negative zero."""
    return format(value + 0.0, form).replace("-", "−")


def frame(axes, row: float, column: float, height: float, width: float, colour: str = KERNEL, lw: float = 3):
    """A coloured frame around cells of a `grid`."""
    axes.add_patch(
        matplotlib.patches.Rectangle(
            (column - 0.5, row - 0.5), width, height, fill=False, ec=colour, lw=lw, clip_on=False, zorder=5
        )
    )
