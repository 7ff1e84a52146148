"""Lecture 6, beats 1 to 3: what shifts, what noise does to it, and the shift that gradients see."""

from __future__ import annotations

import functools

import numpy as np

from ..experiments.why_batch_norm_limits import ACTIVATIONS, RATES, SCALES
from ..experiments.why_batch_norm_shift import KINDS, drift
from .style import AMOUNT_OUTPUT, FAINT, GREY, INK, INPUT, KERNEL, OUTPUT, canvas, grid, headline, ink, picture

# One colour, one dash and one marker for each network, in all figures of the lecture.
LOOK = {"plain": (GREY, "--", "s"), "noisy BN": (KERNEL, "-.", "D"), "BN": (OUTPUT, "-", "o")}
WORDS = {"plain": "no batch norm", "noisy BN": "batch norm, then noise", "BN": "batch norm"}


@picture
def answer(card):
    """The opening: how much each network's distributions drift, and how well it learns. card: "noisy-batch-norm"."""
    figure, (left, right) = canvas(2.9, 1, 2, sharey=True)
    rows = np.arange(len(KINDS))[::-1]
    for axes, what, title, form in (
        (left, "drift", "How far the inputs of a layer drift", ".2g"),
        (right, "accuracy", "How well the network learned", ".0%"),
    ):
        means = [card.mean(f"{what}: {kind}") for kind in KINDS]
        axes.barh(rows, means, color=[LOOK[kind][0] for kind in KINDS], height=0.6)
        for row, mean in zip(rows, means, strict=True):
            axes.text(mean + 0.02 * max(means), row, format(mean, form), va="center", fontsize=10)
        axes.set_xlim(0, 1.18 * max(means))
        axes.set_title(title, fontsize=10)
        axes.tick_params(axis="y", length=0)
    left.set_xlabel("move of a channel's mean, in its std")
    right.set_xlabel("accuracy on test digits")
    left.set_ylabel("network")
    left.set_yticks(rows, [WORDS[kind] for kind in KINDS])
    headline(figure, "The network whose layers shift most is not the one that learns worst")
    listed = "; ".join(
        f"{WORDS[kind]}: drift {card.mean(f'drift: {kind}'):.2g}, accuracy {card.mean(f'accuracy: {kind}'):.0%}"
        for kind in KINDS
    )
    return figure, f"Two bar charts for three networks, means of the card's runs. {listed}."


@functools.cache
def _toy(frozen: bool, steps: int = 120):
    """Two layers on one feature: u -> x = w1 u + b1 -> a logistic regression on tanh(x).

    Returns u, the labels, and the trace of (w1, b1).
    """
    rng = np.random.default_rng(2)
    labels = np.repeat([0.0, 1.0], 300)
    u = rng.normal(size=600) + 1.2 * labels
    w1, b1, w2, b2 = 0.4, 1.2, 0.8, 0.0
    trace = [(w1, b1)]
    for _ in range(steps):
        hidden = np.tanh(w1 * u + b1)
        error = 1 / (1 + np.exp(-w2 * hidden - b2)) - labels
        back = error * w2 * (1 - hidden**2)
        w2, b2 = w2 - 1.0 * np.mean(error * hidden), b2 - 1.0 * np.mean(error)
        if not frozen:
            w1, b1 = w1 - 1.0 * np.mean(back * u), b1 - 1.0 * np.mean(back)
        trace.append((w1, b1))
    return u, labels, np.array(trace)


