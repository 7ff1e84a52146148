"""Lecture 9, beats 1 to 3: stacks of small kernels, what an Inception block costs, and ways around."""

from __future__ import annotations

import numpy as np

from ..experiments.architectures import DEPTHS
from ..experiments.architectures_audit import BATCHES
from .style import (
    FAINT,
    GREY,
    INK,
    INPUT,
    KERNEL,
    OTHER,
    OUTPUT,
    WRONG,
    bare,
    canvas,
    frame,
    headline,
    ink,
    number,
    picture,
)

# Channels of a block: into it, out of the 1x1, 3x3 and 5x5 branches and the pool's, and the reductions.
BLOCK_3A = {"inputs": 192, "1×1": 64, "3×3": 128, "5×5": 32, "pool": 32, "reduce 3×3": 96, "reduce 5×5": 16}


@picture
def stacks(layers: int = 3, channels: int = 64):
    """Beat 1: the field and the weights of a stack of 3x3 convolutions, and of the one kernel with its field."""
    field = 2 * layers + 1
    figure, (left, right) = canvas(3.5, 1, 2, width_ratios=[1, 1.25])
    side = 11
    shades = np.full((side, side), np.nan)
    middle = side // 2
    for layer in range(layers, 0, -1):
        shades[middle - layer : middle + layer + 1, middle - layer : middle + layer + 1] = layer
    left.imshow(shades, cmap="Blues_r", vmin=-1, vmax=layers + 1.5, interpolation="nearest")
    left.hlines(np.arange(-0.5, side), -0.5, side - 0.5, color=FAINT, lw=0.6)
    left.vlines(np.arange(-0.5, side), -0.5, side - 0.5, color=FAINT, lw=0.6)
    frame(left, middle, middle, 1, 1, OUTPUT)
    frame(left, middle - layers, middle - layers, field, field, KERNEL, 2)
    bare(left)
    left.set_title(f"one output sees {field} × {field}", fontsize=10)
    counts = np.arange(1, 6)
    stacked, single = 9 * counts * channels**2, (2 * counts + 1) ** 2 * channels**2
    right.plot(2 * counts + 1, single / 1e3, "o--", color=WRONG)
    right.plot(2 * counts + 1, stacked / 1e3, "o-", color=INPUT)
    right.axvline(field, color=FAINT, zorder=0)
    right.annotate("one kernel: k²C²", (9, single[3] / 1e3), (-8, 2), textcoords="offset points", ha="right",
                   color=ink(WRONG), fontsize=9)  # fmt: skip
    right.annotate("stack of 3×3: 9nC²", (9, stacked[3] / 1e3), (0, -16), textcoords="offset points", ha="center",
                   color=ink(INPUT), fontsize=9)  # fmt: skip
    right.set_xticks(2 * counts + 1, [f"{k}×{k}" for k in 2 * counts + 1])
    right.set_xlabel("field of one output")
    right.set_ylabel(f"weights, thousands (C = {channels})")
    right.set_ylim(0, None)
    many, few = single[layers - 1], stacked[layers - 1]
    word = "saves" if few < many else "does not save"
    amount = f" {1 - few / many:.0%}" if few < many else ""
    headline(figure, f"{layers} × 3×3 for one {field}×{field}: the same field; it {word}{amount} of the weights")
    alt = f"""Left the {field} by {field} field of one output after {layers} layers of 3 by 3, ring by ring. Right the
    weights of a stack and of a single kernel against the field, {channels} channels in and out: at {field} the stack
    has {few:,}, the single kernel {many:,}."""
    return figure, alt


