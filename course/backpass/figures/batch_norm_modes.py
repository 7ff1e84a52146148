"""Lecture 5, beats 7, 9 and 10: running statistics, two machines, two devices, and small batches."""

from __future__ import annotations

import numpy as np

from ..data import load
from .style import FAINT, GREY, INK, INPUT, KERNEL, OTHER, OUTPUT, WRONG, canvas, headline, ink, number, picture


@picture
def lagging(momentum: float = 0.1, batch: int = 16):
    """Beat 7: a running mean on its way from 0 to the population's mean, and the plain average.

    momentum: weight of the new batch; batch: examples in each.
    """
    rng = np.random.default_rng(3)
    truth, updates = 2.0, 60
    means = truth + rng.normal(size=(updates, batch)).mean(axis=1)
    running = np.zeros(updates + 1)
    for step, mean in enumerate(means):
        running[step + 1] = (1 - momentum) * running[step] + momentum * mean
    average = np.cumsum(means) / np.arange(1, updates + 1)
    figure, axes = canvas(3.7)
    steps = np.arange(updates + 1)
    axes.plot(steps[1:], means, "o", ms=4, color=OTHER, mec="none")
    axes.plot([0, updates], [truth, truth], color=INK, lw=1.2, ls=":")
    axes.plot(steps[1:], average, color=KERNEL, lw=2, ls="--")
    axes.plot(steps, running, color=OUTPUT, lw=2.6)
    axes.axvline(10, color=FAINT, zorder=0)
    axes.plot([10], [running[10]], "o", ms=8, color=OUTPUT, mec="white", zorder=4)
    axes.text(60.6, truth, "all data", fontsize=9, va="center")
    axes.text(60.6, running[-1] - 0.22, "running\nmean", color=ink(OUTPUT), fontsize=9, va="top")
    axes.text(60.6, average[-1] + 0.16, "plain average", color=ink(KERNEL), fontsize=9, va="bottom")
    axes.text(16, means.max() + 0.08, "means of the batches", color=ink(OTHER), fontsize=9, va="bottom")
    axes.set_xlim(-1, 71)
    axes.set_ylim(-0.15, max(3.3, means.max() + 0.4))
    axes.set_xticks(range(0, 61, 10))
    axes.set_xlabel("updates")
    axes.set_ylabel("mean of one channel")
    covered = 1 - (1 - momentum) ** 10
    headline(figure, f"After ten updates a momentum of {momentum:.2g} has gone {covered:.0%} of the way")
    alt = f"""Means of 60 batches of {batch} around the true mean 2, the running mean with momentum {momentum:.2g}
    that starts at 0, and the plain average. After ten updates the running mean has covered {covered:.0%} of the
    way and stands at {running[10]:.2f}, at the end at {running[-1]:.2f}; the plain average ends at
    {average[-1]:.2f}."""
    return figure, alt


@picture
def machines(results: dict[str, float], card):
    """Beat 7: accuracy of one trained network in each mode; the dots are this run, the bands the card's."""
    names = list(card.measures)[::-1]
    figure, axes = canvas(3.9)
    for row, name in enumerate(names):
        good = name in ("eval mode", "half the contrast, estimated again")
        colour = OUTPUT if good else WRONG
        low, high = card.interval(name)
        axes.plot([low, high], [row, row], color=colour, lw=9, alpha=0.22, solid_capstyle="butt")
        axes.plot(results[name], row, "o" if good else "D", ms=7.5, color=colour, mec="white")
        axes.text(results[name], row + 0.22, f"{results[name]:.2f}", ha="center", va="bottom", fontsize=9)
    axes.axvline(0.1, color=GREY, lw=0.9, ls=":")
    axes.text(0.11, -0.45, "guessing", fontsize=8.5, color=GREY)
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(-0.55, len(names) - 0.3)
    axes.set_xlim(0, 1.04)
    axes.set_xlabel("test accuracy of the same weights")
    axes.set_ylabel("how the network is run")
    headline(figure, "The same weights: what changes is whose mean and variance are used")
    alt = "Test accuracy of one trained network: " + ", ".join(f"{n} {results[n]:.2f}" for n in names[::-1])
    return figure, alt + ". Bands behind the dots are the card's intervals."


