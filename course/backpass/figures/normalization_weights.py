"""Lecture 7, beats 7 to 9: direction and length, standardised kernels, power iteration, slopes."""

from __future__ import annotations

import numpy as np

from .style import FAINT, GRADIENT, GREY, INK, INPUT, KERNEL, OUTPUT, WRONG, canvas, headline, ink, picture


def _arrow(axes, tip, colour, start=(0.0, 0.0), lw=2.2):
    axes.annotate(
        "", tip, start, arrowprops={"arrowstyle": "-|>", "color": colour, "lw": lw, "shrinkA": 0, "shrinkB": 0}
    )


@picture
def dials(angle: float = 60.0, gain: float = 2.0, length: float = 1.0):
    """Beat 7: v, the weight g v/|v|, and what the gradient of w becomes for v. angle in degrees."""
    direction = np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
    weight, v = gain * direction, length * direction
    gradient = np.array([0.9, 0.35])  # of the loss with respect to the weight, fixed
    along = (gradient @ direction) * direction
    sideways = gain / length * (gradient - along)
    step = 0.5
    after = v - step * sideways
    figure, (left, right) = canvas(3.6, 1, 2, width_ratios=[1.25, 1])
    reach = 1.15 * max(gain, np.linalg.norm(after), length, 1.6)
    circle = np.linspace(0, 2 * np.pi, 200)
    left.plot(gain * np.cos(circle), gain * np.sin(circle), ":", color=FAINT)
    _arrow(left, weight, KERNEL, lw=1.6)
    _arrow(left, v, INK)
    _arrow(left, after, GRADIENT, start=v)
    left.text(*(weight * 1.06), "w", color=ink(KERNEL), ha="center", va="center", fontweight="bold")
    left.text(*(v * 0.55 + [0.1, -0.1]), "v", fontweight="bold")
    left.text(
        *(after + 0.07 * reach * np.array([-1, 1])), "v after a step", color=ink(GRADIENT), ha="right", fontsize=9
    )
    left.set_xlim(-reach, reach)
    left.set_ylim(-0.55 * reach, reach)
    left.set_aspect("equal")
    left.set_xlabel("first weight")
    left.set_ylabel("second weight")
    values = {"‖v‖": length, "‖v‖ after": np.linalg.norm(after), "‖w‖ = g": gain, "|⟨v, dv⟩|": abs(v @ sideways)}
    rows = np.arange(len(values))[::-1]
    right.barh(rows, values.values(), color=[INK, GRADIENT, KERNEL, GREY], height=0.55)
    for row, value in zip(rows, values.values(), strict=True):
        right.text(value + 0.04 * max(values.values()), row, f"{value:.2f}", va="center")
    right.set_yticks(rows, list(values))
    right.set_xlim(0, 1.25 * max(values.values()))
    right.set_xlabel("value")
    right.set_ylabel("quantity")
    right.tick_params(axis="y", length=0)
    growth = np.linalg.norm(after) / length
    headline(figure, f"A step turns v and makes it {growth:.2f} times as long; the length of w is g alone")
    return (
        figure,
        f"""Left, v of length {length:g}, the weight w in the same direction with length g = {gain:g}, and v
    after a gradient step, which is orthogonal to v. Right: the length of v before {length:.2f} and after
    {np.linalg.norm(after):.2f}, that of w {gain:.2f}, and the inner product of v and its gradient,
    {abs(v @ sideways):.2f}.""",
    )


