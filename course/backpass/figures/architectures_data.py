"""Lecture 9, beats 4 and 5: changes that keep the label, and features that are passed on."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from ..data import load
from ..experiments.architectures import RECIPES
from ..experiments.architectures_transfer import SHOTS, WAYS
from .style import FAINT, GREY, IMAGE, INK, INPUT, KERNEL, OUTPUT, WRONG, bare, canvas, headline, ink, picture


@picture
def changed(images, read: dict, *, shear: float = 0.0, zoom: float = 0.0, turn: float = 0.0, flip: bool = True):
    """Beat 4: one digit of each class after a change, and how a network that knows only upright digits reads them.

    images: (10, 8, 8), already changed; read: as `read_by_class` returns it for the same change.
    """
    originals = first_of_each()
    figure, panels = canvas(3.9, 3, 10, height_ratios=[1, 1, 1.5])
    for line, row in zip(panels[:2], (originals, images), strict=True):
        for axes, image in zip(line, row, strict=True):
            axes.imshow(image, cmap=IMAGE, vmin=0, vmax=1, interpolation="nearest")
            bare(axes)
            for spine in axes.spines.values():
                spine.set(visible=True, color=FAINT)
    for axes in panels[2]:
        axes.remove()
    bars = figure.add_subplot(panels[0, 0].get_gridspec()[2, :])
    right = read["right"]
    bars.bar(range(10), right, color=[OUTPUT if share > 0.7 else WRONG for share in right], width=0.6)
    for digit, (share, said) in enumerate(zip(right, read["answer"], strict=True)):
        text = "kept" if said == digit else f"mostly {said}"
        bars.text(digit, share + 0.04, text, ha="center", fontsize=8.5)
    bars.set_xlim(-0.5, 9.5)
    bars.set_ylim(0, 1.2)
    bars.set_yticks([0, 0.5, 1])
    bars.set_xticks(range(10))
    bars.set_xlabel("digit")
    bars.set_ylabel("read right")
    lost = [str(d) for d in range(10) if read["answer"][d] != d]
    made = [f"shear {shear:.1f}"] * bool(shear) + [f"zoom {zoom:.1f}"] * bool(zoom) + [f"turn {turn:.0f}°"] * bool(turn)
    name = ", ".join((["flip"] if flip else []) + made) or "no change"
    headline(figure, f"{name[:1].upper() + name[1:]}: read mostly as another digit: {', '.join(lost) or 'none'}")
    alt = f"""One digit of each class, as it is and after: {name}. Below, the share of test digits that a network
    trained on unchanged digits still reads right: {", ".join(f"{d}: {r:.0%}" for d, r in enumerate(right))}."""
    return figure, alt


def first_of_each() -> np.ndarray:
    """The first test digit of each class, (10, 8, 8)."""
    data = load("digits")
    return np.stack([data.x_test[np.flatnonzero(data.y_test == c)[0]] for c in range(10)])


@picture
def recipes(results: dict[str, float], card):
    """Beat 4: accuracy by recipe of augmentation; the recorded runs as ticks."""
    figure, axes = canvas(2.6)
    base = card.mean("none")
    names = list(RECIPES)[::-1]
    for row, name in enumerate(names):
        runs = card.record["values"][name]
        colour = WRONG if RECIPES[name].get("flip") else INPUT
        axes.plot(runs, [row] * len(runs), "|", color=colour, ms=10)
        axes.plot(results[name], row, "o", color=colour, ms=8, mec="white")
        axes.text(results[name], row + 0.22, f"{results[name]:.3f}", ha="center", fontsize=9)
    axes.axvline(base, color=GREY, lw=0.9, ls=":")
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(-0.5, len(names) - 0.3)
    axes.tick_params(axis="y", length=0)
    axes.set_ylabel("recipe")
    axes.set_xlabel("test accuracy after 100 digits (ticks: recorded runs)")
    axes.grid(axis="y", color=FAINT, lw=0.6)
    headline(figure, "For digits a mirror image is another sign: the flip costs accuracy")
    return figure, "Test accuracy by recipe: " + ", ".join(f"{n} {results[n]:.3f}" for n in names[::-1]) + "."


@picture
def passed_on(results: dict[str, float], card):
    """Beat 5: accuracy on new digits by number of examples, for four ways to use old features."""
    figure, axes = canvas(3.3)
    looks = {"scratch": (INK, "o", "-"), "frozen": (INPUT, "s", "--"), "fine-tuned": (OUTPUT, "D", "-"),
             "fine-tuned, old statistics": (KERNEL, "^", ":")}  # fmt: skip
    for shift, way in zip((-0.12, -0.04, 0.04, 0.12), WAYS, strict=True):
        colour, mark, dash = looks[way]
        line = [results[f"{way}, {n} each"] for n in SHOTS]
        places = np.arange(len(SHOTS)) + shift
        for place, n in zip(places, SHOTS, strict=True):
            runs = card.record["values"][f"{way}, {n} each"]
            axes.plot([place, place], [min(runs), max(runs)], color=colour, lw=1.2, alpha=0.7)
        axes.plot(places, line, mark, color=colour, ls=dash, ms=7, mec="white")
    ends = {way: results[f"{way}, {SHOTS[-1]} each"] for way in WAYS}
    spread = _apart([ends[way] for way in WAYS], 0.05)
    for way, place in zip(WAYS, spread, strict=True):
        axes.text(len(SHOTS) - 0.8, place, way, color=ink(looks[way][0]), va="center", fontsize=9)
    axes.axhline(0.2, color=GREY, lw=0.9, ls=":")
    axes.text(-0.2, 0.21, "guessing", fontsize=8.5, color=INK)
    axes.set_xlim(-0.25, len(SHOTS) + 0.3)
    axes.set_xticks(range(len(SHOTS)), [str(n) for n in SHOTS])
    axes.set_xlabel("examples of each new digit (lines: recorded runs)")
    axes.set_ylabel("test accuracy, digits 5 to 9")
    headline(figure, "Here old features gain nothing: fine-tuning equals scratch, frozen is behind")
    parts = "; ".join(f"{way}: " + ", ".join(f"{results[f'{way}, {n} each']:.2f}" for n in SHOTS) for way in WAYS)
    return figure, f"Test accuracy with {', '.join(map(str, SHOTS))} examples of each new digit. {parts}."


def _apart(values: list[float], gap: float) -> list[float]:
    """Places for labels near the values, at least `gap` apart, in the values' order."""
    order = np.argsort(values)
    places = np.array(values, float)
    for low, high in pairwise(order):
        places[high] = max(places[high], places[low] + gap)
    return list(places - (places - np.array(values)).mean())