@picture
def two_layers(step: int = 120, first_layer_frozen: bool = False, batch: int = 20):
    """Beat 1: the data, the hidden layer's input at the start and now, and its mean over the steps."""
    u, _, trace = _toy(bool(first_layer_frozen))
    step = int(np.clip(step, 0, len(trace) - 1))
    start, now = (w * u + b for w, b in (trace[0], trace[step]))
    figure, (left, middle, right) = canvas(3.1, 1, 3)
    bins = np.linspace(-4, 6, 41)
    left.hist(u, bins, color=INPUT)
    left.set_title("the data, u: always the same", fontsize=9.5)
    middle.hist(start, bins, color=FAINT)
    middle.hist(now, bins, color=OUTPUT, histtype="step", lw=2)
    middle.set_title(f"input of layer 2, step {step}", fontsize=9.5)
    middle.set_ylim(0, 175)
    middle.text(0.97, 0.97, "grey: at the start", transform=middle.transAxes, ha="right", va="top", fontsize=9)
    middle.text(
        0.97, 0.88, "line: now", transform=middle.transAxes, ha="right", va="top", fontsize=9, color=ink(OUTPUT)
    )
    for axes, name in ((left, "value of u"), (middle, "value of x = F₁(u)")):
        axes.set_xlabel(name)
    left.set_ylabel("examples")
    middle.set_ylabel("examples")
    means = trace[:, 0] * u.mean() + trace[:, 1]
    rng = np.random.default_rng(step)
    some = [np.mean(rng.choice(now, batch, replace=False)) for _ in range(12)]
    right.plot(means, color=OUTPUT)
    right.plot([step] * len(some), some, "o", mfc="none", mec=INK, ms=5, lw=0)
    right.set_xlim(-4, len(trace) + 4)
    right.set_ylim(0, 3)
    right.set_title("mean of x; rings: 12 batches", fontsize=9.5)
    right.set_xlabel("training step")
    right.set_ylabel("mean of x")
    moved = means[step] - means[0]
    spread = float(np.std(some))
    headline(
        figure,
        "With F₁ frozen nothing shifts, and batches still differ"
        if abs(moved) < 1e-9
        else f"Layer 1 learned, so the input of layer 2 moved by {moved:+.2f}".replace("-", "−"),
    )
    alt = f"""Left the histogram of the data, which training leaves alone. Middle the histogram of the input of
    the second layer at the start and at step {step}. Right its mean over the steps: it has moved by {moved:.2f};
    the means of 12 batches of {batch} scatter around it with standard deviation {spread:.2f}. The first layer is
    {"frozen" if first_layer_frozen else "trained"}."""
    return figure, alt


@picture
def remedies(found: dict[str, np.ndarray], activation: str = "Sigmoid"):
    """Beat 1: accuracy by scale of the start and learning rate, without and with batch norm."""
    which = ACTIVATIONS.index(activation)
    figure, panels = canvas(3.2, 1, 2)
    for axes, kind in zip(panels, ("plain", "BN"), strict=True):
        cells = found[kind][which]
        grid(axes, cells, colours=AMOUNT_OUTPUT, low=0, high=1.2, numbers=".2f", size=10)
        axes.set_aspect("auto")
        axes.set_title(f"{activation}, {WORDS[kind]}", fontsize=10)
        axes.set_xticks(range(len(RATES)), [f"{rate:g}" for rate in RATES])
        axes.set_yticks(range(len(SCALES)), [f"{scale:g}" for scale in SCALES])
        axes.tick_params(length=0)
        axes.set_xlabel("learning rate")
        axes.set_ylabel("scale of the start (1 is He's)")
    counts = {kind: int((found[kind][which] > 0.8).sum()) for kind in found}
    total = found["BN"][which].size
    headline(
        figure, f"{activation}: {counts['plain']} of {total} settings train without batch norm, {counts['BN']} with it"
    )
    alt = f"""Two tables of accuracies, rows initial scales {SCALES}, columns learning rates {RATES}, activation
    {activation}. Above 80 %: {counts["plain"]} of {total} settings without batch norm, {counts["BN"]} with it."""
    return figure, alt