@picture
def two_devices(distance: float = 3.0, share: float = 0.5):
    """Beat 9: two shards of one batch. The mean of their variances is not the variance of the batch.

    distance: between the means of the shards; share: the part of the examples on the first device.
    """
    rng = np.random.default_rng(6)
    count = 400
    first = rng.normal(size=round(count * share)) - distance / 2
    second = rng.normal(size=count - len(first)) + distance / 2
    together = np.concatenate([first, second])
    naive = float(np.mean([first.var(), second.var()]))
    whole = float(together.var())
    figure, axes = canvas(3.6)
    bins = np.linspace(-7, 7, 57)
    axes.hist(first, bins, color=INPUT, alpha=0.7)
    axes.hist(second, bins, color=OTHER, alpha=0.7, hatch="//", ec="white", lw=0)
    top = axes.get_ylim()[1]
    shards = ((first, "device 1", INPUT), (second, "device 2", OTHER))
    for values, name, colour in shards:
        label = f"{name}\n{len(values)} examples"
        axes.text(values.mean(), top * 1.01, label, color=ink(colour), ha="center", va="bottom",
                  fontsize=9)  # fmt: skip
    centre = float(together.mean())
    for height, value, name, colour in (
        (1.42, whole, "all together", OUTPUT),
        (1.3, naive, "mean of the variances", WRONG),
    ):
        half = np.sqrt(value)
        axes.plot([centre - half, centre + half], [top * height] * 2, color=colour, lw=4, solid_capstyle="butt")
        axes.text(6.9, top * height, f"{name}: {value:.2f}", color=ink(colour), va="center", ha="right", fontsize=9.5)
    axes.set_ylim(0, top * 1.5)
    axes.set_xlim(-7, 7)
    axes.set_xlabel("value of one channel")
    axes.set_ylabel("examples")
    headline(figure, f"The variance of the batch is {whole:.2f}; averaging the devices' variances gives {naive:.2f}")
    alt = f"""Histograms of one channel on two devices, {len(first)} and {len(second)} examples, whose means are
    {distance:.2f} apart. The variance of all examples together is {whole:.3f}; the mean of the two variances is
    {naive:.3f}. Bars above show one standard deviation to each side."""
    return figure, alt


@picture
def tiny_batches(trials: int = 400):
    """Beat 10: two examples keep only a sign; the mean of a batch gets steadier with what it averages over."""
    rng = np.random.default_rng(0)
    figure, (left, right) = canvas(3.8, 1, 2)
    gap = np.linspace(-4, 4, 400)
    left.plot(gap, (gap / 2) / np.sqrt(gap**2 / 4 + 1e-5), color=OUTPUT)
    left.axhline(0, color=GREY, ls="--", lw=1.6)
    left.text(3.9, 1.05, "N = 2", color=ink(OUTPUT), ha="right", va="bottom")
    left.text(3.9, 0.05, "N = 1: always 0", color=INK, ha="right", va="bottom", fontsize=9)
    left.set_ylim(-1.3, 1.3)
    left.set_title("x̂ of the first of two examples", fontsize=10)
    left.set_xlabel("its value less that of the other")
    left.set_ylabel("x̂")
    images = load("fashion14", np.float64).x_train[:2000]
    sizes = np.array([1, 2, 4, 8, 16, 32, 64])
    noise = {"a pixel": images[:, 7, 4], "an image": images.mean(axis=(1, 2))}
    said = []
    for (name, values), colour, mark in zip(noise.items(), (WRONG, OUTPUT), ("D", "o"), strict=True):
        spread = np.array([rng.choice(values, (trials, size)).mean(axis=1).std() for size in sizes])
        right.loglog(sizes, spread, mark, color=colour, ms=6)
        right.loglog(sizes, values.std() / np.sqrt(sizes), color=colour, lw=1.4)
        right.annotate(name, (16, values.std() / 4), (2, 7), textcoords="offset points", color=ink(colour), fontsize=9)
        said.append(f"{name} {spread[1]:.3f} for two examples")
    pixels = images[0].size
    independent = images.std() / np.sqrt(pixels * sizes)
    right.loglog(sizes, independent, color=GREY, lw=1.4, ls=":")
    label = f"if its {pixels} pixels were independent"
    right.text(1, independent[-1] * 1.02, label, color=INK, fontsize=8.5, va="center")
    right.set_ylim(0.6 * independent[-1], 0.8)
    right.set_xticks(sizes, [str(s) for s in sizes])
    right.minorticks_off()
    right.set_title("how much a batch's mean varies", fontsize=10)
    right.set_xlabel("examples in the batch, N")
    right.set_ylabel("deviation of the batch mean")
    ratio = float(noise["a pixel"].std() / noise["an image"].std())
    headline(figure, f"Two examples keep a sign; positions make the mean {ratio:.1f} times steadier")
    alt = f"""Left, x-hat of one of two examples against their difference: plus or minus 1 almost everywhere; with
    one example it is 0. Right, the standard deviation of the mean of a batch against its size, falling like one
    over the root of N: {"; ".join(said)}. The mean over whole images is {number(ratio, ".2f")} times steadier
    than that of one pixel, less than independent pixels would give."""
    return figure, alt
