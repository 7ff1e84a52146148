"""Lecture 4, beats 6 to 9: update rules, first weights, penalties and constraints, step schedules."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from ..experiments.training import GAINS, INPUTS, RULES
from .style import (
    FAINT,
    GREY,
    INK,
    INPUT,
    KERNEL,
    OUTPUT,
    WIDTH,
    WRONG,
    canvas,
    headline,
    ink,
    number,
    picture,
)

LANDSCAPES = ("bowl along the axes", "bowl at 45°", "Rosenbrock's valley")

# Rates at which the rules are comparable on these small landscapes.
PACES = {
    "SGD": 0.06, "momentum": 0.02, "Nesterov": 0.02, "Adagrad": 0.5, "RMSprop": 0.06,
    "Adadelta": 12.0, "Adam": 0.12, "Adamax": 0.15, "NAdam": 0.12,
}  # fmt: skip


def _height(landscape: str, x, y):
    if landscape == "Rosenbrock's valley":
        return 0.25 * (1 - x) ** 2 + 2 * (y - x**2) ** 2
    if landscape == "bowl at 45°":
        x, y = (x + y) / 2**0.5, (y - x) / 2**0.5
    return 0.5 * x**2 + 10 * y**2


def _walk(torch, landscape: str, rule: str, factor: float, steps: int) -> np.ndarray:
    """The points that a torch optimizer visits. Returns (steps + 1, 2)."""
    point = torch.tensor([-1.7, 1.1], dtype=torch.float64, requires_grad=True)
    rate, optim = factor * PACES[rule], torch.optim
    options = {"momentum": {"momentum": 0.9}, "Nesterov": {"momentum": 0.9, "nesterov": True}}.get(rule, {})
    kind = optim.SGD if rule in ("SGD", "momentum", "Nesterov") else getattr(optim, rule)
    optimizer = kind([point], lr=rate, **options)
    points = [point.detach().numpy().copy()]
    for _ in range(steps):
        optimizer.zero_grad()
        _height(landscape, point[0], point[1]).backward()
        optimizer.step()
        points.append(np.clip(point.detach().numpy(), -50, 50).copy())
    return np.array(points)


@picture
def trajectories(landscape: str = LANDSCAPES[0], rate: float = 1.0, steps: int = 40):
    """Beat 6: nine update rules from one start. rate: factor on the rate of each. Needs torch."""
    import torch

    goal = np.array([1.0, 1.0]) if landscape == LANDSCAPES[2] else np.zeros(2)
    ticks = np.linspace(-2.1, 2.1, 60)
    first, second = np.meshgrid(ticks, ticks)
    levels = np.sqrt(_height(landscape, first, second))
    # Margins by hand: nine panels under constrained layout take a second to redraw.
    figure = Figure(figsize=(WIDTH, 6.9))
    panels = figure.subplots(3, 3, sharex=True, sharey=True)
    figure.subplots_adjust(left=0.08, right=0.99, bottom=0.075, top=0.9, wspace=0.08, hspace=0.2)
    left = {}
    for axes, rule in zip(panels.ravel(), RULES, strict=True):
        path = _walk(torch, landscape, rule, rate, steps)
        left[rule] = float(np.linalg.norm(path[-1] - goal))
        near = left[rule] < 0.2
        axes.contour(first, second, levels, levels=9, colors=FAINT, linewidths=0.9)
        axes.plot(*path.T, "-", color=OUTPUT if near else WRONG, lw=1.3)
        axes.plot(*path.T, "o", color=OUTPUT if near else WRONG, ms=2.6)
        axes.plot(*goal, "*", ms=11, color=INK, mec="white")
        axes.set_xlim(-2.1, 2.1)
        axes.set_ylim(-2.1, 2.1)
        axes.set_title(f"{rule}: {number(left[rule], '.2g')} to go", fontsize=10)
        axes.set_xticks([-2, 0, 2])
        axes.set_yticks([-2, 0, 2])
    for axes in panels[:, 0]:
        axes.set_ylabel("second weight")
    for axes in panels[-1]:
        axes.set_xlabel("first weight")
    arrived = [rule for rule, distance in left.items() if distance < 0.2]
    headline(
        figure,
        f"{landscape[:1].upper() + landscape[1:]}: {len(arrived)} of {len(RULES)} rules arrive within {steps} steps",
    )
    said = ", ".join(f"{rule} {distance:.2g}" for rule, distance in left.items())
    alt = f"""Paths of nine update rules on the landscape “{landscape}” after {steps} steps, rates times
    {rate:.2f}. Distance to the lowest point: {said}."""
    return figure, alt


@picture
def rules(results: dict[str, float], card):
    """Beat 6: accuracy of each rule on evenly and unevenly scaled pixels; bands are the card's intervals."""
    figure, axes = canvas(4.0)
    rows = np.arange(len(RULES))[::-1]
    for inputs, colour, mark, down in zip(INPUTS, (OUTPUT, WRONG), "oD", (0.13, -0.13), strict=True):
        for row, rule in zip(rows, RULES, strict=True):
            low, high = card.interval(f"{inputs}: {rule}")
            axes.plot([low, high], [row + down] * 2, color=colour, lw=7, alpha=0.2, solid_capstyle="butt")
            axes.plot(results[f"{inputs}: {rule}"], row + down, mark, ms=6.5, color=colour, mec="white")
    axes.text(results[f"{INPUTS[0]}: SGD"], rows[0] + 0.4, INPUTS[0], color=ink(OUTPUT), ha="center")
    axes.text(min(results[f"{INPUTS[1]}: {rule}"] for rule in RULES) + 0.03, rows[1] - 0.6, INPUTS[1], color=ink(WRONG))
    axes.axvline(0.1, color=GREY, lw=0.9, ls=":")
    axes.set_yticks(rows, RULES)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(-0.5, len(RULES) - 0.2)
    axes.set_xlim(0, 1.02)
    axes.set_xlabel("test accuracy after 200 steps")
    axes.set_ylabel("update rule")
    lost = {rule: results[f"{INPUTS[0]}: {rule}"] - results[f"{INPUTS[1]}: {rule}"] for rule in RULES}
    worst = max(lost, key=lost.get)
    headline(figure, f"Uneven scales cost {worst} {lost[worst]:.2f}, and RMSprop {lost['RMSprop']:.2f}")
    said = "; ".join(f"{name} {value:.2f}" for name, value in results.items())
    return figure, f"Test accuracy of nine update rules on evenly and unevenly scaled pixels. {said}."