def block_price(reduce_three: int, reduce_five: int, side: int = 28) -> dict[str, tuple[int, int]]:
    """Multiplications of the branches of GoogLeNet's block 3a, (without, with) their 1x1 reductions."""
    b, pixels = BLOCK_3A, side**2
    inputs = b["inputs"]
    three = (9 * inputs * b["3×3"], inputs * reduce_three + 9 * reduce_three * b["3×3"])
    five = (25 * inputs * b["5×5"], inputs * reduce_five + 25 * reduce_five * b["5×5"])
    one, pool = inputs * b["1×1"], inputs * b["pool"]
    prices = {"1×1": (one, one), "3×3": three, "5×5": five, "pool, 1×1": (pool, pool)}
    return {name: (pixels * without, pixels * reduced) for name, (without, reduced) in prices.items()}


@picture
def inception_price(reduce_three: int = 96, reduce_five: int = 16):
    """Beat 2: multiplications of each branch of a block, with and without a 1x1 convolution before it."""
    prices = block_price(reduce_three, reduce_five)
    figure, axes = canvas(3.2)
    names = list(prices)[::-1]
    for row, name in enumerate(names):
        without, reduced = (value / 1e6 for value in prices[name])
        axes.barh(row + 0.18, without, height=0.32, color=FAINT, ec=GREY, lw=0.6)
        axes.text(without + 2, row + 0.18, f"{without:.0f}", va="center", fontsize=9)
        if reduced != without:
            axes.barh(row - 0.18, reduced, height=0.32, color=OUTPUT if reduced < without else WRONG)
            axes.text(reduced + 2, row - 0.18, f"{reduced:.0f} with a reduction", va="center", fontsize=9)
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(axis="y", length=0)
    axes.set_ylabel("branch")
    axes.set_xlabel("multiplications per image, millions (192 maps of 28 × 28)")
    total, less = (sum(v[i] for v in prices.values()) for i in (0, 1))
    headline(figure, f"Reducing to {reduce_three} and {reduce_five} channels first: {less / total:.0%} of the price")
    alt = "Bars of multiplications in millions, without and with a 1×1 reduction: " + ", ".join(
        f"{name} {a / 1e6:.0f} and {b / 1e6:.0f}" for name, (a, b) in prices.items()
    )
    return figure, alt + f". Together {total / 1e6:.0f} and {less / 1e6:.0f}."


@picture
def joined(widths=(64, 128, 32, 32)):
    """Beat 2: forward the four results stand side by side; backward the gradient is cut, and the ways are added."""
    figure, axes = canvas(2.9)
    total, names = sum(widths), ("1×1", "3×3", "5×5", "pool")
    start = 0
    for row, (width, name, colour) in enumerate(zip(widths, names, (INPUT, OTHER, KERNEL, GREY), strict=True)):
        axes.barh(2.0, width, left=start, height=0.5, color=colour, ec="white")
        axes.text(start + width / 2, 2.42, f"{name}: {width}", ha="center", fontsize=9, color=INK)
        axes.annotate(
            "", (start + width / 2, 1.72), (40 + 56 * row, 1.1), arrowprops={"arrowstyle": "<->", "color": colour}
        )
        axes.text(40 + 56 * row, 0.9, name, ha="center", va="center", fontsize=9)
        axes.annotate("", (128, 0.12), (40 + 56 * row, 0.72), arrowprops={"arrowstyle": "<->", "color": colour})
        start += width
    axes.text(128, 0, "x: dx is the sum of the four", ha="center", va="top", fontsize=10, color=ink(INPUT))
    axes.text(total + 2, 2.0, f"y: {total} maps;\ndy is cut", va="center", fontsize=10, color=ink(OUTPUT))
    axes.set_xlim(-2, total + 52)
    axes.set_ylim(-0.3, 2.75)
    bare(axes)
    headline(figure, "Joining forward is splitting backward; forking forward is adding backward")
    alt = f"""A fork and a join: x goes into four branches, whose {", ".join(map(str, widths))} maps stand side by side
    as {total} maps of y. Arrows go both ways: dy is cut into four pieces, and their gradients are added at x."""
    return figure, alt