@picture
def start(plain: np.ndarray, chosen: np.ndarray):
    """Beat 7: standard deviation behind every layer, small random weights against a start chosen from data."""
    figure, axes = canvas(3.0)
    layers = np.arange(1, len(plain) + 1)
    for values, colour, dash, name in (
        (plain, GREY, "--s", "small random weights"),
        (chosen, OUTPUT, "-o", "start from data"),
    ):
        axes.semilogy(layers, values, dash, color=colour, mec="white", ms=7)
        axes.text(layers[-1] + 0.15, values[-1], f"{name}\n{values[-1]:.2g}", color=ink(colour), va="center")
    axes.set_xlim(0.8, len(plain) + 2.4)
    axes.set_xticks(layers)
    axes.set_ylim(0.3 * min(plain.min(), chosen.min()), 5)
    axes.set_xlabel("layer")
    axes.set_ylabel("std of a unit, before tanh")
    headline(
        figure, f"Layer {len(plain)}: {plain[-1]:.1g} without, {chosen[-1]:.2f} with a start chosen from one batch"
    )
    return (
        figure,
        f"""Standard deviation over the layers, logarithmic: small random weights end at {plain[-1]:.2g},
    the start from data at {chosen[-1]:.2f}.""",
    )


@picture
def kernels(before: np.ndarray, after: np.ndarray):
    """Beat 8: each filter's entries before and after standardisation; (filters, entries)."""
    figure, (left, right) = canvas(3.0, 1, 2)
    for axes, weights, colour, name in ((left, before, GREY, "as learned"), (right, after, KERNEL, "standardised")):
        rows = np.arange(len(weights))
        axes.plot(weights.ravel(), np.repeat(rows, weights.shape[1]), "|", color=colour, ms=6, alpha=0.5)
        axes.plot(weights.mean(1), rows, "o", color=INK, ms=4)
        axes.axvline(0, color=FAINT, zorder=0)
        axes.set_title(f"{name}; dots are means", fontsize=10)
        axes.set_xlabel("entries of the filter")
        axes.set_yticks([0, len(weights) - 1], ["1", str(len(weights))])
        axes.set_ylabel("filter")
    flat = float(np.abs(after.sum(1)).max())
    headline(figure, f"Standardised filters sum to nothing: a flat image gives {flat:.0e} at most")
    return (
        figure,
        f"""The entries of {len(before)} filters as ticks, their means as dots. Before, the means run from
    {before.mean(1).min():.2f} to {before.mean(1).max():.2f}; after, the largest sum of a filter is {flat:.1e}.""",
    )


@picture
def needle(steps: int = 2, ratio: float = 0.6):
    """Beat 9: power iteration on a 2 x 2 matrix with singular values 2 and 2 * ratio."""
    turn = np.array([[np.cos(0.5), -np.sin(0.5)], [np.sin(0.5), np.cos(0.5)]])
    matrix = turn @ np.diag([2.0, 2.0 * ratio]) @ np.array([[np.cos(0.9), np.sin(0.9)], [-np.sin(0.9), np.cos(0.9)]])
    v = np.array([np.cos(2.2), np.sin(2.2)])
    needles, estimates = [v], [np.linalg.norm(matrix @ v)]
    for _ in range(12):
        v = matrix.T @ (matrix @ v)
        v = v / np.linalg.norm(v)
        needles.append(v)
        estimates.append(np.linalg.norm(matrix @ v))
    figure, (left, right) = canvas(3.5, 1, 2)
    circle = np.array([np.cos(np.linspace(0, 2 * np.pi, 200)), np.sin(np.linspace(0, 2 * np.pi, 200))])
    left.plot(*circle, ":", color=INPUT, lw=1.5)
    left.plot(*(matrix @ circle), color=OUTPUT, lw=1.5)
    for number, one in enumerate(needles[: steps + 1]):
        _arrow(left, one, INPUT if number == steps else FAINT, lw=1.6)
    _arrow(left, matrix @ needles[steps], OUTPUT)
    left.text(
        0.02, 0.98, "dotted: inputs of length 1", transform=left.transAxes, fontsize=9, va="top", color=ink(INPUT)
    )
    left.text(0.02, 0.91, "line: their outputs", transform=left.transAxes, fontsize=9, va="top", color=ink(OUTPUT))
    left.set_xlim(-2.3, 2.3)
    left.set_ylim(-2.3, 2.9)
    left.set_aspect("equal")
    left.set_xlabel("first entry")
    left.set_ylabel("second entry")
    right.plot(estimates, "-o", color=FAINT, ms=5)
    right.plot(steps, estimates[steps], "o", color=OUTPUT, ms=10, mec="white")
    right.axhline(2, color=INK, ls=":", lw=1)
    right.text(12, 2.02, "largest singular value", ha="right", va="bottom", fontsize=9)
    right.set_ylim(0, 2.4)
    right.set_xlabel("steps of power iteration")
    right.set_ylabel("estimate ‖Wv‖")
    short = 1 - estimates[steps] / 2
    headline(
        figure, f"After {steps} step{'' if steps == 1 else 's'} the estimate is {short:.1%} short; it never overshoots"
    )
    return (
        figure,
        f"""Left, a circle of inputs and the ellipse of outputs; the needle after {steps} steps of power
    iteration. Right, the estimate over the steps: {estimates[steps]:.3f} of 2; the other singular value is
    {2 * ratio:.2g}.""",
    )