@picture
def depth(gain: float = 1.0, activation: str = "ReLU", layers: int = 20, width: int = 200):
    """Beat 7: the size of the signal through a deep network. gain: 1 is He's for ReLU, Glorot's otherwise."""
    rng = np.random.default_rng(0)
    shape = {"ReLU": lambda z: np.maximum(z, 0), "tanh": np.tanh, "none": lambda z: z}[activation]
    base = (2 if activation == "ReLU" else 1) / width
    figure, axes = canvas(3.6)
    steps = np.arange(layers + 1)
    chosen = None
    for factor, colour, dash in ((0.7, GREY, "--"), (1.0, GREY, "-"), (1.4, GREY, ":"), (gain, OUTPUT, "-")):
        x = rng.normal(size=(64, width))
        sizes = [float(np.sqrt((x**2).mean()))]
        for _ in range(layers):
            x = shape(x @ rng.normal(scale=factor * np.sqrt(base), size=(width, width)))
            sizes.append(float(np.sqrt((x**2).mean())))
        sizes = np.maximum(sizes, 1e-9)
        mine = colour is OUTPUT
        axes.semilogy(steps, sizes, dash, color=colour, lw=3 if mine else 1.4, marker="o" if mine else None, ms=4)
        if not mine:
            axes.annotate(
                f"{factor:g}", (layers, sizes[-1]), (5, -3), textcoords="offset points", color=INK, fontsize=9
            )
        chosen = sizes
    axes.set_xlim(0, layers + 1.5)
    axes.set_ylim(1e-6, 1e6)
    axes.set_xticks(range(0, layers + 1, 5))
    axes.minorticks_off()
    axes.set_xlabel("layer")
    axes.set_ylabel("size of the activations")
    ratio = float(chosen[-1] / chosen[0])
    headline(
        figure,
        f"Gain {gain:.2f}, {activation}: after {layers} layers the signal is {number(ratio, '.2g')} times its size",
    )
    alt = f"""Root mean square of the activations through {layers} layers, on a logarithmic axis, for gains of
    0.7, 1 and 1.4, and in bold for {gain:.2f}, with activation {activation}: it ends at {ratio:.3g} times its
    first size."""
    return figure, alt


