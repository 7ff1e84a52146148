"""Lecture 8, beat 9: single values or whole maps, and how much a neighbour tells."""

from __future__ import annotations

import numpy as np

from ..data import load
from .style import FAINT, IMAGE, INK, INPUT, OTHER, WRONG, bare, canvas, headline, ink, picture

EDGES = {
    "across": np.array([[1.0, 0, -1]] * 3) / 3,
    "down": np.array([[1.0, 0, -1]] * 3).T / 3,
    "blur": np.ones((3, 3)) / 9,
}


def _maps(image: np.ndarray) -> np.ndarray:
    """Four feature maps of an image (H, W), not negative, drawn by hand-made kernels: (4, H-2, W-2)."""
    windows = np.lib.stride_tricks.sliding_window_view(image, (3, 3))
    seen = [np.tensordot(windows, kernel) for kernel in EDGES.values()]
    return np.maximum(np.stack([*seen[:2], -seen[0], seen[2]]), 0)


@picture
def dropped_maps(p: float = 0.25, shape: str = "(N, C, 1, 1)", example: int = 28):
    """Beat 9: four maps of an image, and which of their values are left; `shape` is that of the mask.

    (N, C, H, W) drops single values, (N, C, 1, 1) whole maps, (N, 1, H, W) places in all maps.
    """
    maps = _maps(load("fashion14").x_test[example])
    count, height, width = maps.shape
    rng = np.random.default_rng(1)
    size = {"(N, C, H, W)": (count, height, width), "(N, C, 1, 1)": (count, 1, 1), "(N, 1, H, W)": (1, height, width)}
    kept = np.broadcast_to(rng.random(size[shape]) >= p, maps.shape)
    figure, panels = canvas(3.7, 2, count)
    for line, values in zip(panels, (np.ones_like(kept), kept), strict=True):
        for axes, plane, keep in zip(line, maps, values, strict=True):
            axes.imshow(np.where(keep, plane, np.nan), cmap=IMAGE, vmin=0, vmax=0.9, interpolation="nearest")
            axes.set_facecolor("#F2C6A8")
            bare(axes)
            for spine in axes.spines.values():
                spine.set(visible=True, color=FAINT)
    for number, axes in enumerate(panels[0]):
        axes.set_title(f"map {number + 1}", fontsize=10)
    for axes, keep in zip(panels[1], kept, strict=True):
        axes.set_title(f"{(~keep).mean():.0%} dropped", fontsize=10, color=ink(WRONG) if not keep.all() else INK)
    draws = int(np.prod(size[shape]))
    told = {"(N, C, H, W)": "the eye fills in", "(N, C, 1, 1)": "nothing is left to fill in from",
            "(N, 1, H, W)": "the neighbours still tell"}[shape]  # fmt: skip
    headline(figure, f"A mask of shape {shape}: {draws} draw{'s' if draws > 1 else ''} per image, {told}")
    alt = f"""Four feature maps of a piece of clothing, above whole, below with dropped values in orange: the mask has
    the shape {shape}, p is {p:.2f}, and {[f"{(~k).mean():.0%}" for k in kept]} of the maps' values are gone."""
    return figure, alt


@picture
def told(results: dict[str, float], card):
    """Beat 9: how much of a value its neighbours tell, and how much other maps at its place."""
    figure, axes = canvas(2.7)
    rows = ["one neighbour", "one other map", "four neighbours", "four other maps"]
    for row, name in enumerate(rows[::-1]):
        colour = INPUT if "neighbour" in name else OTHER
        low, high = card.interval(name)
        axes.barh(row, results[name], color=colour, height=0.6)
        axes.plot([low, high], [row, row], color=INK, lw=1.2)
        axes.text(min(high, 1.0) + 0.015, row, f"{results[name]:.2f}", va="center", fontsize=9)
    axes.set_yticks(range(4), rows[::-1])
    axes.tick_params(axis="y", length=0)
    axes.set_xlim(0, 1.1)
    axes.set_ylabel("told by")
    axes.set_xlabel("R², share of a value's variance (line: the card's interval)")
    headline(figure, "A neighbouring pixel tells more than another map at the same place")
    alt = "Bars of R squared: " + ", ".join(f"{name} {results[name]:.2f}" for name in rows) + "."
    return figure, alt


@picture
def reconstructions(clean, gaps, filled: dict, count: int = 8):
    """Beat 7: digits, the same with gaps, and what two autoencoders make of them; (N, 64) arrays."""
    rows = {"whole": clean, "with gaps": gaps, **filled}
    figure, panels = canvas(1.05 * len(rows), len(rows), count)
    errors = {name: float(((values - clean) ** 2).mean()) for name, values in rows.items()}
    for line, (name, values) in zip(panels, rows.items(), strict=True):
        for axes, image in zip(line, values, strict=False):
            axes.imshow(image.reshape(8, 8), cmap=IMAGE, vmin=0, vmax=1, interpolation="nearest")
            axes.set_xticks([])
            axes.set_yticks([])
            for spine in axes.spines.values():
                spine.set(visible=True, color=FAINT)
        note = "" if name == "whole" else f"\nerror {errors[name]:.3f}"
        line[0].set_ylabel(name + note, rotation=0, ha="right", va="center", fontsize=9)
    last = list(filled)[-1]
    headline(figure, f"Trained to miss pixels, it fills them in: error {errors['with gaps']:.3f} to {errors[last]:.3f}")
    alt = f"""Rows of {count} digits: whole, with gaps, and as two autoencoders return them. Mean squared errors to the
    whole digits: {", ".join(f"{name} {error:.3f}" for name, error in errors.items())}."""
    return figure, alt
