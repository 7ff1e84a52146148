"""Lecture 6, beats 8 and 9: noise from the batch, few images, contrast, and a confounded comparison."""

from __future__ import annotations

import numpy as np

from ..data import load
from ..experiments.why_batch_norm_limits import ARMS, CONTRASTS, SIZES
from ..experiments.why_batch_norm_scale import slope
from .style import FAINT, GREY, IMAGE, INPUT, KERNEL, OUTPUT, WRONG, bare, canvas, headline, ink, picture


@picture
def noise(spread: dict[int, float], batch_size: int = 64):
    """Beat 8: spread of one image's logits over random companions, against the batch size."""
    sizes = np.array(list(spread))
    values = np.array(list(spread.values()))
    fitted = slope(spread)
    chosen = int(sizes[np.argmin(np.abs(np.log(sizes / batch_size)))])
    figure, axes = canvas(3.3)
    large = sizes >= 8
    middle = np.exp(np.mean(np.log(values[large]) + 0.5 * np.log(sizes[large])))
    axes.loglog(sizes, middle / np.sqrt(sizes), ":", color=GREY)
    axes.annotate("slope −1/2", (sizes[1], middle / np.sqrt(sizes[1])), (6, 6), textcoords="offset points", color=GREY)
    axes.loglog(sizes, values, "-o", color=OUTPUT, mec="white", ms=7)
    axes.plot(chosen, spread[chosen], "o", ms=11, mfc="none", mec=KERNEL, mew=2)
    axes.annotate(f"{spread[chosen]:.2g} at {chosen}", (chosen, spread[chosen]), (10, 8), textcoords="offset points",
                  color=ink(KERNEL))  # fmt: skip
    axes.set_xticks(sizes, [str(size) for size in sizes])
    axes.minorticks_off()
    axes.set_xlabel("batch size")
    axes.set_ylabel("std of the logits over batches")
    axes.set_yticks([0.05, 0.1, 0.2, 0.5, 1], ["0.05", "0.1", "0.2", "0.5", "1"])
    axes.set_ylim(0.7 * values.min(), 1.5 * max(values.max(), middle / np.sqrt(sizes[0])))
    headline(figure, f"One image, other companions: the noise falls with slope {fitted:.2f}".replace("-", "−"))
    alt = f"""On double logarithmic axes, the standard deviation of one image's logits over random batches against
    the batch size; the fitted slope from 8 on is {fitted:.2f}, beside a line of slope -1/2. At {chosen} it is
    {spread[chosen]:.2g}."""
    return figure, alt


@picture
def few(card):
    """Beat 8: accuracy in training and test, and the test loss, for the five arms. card: "few-images"."""
    figure, (left, right) = canvas(3.4, 1, 2, sharey=True, width_ratios=[1.25, 1])
    rows = np.arange(len(ARMS))[::-1]
    for row, arm in zip(rows, ARMS, strict=True):
        train, test = card.mean(f"train: {arm}"), card.mean(f"test: {arm}")
        left.plot([test, train], [row, row], color=FAINT, lw=5, zorder=0)
        left.plot(train, row, "s", color=INPUT, ms=8, mec="white")
        for axes, what, colour in ((left, "test", OUTPUT), (right, "loss", WRONG)):
            low, high = card.interval(f"{what}: {arm}")
            axes.plot([low, high], [row, row], color=colour, lw=9, alpha=0.25, solid_capstyle="butt")
            axes.plot(card.mean(f"{what}: {arm}"), row, "o", color=colour, ms=8, mec="white")
            axes.text(card.mean(f"{what}: {arm}"), row + 0.2, f"{card.mean(f'{what}: {arm}'):.2f}", ha="center",
                      va="bottom", fontsize=9)  # fmt: skip
    left.text(card.mean("train: nothing"), rows[0] + 0.42, "train", ha="center", va="bottom", color=ink(INPUT))
    left.text(card.mean("test: nothing"), rows[0] + 0.55, "test", ha="center", va="bottom", color=ink(OUTPUT))
    left.set_yticks(rows, list(ARMS))
    left.set_ylim(-0.5, len(ARMS) - 0.1)
    left.set_xlim(0.55, 1.03)
    left.set_ylabel("network")
    left.set_xlabel("accuracy")
    right.set_xlabel("loss on test images")
    for axes in (left, right):
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="y", color=FAINT, lw=0.6)
    best = min(ARMS, key=lambda arm: card.mean(f"loss: {arm}"))
    gain = card.mean("test: BN") - card.mean("test: nothing")
    headline(figure, f"200 images: batch norm changes the test accuracy by {gain:+.0%}".replace("-", "−"))
    listed = "; ".join(
        f"{arm}: train {card.mean(f'train: {arm}'):.2f}, test {card.mean(f'test: {arm}'):.2f}, "
        f"loss {card.mean(f'loss: {arm}'):.2f}"
        for arm in ARMS
    )
    return (
        figure,
        f"Five networks trained on 200 images, means and intervals of the card. {listed}. Lowest loss: {best}.",
    )