@picture
def first_scale(results: dict[str, float], card):
    """Beat 7: accuracy against the scale of the first weights, plain and with batch norm."""
    figure, axes = canvas(3.6)
    for arm, colour, dash in (("plain", WRONG, "--"), ("batch norm", OUTPUT, "-")):
        names = [f"{arm}: {gain:g}" for gain in GAINS]
        low, high = np.array([card.interval(name) for name in names]).T
        axes.fill_between(GAINS, low, high, color=colour, alpha=0.15, lw=0)
        values = [results[name] for name in names]
        axes.semilogx(GAINS, values, dash, marker="o", ms=6, color=colour)
        at = int(np.argmax(values)) if arm == "plain" else 1
        axes.annotate(arm, (GAINS[at], values[at]), (6, -16) if arm == "plain" else (0, 9), textcoords="offset points",
                      color=ink(colour))  # fmt: skip
    axes.axhline(0.1, color=GREY, lw=0.9, ls=":")
    axes.set_ylim(0, 1.1)
    axes.set_xticks(GAINS, [f"{gain:g}" for gain in GAINS])
    axes.minorticks_off()
    axes.set_xlabel("first weights, in units of He's deviation")
    axes.set_ylabel("test accuracy")
    works = {arm: sum(results[f"{arm}: {gain:g}"] > 0.5 for gain in GAINS) for arm in ("plain", "batch norm")}
    headline(figure, f"Plain, {works['plain']} of {len(GAINS)} scales train; with batch norm {works['batch norm']}")
    said = "; ".join(f"{name} {value:.2f}" for name, value in results.items())
    return figure, f"Test accuracy against the scale of the first weights, with the card's intervals. {said}."


BEST = np.array([1.5, 0.6])
CURVES = np.array([[1.0, 0.35], [0.35, 0.6]])