@picture
def lipschitz(without: tuple[np.ndarray, float], spectral: tuple[np.ndarray, float]):
    """Beat 9: gradient norms over the test digits, without and with spectral norm; (norms, accuracy) each."""
    figure, axes = canvas(3.0)
    bins = np.geomspace(0.05, 60, 46)
    for (norms, right), colour, name in ((without, GREY, "without"), (spectral, OUTPUT, "with spectral norm")):
        heights, _, _ = axes.hist(norms, bins, color=colour, alpha=0.75)
        # Beside the bound, so that its line does not cross the text.
        place, side = (0.9, "right") if np.median(norms) < 1 else (np.median(norms), "center")
        axes.text(place, heights.max() * 1.04, f"{name}\naccuracy {right:.2f}", ha=side, va="bottom", color=ink(colour))
    axes.axvline(1, color=INK, ls=":", lw=1)
    axes.text(1.08, axes.get_ylim()[1] * 0.5, "the bound", fontsize=9, va="center")
    axes.set_xscale("log")
    axes.set_xticks([0.1, 1, 10], ["0.1", "1", "10"])
    axes.set_ylim(0, axes.get_ylim()[1] * 1.25)
    axes.set_xlabel("norm of the gradient of the leading logit")
    axes.set_ylabel("test digits")
    headline(figure, f"Steepest place: {without[0].max():.1f} without, {spectral[0].max():.2f} with spectral norm")
    return (
        figure,
        f"""Histograms of gradient norms on a logarithmic axis: without, up to {without[0].max():.2f}, accuracy
    {without[1]:.2f}; with spectral norm up to {spectral[0].max():.2f}, accuracy {spectral[1]:.2f}. The bound is 1.""",
    )


@picture
def operators(numbers: dict[str, float]):
    """Beat 9: four numbers that are called the spectral norm of one convolution."""
    figure, axes = canvas(2.4)
    rows = np.arange(len(numbers))[::-1]
    colours = [WRONG if name == "reshaped kernel" else OUTPUT if name == "operator" else FAINT for name in numbers]
    axes.barh(rows, numbers.values(), color=colours, height=0.6)
    for row, value in zip(rows, numbers.values(), strict=True):
        axes.text(value + 0.1, row, f"{value:.2f}", va="center")
    axes.set_yticks(rows, list(numbers))
    axes.tick_params(axis="y", length=0)
    axes.set_xlim(0, 1.1 * max(numbers.values()))
    axes.set_xlabel("largest factor by which a length can grow")
    axes.set_ylabel("computed from")
    ratio = numbers["operator"] / numbers["reshaped kernel"]
    headline(figure, f"The convolution stretches {ratio:.2f} times as much as its reshaped kernel says")
    return figure, "Bars: " + ", ".join(f"{name} {value:.2f}" for name, value in numbers.items()) + "."