@picture
def depths(results: dict[str, float], card):
    """Beat 3: training loss and test accuracy by depth, plain and residual."""
    figure, panels = canvas(3.3, 1, 2)
    for axes, value in zip(panels, ("training loss", "accuracy"), strict=True):
        for kind, colour, dash in (("plain", WRONG, "--"), ("residual", OUTPUT, "-")):
            line = [results[f"{kind}, {d} layers: {value}"] for d in DEPTHS]
            for d in DEPTHS:
                runs = card.record["values"][f"{kind}, {d} layers: {value}"]
                axes.plot([d] * len(runs), runs, "_", color=colour, ms=9, alpha=0.7)
            axes.plot(DEPTHS, line, "o", color=colour, ls=dash)
            axes.text(DEPTHS[-1] + 1, line[-1], kind, color=ink(colour), va="center", fontsize=9)
        axes.set_xticks(DEPTHS)
        axes.set_xlim(2, 36)
        axes.set_xlabel("convolutions")
        axes.set_ylabel(value)
        axes.set_ylim(0, None)
    headline(figure, "Deeper and plain is worse on the training data; the way around cures it")
    parts = "; ".join(
        f"{kind} {d}: {results[f'{kind}, {d} layers: training loss']:.2f}, "
        f"{results[f'{kind}, {d} layers: accuracy']:.2f}"
        for kind in ("plain", "residual") for d in DEPTHS
    )  # fmt: skip
    return figure, f"Training loss and test accuracy by number of convolutions. {parts}. Dashes: recorded runs."


@picture
def answer(depth_card, steps_card):
    """The opening: what a way around does to a deep network, and what an equal footing does to a claim."""
    figure, (left, right) = canvas(3.4, 1, 2, width_ratios=[1, 1.1])
    deepest = DEPTHS[-1]
    for place, (kind, colour) in enumerate((("plain", WRONG), ("residual", OUTPUT))):
        name = f"{kind}, {deepest} layers: training loss"
        left.bar(place, depth_card.mean(name), color=colour, width=0.55)
        runs = depth_card.record["values"][name]
        left.plot([place, place], [min(runs), max(runs)], color=INK, lw=1.2)
        left.text(place + 0.06, max(runs), f" {depth_card.mean(name):.2f}", va="bottom", fontsize=9)
    left.set_xticks([0, 1], ["plain", "with ways\naround"])
    left.set_xlabel(f"{deepest} convolutions")
    left.set_ylabel("training loss")
    left.set_title("a network", fontsize=10)
    runs, few, many = steps_card.record["values"], BATCHES[0], BATCHES[-1]
    gains = []
    for row, footing in enumerate(("two epochs", "100 steps")):
        gain = 100 * (np.array(runs[f"{footing}, batch {few}"]) - np.array(runs[f"{footing}, batch {many}"]))
        colour = (WRONG, OUTPUT)[row]
        right.plot(gain, [row] * len(gain), "|", color=colour, ms=14, mew=2)
        right.plot(gain.mean(), row, "o", color=colour, ms=9, mec="white")
        right.text(gain.mean(), row + 0.16, number(gain.mean(), "+.0f"), ha="center", fontsize=9)
        gains.append(gain.mean())
    right.axvline(0, color=GREY, lw=0.9)
    right.set_yticks([0, 1], ["equal\nepochs", "equal\nsteps"])
    right.set_ylim(-0.5, 1.5)
    right.set_xlim(-30, 100)
    right.set_ylabel("compared at")
    right.set_xlabel(f"points gained by batches of {few} over {many}")
    right.set_title("a report's claim", fontsize=10)
    headline(figure, "A sum makes depth trainable; an equal footing turns a claim round")
    alt = f"""Left the training loss of {deepest} convolutions, plain
    {depth_card.mean(f"plain, {deepest} layers: training loss"):.2f} and residual
    {depth_card.mean(f"residual, {deepest} layers: training loss"):.2f}. Right what batches of {few} gain over
    batches of {many}: {gains[0]:.0f} points of accuracy at equal epochs, {gains[1]:.0f} at equal steps; one mark for
    each seed."""
    return figure, alt