@picture
def balls(penalty: str = "L1", strength: float = 0.6, constraint: str = "max norm 1"):
    """Beat 8: a penalty moves the minimum; a constraint takes a step and puts it back."""
    ticks = np.linspace(-1.2, 2.2, 341)
    first, second = np.meshgrid(ticks, ticks)

    def loss(x, y):
        away = np.stack([x - BEST[0], y - BEST[1]], axis=-1)
        return 0.5 * np.einsum("...i,ij,...j->...", away, CURVES, away)

    size = np.abs(first) + np.abs(second) if penalty == "L1" else first**2 + second**2
    plain = loss(first, second)
    where = np.unravel_index((plain + strength * size).argmin(), plain.shape)
    least = np.array([ticks[where[1]], ticks[where[0]]])
    figure, (left, right) = canvas(4.5, 1, 2, sharey=True)
    for axes in (left, right):
        axes.contour(
            first[::4, ::4], second[::4, ::4], np.sqrt(plain[::4, ::4]), levels=8, colors="#B8CFE0", linewidths=1
        )
        axes.axhline(0, color=FAINT, lw=0.9, zorder=0)
        axes.axvline(0, color=FAINT, lw=0.9, zorder=0)
        axes.plot(*BEST, "*", ms=13, color=INPUT, mec="white")
        axes.set_aspect("equal")
        axes.set_xlim(-1.2, 2.2)
        axes.set_ylim(-1.2, 2.2)
        axes.set_xlabel("first weight")
    left.contour(
        first[::4, ::4], second[::4, ::4], size[::4, ::4], levels=[0.25, 1, 2.25], colors=KERNEL, linewidths=1.3
    )
    left.plot(*least, "o", ms=10, color=OUTPUT, mec="white", zorder=5)
    left.set_title(f"{penalty} penalty, strength {strength:.2f}", fontsize=10)
    left.set_ylabel("second weight")
    start = np.array([0.2, -0.55]) if constraint == "non-negative" else np.array([0.3, 0.75])
    step = start - 0.9 * CURVES @ (start - BEST) * (-0.6 if constraint == "non-negative" else 1)
    length = float(np.linalg.norm(step))
    back = {
        "max norm 1": step / max(length, 1),
        "unit norm": step / length,
        "non-negative": np.clip(step, 0, None),
    }[constraint]
    if constraint == "non-negative":
        right.fill_between([0, 2.2], 0, 2.2, color=KERNEL, alpha=0.16, lw=0)
    else:
        angle = np.linspace(0, 2 * np.pi, 200)
        right.plot(np.cos(angle), np.sin(angle), color=KERNEL, lw=2)
        if constraint == "max norm 1":
            right.fill(np.cos(angle), np.sin(angle), color=KERNEL, alpha=0.16, lw=0)
    for begin, end, colour in ((start, step, WRONG), (step, back, OUTPUT)):
        if np.linalg.norm(end - begin) > 1e-9:
            right.annotate(
                "", end, begin, arrowprops={"arrowstyle": "-|>", "color": colour, "lw": 2.2, "shrinkA": 0, "shrinkB": 0}
            )
    right.plot(*start, "o", ms=6, color=INK)
    right.plot(*back, "o", ms=9, color=OUTPUT, mec="white", zorder=5)
    right.set_title(f"constraint: {constraint}", fontsize=10)
    zeros = int((np.abs(least) < 0.006).sum())
    headline(figure, f"The penalty leaves {zeros} weight{'s' * (zeros != 1)} at 0; the constraint projects each step")
    alt = f"""Contours of a loss over two weights, twice. Left, with the {penalty} penalty at strength
    {strength:.2f} the minimum moves from ({BEST[0]:.2f}, {BEST[1]:.2f}) to ({least[0]:.2f}, {least[1]:.2f}).
    Right, a step of gradient descent leaves the set “{constraint}” or not, and the projection puts it at
    ({back[0]:.2f}, {back[1]:.2f})."""
    return figure, alt


@picture
def staircases(every: int = 10, epochs: int = 30):
    """Beat 9: a rate that drops by ten per cent, and one that drops to ten per cent."""
    epoch = np.arange(epochs + 1)
    figure, axes = canvas(3.4)
    ends = {}
    for factor, name, colour, dash in (
        (0.9, "by 10 %: times 0.9", OUTPUT, "-"),
        (0.1, "to 10 %: times 0.1", WRONG, "--"),
    ):
        rate = factor ** (np.minimum(epoch, epochs - 1) // every)
        ends[factor] = float(rate[-1])
        axes.step(epoch, rate, where="post", color=colour, ls=dash)
        place = int(0.55 * epochs)
        axes.annotate(
            name, (place, rate[place]), (0, 7 if factor > 0.5 else 9), textcoords="offset points", color=ink(colour)
        )
    axes.set_yscale("log")
    axes.minorticks_off()
    axes.set_ylim(min(ends[0.1], 0.1) / 4, 3)
    axes.set_xlabel("epoch")
    axes.set_ylabel("learning rate, 1 at the start")
    headline(
        figure, f"In epoch {epochs - 1} the two schedules differ by a factor of {number(ends[0.9] / ends[0.1], '.3g')}"
    )
    alt = f"""Two staircases over {epochs} epochs with a drop every {every}: times 0.9 ends at {ends[0.9]:.3g} of
    the first rate, times 0.1 at {ends[0.1]:.3g}."""
    return figure, alt
