"""Lecture 4, beats 4 and 5: a gallery of losses, the stalled gradient, and the overflow."""

from __future__ import annotations

import numpy as np

from .style import FAINT, GRADIENT, GREY, INK, INPUT, OUTPUT, WRONG, canvas, headline, ink, number, picture

# name: (value as a function of prediction p and target t, range of p, targets, what p is, for classifiers?)
LOSSES = {
    "mean squared error": (lambda p, t: (p - t) ** 2, (-2, 4), (1.0,), "prediction", "numbers"),
    "mean absolute error": (lambda p, t: np.abs(p - t), (-2, 4), (1.0,), "prediction", "numbers"),
    "mean absolute percentage error": (
        lambda p, t: 100 * np.abs(p - t) / np.abs(t), (-2, 8), (1.0, 4.0), "prediction", "numbers"),
    "mean squared logarithmic error": (
        lambda p, t: (np.log1p(p) - np.log1p(t)) ** 2, (-0.9, 8), (1.0, 4.0), "prediction", "counts"),
    "log-cosh": (lambda p, t: np.logaddexp(p - t, t - p) - np.log(2), (-4, 6), (1.0,), "prediction", "numbers"),
    "hinge": (lambda p, t: np.maximum(0, 1 - t * p), (-3, 3), (1.0, -1.0), "score", "classes ±1"),
    "squared hinge": (lambda p, t: np.maximum(0, 1 - t * p) ** 2, (-3, 3), (1.0, -1.0), "score", "classes ±1"),
    "categorical hinge": (
        lambda p, t: np.maximum(0, 1 + t - p), (-3, 4), (0.0, 1.0), "score of the right class", "classes"),
    "categorical cross-entropy": (
        lambda p, t: -t * np.log(p), (0.01, 0.99), (1.0,), "probability of the right class", "classes"),
    "sparse categorical cross-entropy": (
        lambda p, t: -t * np.log(p), (0.01, 0.99), (1.0,), "probability of the right class", "classes"),
    "binary cross-entropy": (
        lambda p, t: -t * np.log(p) - (1 - t) * np.log(1 - p), (0.01, 0.99), (1.0, 0.3), "probability", "classes"),
    "Kullback-Leibler divergence": (
        lambda p, t: t * np.log(t / p) + (1 - t) * np.log((1 - t) / (1 - p)), (0.01, 0.99), (0.5, 0.8),
        "probability", "distributions"),
    "Poisson": (lambda p, t: p - t * np.log(p), (0.1, 8), (1.0, 4.0), "predicted rate", "counts"),
    "cosine proximity": (
        lambda p, t: 1 - np.cos(np.deg2rad(p - t)), (-180, 180), (0.0,), "angle (degrees)", "directions"),
}  # fmt: skip


@picture
def gallery(loss: str = "mean squared error"):
    """Beat 4: a loss and its slope against the prediction. loss: a key of LOSSES."""
    value, (low, high), targets, meaning, purpose = LOSSES[loss]
    p = np.linspace(low, high, 401)
    figure, (left, right) = canvas(3.5, 1, 2)
    said = []
    for target, dash, weight in zip(targets, ("-", "--"), (2.4, 1.8), strict=False):
        y = value(p, target)
        left.plot(p, y, dash, color=OUTPUT, lw=weight)
        right.plot(p, np.gradient(y, p), dash, color=GRADIENT, lw=weight)
        at = len(p) * 3 // 10 if dash == "-" else len(p) * 7 // 10
        if len(targets) > 1:
            for axes, curve, colour in ((left, y, OUTPUT), (right, np.gradient(y, p), GRADIENT)):
                axes.annotate(f"target {number(target)}", (p[at], curve[at]), (5, 5), textcoords="offset points",
                              color=ink(colour), fontsize=9)  # fmt: skip
        best = p[np.argmin(y)]
        steepest = np.abs(np.gradient(y, p)).max()
        said.append(f"target {target:g}: smallest {y.min():.2g} at {best:.2g}, steepest slope {steepest:.3g}")
    for axes, name in ((left, "loss"), (right, "slope of the loss")):
        axes.axhline(0, color=FAINT, zorder=0)
        axes.set_xlabel(meaning)
        axes.set_ylabel(name)
    if len(targets) == 1:
        left.axvline(targets[0], color=GREY, ls=":", lw=1.2)
        right.axvline(targets[0], color=GREY, ls=":", lw=1.2)
    headline(figure, f"{loss[:1].upper() + loss[1:]}, for {purpose}: value and slope")
    return figure, f"The loss “{loss}” and its slope against the {meaning}. " + "; ".join(said) + "."


