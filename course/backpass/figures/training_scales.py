"""Lecture 4, the opening and beats 1 to 3: bowls and trenches, four scalings, whitening, scales by layer."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from ..experiments.training import SCALINGS, age_and_salary, rescaled
from .style import (
    AMOUNT,
    FAINT,
    GREY,
    INK,
    INPUT,
    KERNEL,
    OUTPUT,
    WIDTH,
    WRONG,
    bare,
    canvas,
    headline,
    ink,
    number,
    picture,
)

START = np.array([-0.85, 0.75])


def _bowl(scaling: str) -> np.ndarray:
    """The Hessian of the two weights, 2x2; the intercept is taken to be right already."""
    x = rescaled(age_and_salary()[0], scaling)
    return x.T @ x / len(x)


def _path(hessian: np.ndarray, part: float, steps: int) -> np.ndarray:
    """Gradient descent from START towards 0 at `part` of the largest stable rate. Returns (steps + 1, 2)."""
    rate = part * 2 / np.linalg.eigvalsh(hessian)[-1]
    points = [START]
    for _ in range(steps):
        points.append(points[-1] - rate * hessian @ points[-1])
    return np.array(points)


def _draw_bowl(axes, hessian, path) -> None:
    ticks = np.linspace(-1.15, 1.15, 70)
    first, second = np.meshgrid(ticks, ticks)
    grid = np.stack([first, second], axis=-1)
    values = np.sqrt(np.einsum("...i,ij,...j->...", grid, hessian, grid) / np.linalg.eigvalsh(hessian)[-1])
    axes.contourf(first, second, values, levels=12, cmap=AMOUNT, alpha=0.55)
    axes.plot(*np.clip(path, -1.15, 1.15).T, "o-", color=WRONG, ms=3.2, lw=1.2)
    axes.plot(0, 0, "*", ms=12, color=OUTPUT, mec="white")
    axes.set_aspect("equal")
    axes.set_xlim(-1.15, 1.15)
    axes.set_ylim(-1.15, 1.15)
    axes.set_xlabel("weight of age")
    axes.set_xticks([-1, 0, 1])
    axes.set_yticks([-1, 0, 1])


@picture
def answer(card):
    """The opening: one problem raw and standardized, and the steps that each scaling needs.

    card: the reproduction card "feature-scales".
    """
    figure = Figure(figsize=(WIDTH, 3.5), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.08, h_pad=0.06, wspace=0.06)
    slots = figure.add_gridspec(1, 3, width_ratios=[1, 1, 1.15])
    for column, scaling in enumerate(("raw", "z-score")):
        axes = figure.add_subplot(slots[column])
        hessian = _bowl(scaling)
        _draw_bowl(axes, hessian, _path(hessian, 0.45, 40))
        axes.set_title(f"{scaling}, 40 steps", fontsize=10)
        if column == 0:
            axes.set_ylabel("weight of salary")
        else:
            axes.set_yticklabels([])
    bars = figure.add_subplot(slots[2])
    names = list(SCALINGS)[::-1]
    counts = [card.mean(f"{name}: steps") for name in names]
    limit = max(counts)
    for row, (_, count) in enumerate(zip(names, counts, strict=True)):
        bars.barh(row, count, color=OUTPUT if count < limit else WRONG, height=0.6)
        more = "more than " if count == limit else ""
        inside = count == limit
        bars.text(count * (0.8 if inside else 1.25), row, f"{more}{count:,.0f}", va="center", fontsize=9,
                  ha="right" if inside else "left", color="white" if inside else INK)  # fmt: skip
    bars.set_xscale("log")
    bars.set_xlim(1, 3e4)
    bars.set_yticks(range(len(names)), [name.replace("mean normalization", "mean\nnormalization") for name in names])
    bars.tick_params(axis="y", length=0)
    bars.minorticks_off()
    bars.set_title("steps needed", fontsize=10)
    bars.set_xlabel("steps, logarithmic")
    bars.set_ylabel("scaling of the data")
    headline(figure, "The scale of the data decides how far descent gets")
    said = ", ".join(f"{name} {count:.0f}" for name, count in zip(names[::-1], counts[::-1], strict=True))
    alt = f"""Left, paths of gradient descent on the loss over two weights: on raw data the bowl is a trench and
    the path stops at its wall; on standardized data the bowl is round and the path reaches the middle. Right, the
    steps that each scaling needs, at most 20 000: {said}."""
    return figure, alt


@picture
def bowl(scaling: str = "min-max", part: float = 0.9, steps: int = 30):
    """Beat 1: gradient descent on the age and salary bowl. part: of the largest stable learning rate."""
    hessian = _bowl(scaling)
    values = np.linalg.eigvalsh(hessian)
    path = _path(hessian, part, steps)
    loss = np.einsum("si,ij,sj->s", path, hessian, path)
    loss = np.minimum(loss / loss[0], 1e6)
    figure, (left, right) = canvas(3.8, 1, 2)
    _draw_bowl(left, hessian, path)
    left.set_ylabel("weight of salary")
    left.set_title(f"{scaling}: condition number {values[-1] / values[0]:,.1f}", fontsize=10)
    right.semilogy(np.arange(steps + 1), np.maximum(loss, 1e-12), color=WRONG)
    right.axhline(1, color=FAINT, zorder=0)
    right.set_ylim(1e-9, 1e7)
    right.set_yticks([1e-9, 1e-6, 1e-3, 1, 1e3, 1e6])
    right.minorticks_off()
    right.set_xlabel("step")
    right.set_ylabel("excess loss, 1 at the start")
    right.set_title(f"learning rate {number(part * 2 / values[-1], '.2g')}", fontsize=10)
    far = np.linalg.norm(path[-1]) / np.linalg.norm(START)
    left_over = f"{number(100 * far, '.2g')} % of the way is left after {steps} steps"
    told = "the steps grow: it diverges" if part > 1 else left_over
    headline(figure, f"At {part:.2f} of the largest stable rate, {told}")
    alt = f"""The loss over the weights of age and salary for {scaling} data, with {steps} steps of gradient
    descent at {part:.2f} of the largest stable rate, and the excess loss against the step. Condition number
    {values[-1] / values[0]:.3g}. At the end {far:.3g} of the first distance is left."""
    return figure, alt


@picture
def scalings(skew: float = 1.0):
    """Beat 2: one skewed feature under four scalings. skew: 0 even, 1 like an exponential."""
    draws = np.random.default_rng(11).uniform(size=60)
    x = np.stack([(1 - skew) * 3 * draws + skew * -np.log(1 - draws)], axis=1)
    figure, panels = canvas(4.4, len(SCALINGS))
    ends = {}
    for axes, (name, formula) in zip(panels, SCALINGS.items(), strict=True):
        values = rescaled(x, name)[:, 0]
        ends[name] = values.min(), values.max()
        axes.axhline(0, color=FAINT, lw=1, zorder=0)
        for mark in (0, 1):
            axes.plot([mark, mark], [-0.5, 0.5], color=GREY, lw=1)
            axes.text(mark, -0.6, str(mark), ha="center", va="top", fontsize=8.5, color=INK)
        axes.plot(
            values, np.zeros_like(values), "o", ms=6, color=INPUT if name == "raw" else OUTPUT, alpha=0.5, mec="none"
        )
        for end, side in zip(ends[name], ("right", "left"), strict=True):
            shift = -0.08 if side == "right" else 0.08
            axes.text(end + shift, 0.35, number(end, ".2f"), ha=side, fontsize=9)
        axes.set_xlim(-2.2, max(5.2, x.max() + 0.6))
        axes.set_ylim(-1.2, 1.0)
        bare(axes)
        text = "as it is" if name == "raw" else formula
        axes.set_title(f"{name}: {text}", fontsize=10)
    standard = rescaled(x, "z-score")[:, 0]
    skewness = float((standard**3).mean())
    low, high = ends["mean normalization"]
    headline(figure, f"Mean normalization ends at {number(low, '.2f')} and {number(high, '.2f')}, not at 0 and 1")
    said = "; ".join(f"{name} {a:.2f} to {b:.2f}" for name, (a, b) in ends.items())
    alt = f"""Sixty values of one feature on four lines. Ranges: {said}. The shape is the same on all four: the
    skewness of the z-scored values is {skewness:.2f}, that of a normal distribution is 0."""
    return figure, alt


@picture
def clouds(correlation: float = 0.8):
    """Beat 2: two correlated features, raw, z-scored and whitened."""
    rng = np.random.default_rng(8)
    base = rng.normal(size=(300, 2))
    x = np.stack([base[:, 0], correlation * base[:, 0] + np.sqrt(1 - correlation**2) * base[:, 1]], axis=1)
    raw = x * [2.2, 0.7] + [3.0, 1.0]
    standard = rescaled(raw, "z-score")
    # The white cloud nearest to the z-scored one: the orthogonal factor of its polar decomposition.
    left, _, right = np.linalg.svd(standard, full_matrices=False)
    white = left @ right * np.sqrt(len(raw))
    figure, panels = canvas(3.3, 1, 3)
    found = []
    clouds_ = (("raw", raw, INPUT), ("z-scored", standard, KERNEL), ("whitened", white, OUTPUT))
    for axes, (name, values, colour) in zip(panels, clouds_, strict=True):
        axes.plot(*values.T, "o", ms=3, color=colour, alpha=0.55, mec="none")
        axes.axhline(0, color=FAINT, lw=0.8, zorder=0)
        axes.axvline(0, color=FAINT, lw=0.8, zorder=0)
        centre = 3.0 if name == "raw" else 0
        axes.set_xlim(centre - 6, centre + 6) if name == "raw" else axes.set_xlim(-4, 4)
        axes.set_ylim(-5, 7) if name == "raw" else axes.set_ylim(-4, 4)
        axes.set_aspect("equal")
        spread = np.linalg.eigvalsh(np.cov(values.T, bias=True))
        found.append((name, float(np.corrcoef(values.T)[0, 1]), float(spread[1] / spread[0])))
        axes.set_title(f"{name}: correlation {number(round(found[-1][1], 2), '.2f')}", fontsize=10, color=ink(colour))
        axes.set_xlabel("first feature")
        axes.set_ylabel("second feature" if name == "raw" else "")
        if name != "raw":
            axes.set_yticklabels([])
    headline(figure, f"z-scores leave the tilt: condition number {found[1][2]:.1f}; whitening leaves {found[2][2]:.1f}")
    said = "; ".join(f"{name} correlation {r:.2f}, condition number {c:.2f}" for name, r, c in found)
    alt = f"""Scatter plots of two features, raw, z-scored and whitened: {said}. The z-scored cloud is still
    tilted, the whitened one is round."""
    return figure, alt


@picture
def layer_scales(found: dict[str, tuple[list[float], list[float]]]):
    """Beat 3: sizes of activations and of weight gradients by layer. found: {input scale: (activations, gradients)}."""
    figure, panels = canvas(3.5, 1, 2)
    colours = (OUTPUT, KERNEL, WRONG)
    names = ("deviation of the activations", "size of the weights' gradient")
    said = []
    for axes, which, name in zip(panels, (0, 1), names, strict=True):
        for (scale, values), colour, mark in zip(found.items(), colours, "osD", strict=True):
            layers = np.arange(1, len(values[which]) + 1)
            axes.semilogy(layers, values[which], marker=mark, ms=6, color=colour)
            axes.annotate(
                scale, (layers[-1], values[which][-1]), (7, -3), textcoords="offset points", color=ink(colour)
            )
            said.append(f"{name}, inputs {scale}: " + ", ".join(f"{v:.2g}" for v in values[which]))
        axes.set_xlim(0.7, layers[-1] + 1.1)
        axes.set_xticks(layers)
        axes.set_xlabel("layer")
        axes.set_ylabel(name)
    first, *_, last = (values[1][0] for values in found.values())
    headline(
        figure, f"All sizes move with the inputs' scale: the first layer's gradient by {number(last / first, '.3g')}"
    )
    return figure, "Sizes by layer, on logarithmic axes, for inputs at three scales. " + "; ".join(said) + "."


@picture
def pixel_curvature(found: dict[str, np.ndarray]):
    """Beat 3: eigenvalues of the pixels' second moments, by how the pixels were prepared. found: {name: (D,)}."""
    figure, axes = canvas(3.4)
    said = []
    looks = ((WRONG, "-", 22), (KERNEL, "--", 8), (OUTPUT, "-", 3))
    for (name, values), (colour, dash, height) in zip(found.items(), looks, strict=True):
        kept = values[values > 1e-6 * values[0]]
        rank = np.arange(1, len(kept) + 1)
        axes.loglog(rank, kept, dash, color=colour)
        axes.plot(1, kept[0], "o", ms=7, color=colour, mec="white")
        label = f"{name}: largest {number(kept[0], '.2g')}"
        axes.text(4, height, label, color=ink(colour), fontsize=9.5, va="center")
        said.append(f"{name}: largest {kept[0]:.3g}, {kept[0] / values.sum():.0%} of the sum")
    axes.set_xlabel("direction, by rank")
    axes.set_ylabel("curvature")
    axes.set_ylim(1e-3, 40)
    shares = [values[0] / values.sum() for values in found.values()]
    last = list(found)[-1]
    headline(figure, f"One direction holds {shares[0]:.0%} of the curvature; with {last}, {shares[-1]:.0%}")
    return figure, "Eigenvalues of the second moments of the digits' pixels, sorted. " + "; ".join(said) + "."