@picture
def noisy(runs: dict[str, dict], channel: int = 0, cost_of_a_step: float = 1.0):
    """Beat 2: accuracy over steps, and one channel's distribution over steps, for the three networks.

    cost_of_a_step: what a step with batch norm costs, in steps without.
    """
    from matplotlib.figure import Figure

    from .style import WIDTH

    figure = Figure(figsize=(WIDTH, 5.2), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.06, h_pad=0.06, wspace=0.04, hspace=0.06)
    slots = figure.add_gridspec(2, 3, height_ratios=[1.1, 1])
    top = figure.add_subplot(slots[0, :])
    for kind, run in runs.items():
        colour, dash, marker = LOOK[kind]
        cost = 1.0 if kind == "plain" else cost_of_a_step
        top.plot(cost * run["steps"], run["accuracy"], dash, color=colour, marker=marker, ms=5, mec="white")
        top.text(cost * run["steps"][-1] + 4, run["accuracy"][-1], WORDS[kind], color=ink(colour), va="center")
    furthest = cost_of_a_step * runs["BN"]["steps"][-1]
    top.set_xlim(0, 1.34 * furthest)
    top.set_ylim(0, 1.02)
    top.set_xlabel("cost so far, in steps of the network without batch norm")
    top.set_ylabel("accuracy on test digits")
    below = None
    for column, (kind, run) in enumerate(runs.items()):
        axes = below = figure.add_subplot(slots[1, column], sharey=below)
        mean, std = run["mean"][:, channel], run["std"][:, channel]
        looks = np.linspace(0, runs["BN"]["steps"][-1], len(mean) + 1)[1:]
        axes.fill_between(looks, mean - std, mean + std, color=LOOK[kind][0], alpha=0.3, lw=0)
        axes.plot(looks, mean, color=LOOK[kind][0])
        axes.set_title(f"{WORDS[kind]}: drift {drift(run):.2f}", fontsize=9.5)
        axes.set_xlabel("training step")
        if column == 0:
            axes.set_ylabel(f"channel {channel}, mean ± std")
        else:
            axes.tick_params(labelleft=False)
    ends = {kind: run["accuracy"][-1] for kind, run in runs.items()}
    noisy_wins = ends["noisy BN"] > ends["plain"]
    headline(
        figure,
        "Shaken in every step, and still ahead of the plain network"
        if noisy_wins
        else "In this run the noise cost more than batch norm brought",
    )
    alt = "Above, accuracy over the cost of training; at the end " + ", ".join(
        f"{WORDS[kind]} {value:.2f}" for kind, value in ends.items()
    )
    alt += f". Below, mean and standard deviation of channel {channel} before the fourth ReLU over the steps; drift "
    alt += ", ".join(f"{WORDS[kind]} {drift(run):.2f}" for kind, run in runs.items())
    return figure, alt + "."


@picture
def shift(runs: dict[str, dict], layer: int = 3, measure: str = "cosine"):
    """Beat 3: the gradient-based shift along training.

    layer: 2 to 6, counted from the input; measure: "cosine" or "relative".
    """
    index = int(layer) - 2
    figure, axes = canvas(3.2)
    ends = {kind: run[measure][-1, index] for kind, run in runs.items()}
    reach = np.ptp([run[measure] for run in runs.values()])
    upper = max(ends, key=ends.get)
    for kind, run in runs.items():
        colour, dash, marker = LOOK[kind]
        values = run[measure]
        axes.fill_between(run["steps"], values.min(1), values.max(1), color=colour, alpha=0.2, lw=0)
        axes.plot(run["steps"], values[:, index], dash, color=colour, marker=marker, ms=5, mec="white")
        axes.text(
            run["steps"][-1] + 3,
            ends[kind] if kind == upper else min(ends[kind], ends[upper] - 0.2 * reach),
            f"{WORDS[kind]}\n(accuracy {run['accuracy']:.2f})",
            color=ink(colour),
            va="center",
            fontsize=9,
        )
    axes.set_xlim(-4, 1.27 * runs["BN"]["steps"][-1])
    axes.set_xlabel("training step")
    axes.set_ylabel({"cosine": "cosine (1: no shift)", "relative": "relative change (0: no shift)"}[measure])
    axes.set_title(f"layer {layer}; the bands span layers 2 to {runs['BN'][measure].shape[1] + 1}", fontsize=10)
    means = {kind: float(run[measure].mean()) for kind, run in runs.items()}
    headline(
        figure,
        f"The shift that gradients see: mean {measure} {means['plain']:.2f} without, {means['BN']:.2f} with batch norm",
    )
    alt = f"""{measure} between a layer's gradient before and after the earlier layers' step, over training, for
    layer {layer}; bands span all layers. Means over layers and steps: {means["plain"]:.2f} without batch norm,
    {means["BN"]:.2f} with it."""
    return figure, alt