@picture
def contrast(runs: dict[str, dict[float, float]], contrast: float = 0.5):
    """Beat 9: a dimmed digit, and the accuracy of three networks against the contrast."""
    chosen = min(CONTRASTS, key=lambda value: abs(value - contrast))
    figure, (left, right) = canvas(3.2, 1, 2, width_ratios=[0.55, 1])
    left.imshow(chosen * load("digits").x_test[4], cmap=IMAGE, vmin=0, vmax=1, interpolation="nearest")
    bare(left)
    for spine in left.spines.values():
        spine.set(visible=True, color=GREY, lw=0.6)
    left.set_title(f"contrast × {chosen:g}", fontsize=10)
    looks = {"plain": (GREY, "--", "s"), "BN": (WRONG, "-", "o"), "BN, new statistics": (OUTPUT, "-", "D")}
    words = {"plain": "no batch norm", "BN": "BN as trained", "BN, new statistics": "BN, statistics anew"}
    for kind, row in runs.items():
        colour, dash, marker = looks[kind]
        right.plot(list(row), list(row.values()), dash, color=colour, marker=marker, ms=6, mec="white")
        right.text(1.03, row[1.0] + {"plain": -0.1, "BN": 0.0, "BN, new statistics": 0.06}[kind], words[kind],
                   color=ink(colour), va="center")  # fmt: skip
    right.axvline(chosen, color=FAINT, zorder=0)
    right.set_xlim(0.05, 1.5)
    right.set_xticks(CONTRASTS, [f"{value:g}" for value in CONTRASTS])
    right.set_ylim(0, 1.05)
    right.set_xlabel("contrast of the test images")
    right.set_ylabel("accuracy")
    was, now = runs["BN"][chosen], runs["BN, new statistics"][chosen]
    headline(figure, f"Contrast × {chosen:g}: accuracy {was:.2f} with old statistics, {now:.2f} with new ones")
    listed = "; ".join(f"{words[kind]} {row[chosen]:.2f}" for kind, row in runs.items())
    return figure, f"A digit at contrast {chosen:g}, and accuracy against contrast for three networks; here {listed}."


@picture
def budgets(found: dict[str, dict[int, float]], budget: str = "same epochs"):
    """Beat 9: accuracy against batch size, with equal epochs or equal steps."""
    figure, axes = canvas(3.0)
    places = np.arange(len(SIZES))
    for name, row in found.items():
        values = [row[size] for size in SIZES]
        lit = name == budget
        axes.plot(places, values, "-o" if lit else "--s", color=OUTPUT if lit else GREY, ms=7, mec="white",
                  zorder=3 if lit else 1)  # fmt: skip
        axes.text(places[-1] + 0.12, values[-1], name, va="center", color=ink(OUTPUT) if lit else GREY)
        if lit:
            for place, value in zip(places, values, strict=True):
                axes.annotate(
                    f"{value:.2f}", (place, value), (0, 8), textcoords="offset points", ha="center", fontsize=9
                )
    axes.set_xticks(places, [str(size) for size in SIZES])
    axes.set_xlim(-0.3, len(SIZES) + 0.1)
    axes.set_ylim(0, 1.1)
    axes.set_xlabel("batch size")
    axes.set_ylabel("accuracy")
    best = max(SIZES, key=found[budget].get)
    headline(figure, f"With the {budget}, batches of {best} do best")
    alt = "; ".join(f"{name}: " + ", ".join(f"{s} {v:.2f}" for s, v in row.items()) for name, row in found.items())
    return figure, f"Accuracy with batch norm against the batch size, at one learning rate. {alt}."