@picture
def stalled(margin: float = -6.0):
    """Beat 4: how strongly a loss pulls at the logit, against how wrong the network is.

    margin: logit of the right class less that of the wrong one, for the marked example.
    """
    z = np.linspace(-10, 10, 801)
    right_share = 1 / (1 + np.exp(-z))
    curves = {
        "cross-entropy": (np.logaddexp(0, -z), OUTPUT, "-"),
        "mean squared error": ((1 - right_share) ** 2, WRONG, "--"),
    }
    figure, axes = canvas(3.5)
    pulls = {}
    for name, (loss, colour, dash) in curves.items():
        pull = -np.gradient(loss, z)
        pulls[name] = float(np.interp(margin, z, pull))
        axes.plot(z, pull, dash, color=colour)
        axes.plot(margin, pulls[name], "o", ms=8, color=colour, mec="white", zorder=4)
    axes.text(-9.8, 0.9, "cross-entropy: 1 − p", color=ink(OUTPUT), va="top")
    axes.text(-9.8, 0.2, "mean squared error of the softmax", color=ink(WRONG))
    axes.axvline(0, color=FAINT, zorder=0)
    axes.text(-0.2, 1.06, "wrong", ha="right", fontsize=9, color=INK)
    axes.text(0.2, 1.06, "right", ha="left", fontsize=9, color=INK)
    axes.set_ylim(0, 1.14)
    axes.set_xlabel("logit of the right class less that of the wrong one")
    axes.set_ylabel("pull on the logit")
    ratio = pulls["cross-entropy"] / max(pulls["mean squared error"], 1e-300)
    headline(
        figure,
        f"At margin {number(margin, '.1f')} cross-entropy pulls {float(f'{ratio:.2g}'):,.4g} times as hard",
    )
    alt = f"""The size of the gradient with respect to the logit against the margin, from very wrong to very
    right. Cross-entropy's tends to 1 on the wrong side; that of the squared error of a softmax tends to 0 there.
    At a margin of {margin:.1f}: {pulls["cross-entropy"]:.4f} and {pulls["mean squared error"]:.6f}."""
    return figure, alt


@picture
def overflow(size: float = 100.0):
    """Beat 5: the loss of a two-class example in float32, written out naively, and right. size: of the logits."""
    sizes = np.arange(0, 201, 2, dtype=np.float32)

    def naive(z):
        with np.errstate(all="ignore"):
            wrong, right = np.exp(z), np.exp(np.float32(0))
            return -np.log(right / (wrong + right))

    values = np.array([naive(z) for z in sizes])
    here = naive(np.float32(size))
    broken = ~np.isfinite(values)
    figure, axes = canvas(3.4)
    axes.plot(sizes, np.logaddexp(0, sizes), color=OUTPUT, lw=5, alpha=0.35)
    axes.plot(sizes[~broken], values[~broken], color=INPUT, lw=1.8)
    axes.plot(sizes[broken], np.full(broken.sum(), 4.0), "x", color=WRONG, ms=5)
    axes.text(sizes[broken][0] + 2, 14, "naive: inf or nan", color=ink(WRONG))
    axes.text(128, 105, "right value", color=ink(OUTPUT), ha="right")
    axes.axvline(size, color=GREY, ls=":", lw=1.2)
    axes.set_xlabel("logit of the wrong class (the right one's is 0)")
    axes.set_ylabel("cross-entropy")
    first = float(sizes[broken][0])
    shown = f"{here:.4g}" if np.isfinite(here) else str(here)
    headline(figure, f"At {size:.0f} the formula as written gives {shown}; it should give {np.logaddexp(0, size):.4g}")
    alt = f"""The cross-entropy of one example in float32 against the size of a wrong logit. The right value is
    nearly the logit itself. The formula as written agrees up to {first - 2:.0f} and gives infinity or
    not-a-number from {first:.0f} on. At {size:.0f} it gives {shown}."""
    return figure, alt
