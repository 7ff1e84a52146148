"""Lecture 6, beats 6 and 7: the geometry of scale invariance, and gradients that grow with depth."""

from __future__ import annotations

import numpy as np

from ..experiments.why_batch_norm_scale import DECAYS, GROWTH, rate_per_layer
from .style import GRADIENT, GREY, INK, KERNEL, OUTPUT, WRONG, canvas, headline, ink, picture

TARGET = np.array([1.0, 0.0])
TURNS = {"plain": "no batch norm", "BN": "BN and ReLU", "BN and skips": "BN, ReLU and skips"}
SATURATED = {"sigmoid": "sigmoid, no batch norm", "sigmoid, BN": "sigmoid with BN"}


def _walk(rate: float, decay: float, length: float, steps: int = 60) -> np.ndarray:
    """Gradient descent on L(w) = 1 - cosine of w and the target; returns the path (steps + 1, 2)."""
    angle = 2.4
    w = length * np.array([np.cos(angle), np.sin(angle)])
    path = [w]
    for _ in range(steps):
        norm = np.linalg.norm(w)
        gradient = -(TARGET - (TARGET @ w) * w / norm**2) / norm
        w = (1 - rate * decay) * w - rate * gradient
        path.append(w)
    return np.array(path)


@picture
def phase(rate: float = 0.5, weight_decay: float = 0.0, length: float = 1.0):
    """Beat 6: a loss that only sees the direction of w; the path of gradient descent, and its effective rate."""
    path = _walk(rate, weight_decay, length)
    norms = np.linalg.norm(path, axis=1)
    reach = max(2.2, 1.15 * np.abs(path).max())
    figure, (left, right) = canvas(3.9, 1, 2, width_ratios=[1.15, 1])
    axis = np.linspace(-reach, reach, 121)
    across, up = np.meshgrid(axis, axis)
    size = np.hypot(across, up)
    loss = 1 - across / np.where(size > 0, size, 1)
    left.contourf(across, up, loss, levels=np.linspace(0, 2, 9), cmap="Greys", alpha=0.45)
    for radius in (norms[0], norms[-1]):
        left.add_patch(_circle(radius))
    left.plot(path[:, 0], path[:, 1], "-o", color=OUTPUT, ms=3.5, lw=1.3)
    left.plot(*path[0], "o", color=INK, ms=7)
    left.annotate("start", path[0], (-6, 6), textcoords="offset points", ha="right")
    left.annotate("low loss", (0.97 * reach, 0), ha="right", va="center", fontsize=9)
    left.annotate("high loss", (-0.97 * reach, 0), ha="left", va="center", fontsize=9, color=INK)
    left.set_aspect("equal")
    left.set_xlim(-reach, reach)
    left.set_ylim(-reach, reach)
    left.set_xlabel("w₁")
    left.set_ylabel("w₂")
    left.set_title("the loss depends on the direction only", fontsize=10)
    right.plot(norms, color=KERNEL)
    right.text(len(norms), norms[-1], "length ‖w‖", color=ink(KERNEL), va="center", fontsize=9)
    effective = rate / norms**2
    right.plot(effective, "--", color=GRADIENT)
    right.text(len(norms), effective[-1], "rate / ‖w‖²", color=ink(GRADIENT), va="center", fontsize=9)
    right.set_xlim(-2, 1.4 * len(norms))
    right.set_xticks(range(0, len(norms), 20))
    right.set_ylim(0, 1.2 * max(norms.max(), effective.max()))
    right.set_xlabel("step")
    right.set_ylabel("length; effective rate")
    grew = norms[-1] / norms[0]
    headline(
        figure,
        f"Sideways steps lengthen w: {grew:.2f} times as long after {len(path) - 1} steps"
        if grew > 1
        else f"Weight decay wins: w is {grew:.2f} times as long after {len(path) - 1} steps",
    )
    alt = f"""Left the plane of two weights, shaded by a loss that depends on their direction alone, and the path of
    gradient descent with rate {rate:g} and weight decay {weight_decay:g}, from length {length:g} to
    {norms[-1]:.2f}. Right the length and the rate divided by its square over the steps; the latter ends at
    {effective[-1]:.3g}."""
    return figure, alt


def _circle(radius: float):
    from matplotlib.patches import Circle

    return Circle((0, 0), radius, fill=False, ec=GREY, ls=":", lw=1)


@picture
def norms(traces: dict[str, dict]):
    """Beat 6: the norm of a real convolution's weights during training."""
    figure, axes = canvas(2.8)
    ends = {}
    for (name, run), colour, dash in zip(traces.items(), (KERNEL, GRADIENT), ("-", "--"), strict=True):
        axes.plot(run["norm"], dash, color=colour)
        axes.text(len(run["norm"]) + 3, run["norm"][-1], name, color=ink(colour), va="center")
        ends[name] = run["norm"][-1] / run["norm"][0]
    axes.set_xlim(0, 1.3 * len(run["norm"]))
    axes.set_xlabel("step of SGD")
    axes.set_ylabel("norm of the weights")
    plain, decayed = (ends[name] for name in DECAYS)
    headline(figure, f"Before batch norm: grown by {plain - 1:.1%} without weight decay, {decayed - 1:+.0%} with it"
             .replace("-", "−"))  # fmt: skip
    alt = "The norm of one convolution's weights over training, in front of batch norm: " + ", ".join(
        f"{name}: {end:.3f} times its start" for name, end in ends.items()
    )
    return figure, alt + "."


@picture
def explosion(norms_of: dict[str, np.ndarray]):
    """Beat 7: squared gradient norms from the output back to the input. norms_of: {kind: (depth,)}."""
    saturated = "sigmoid" in norms_of
    words = SATURATED if saturated else TURNS
    looks = {
        "plain": (GREY, "--"), "BN": (WRONG, "-"), "BN and skips": (OUTPUT, "-."),
        "sigmoid": (GREY, "--"), "sigmoid, BN": (OUTPUT, "-"),
    }  # fmt: skip
    figure, axes = canvas(3.5)
    rates = {}
    for kind, values in norms_of.items():
        colour, dash = looks[kind]
        depth = len(values)
        back = np.arange(depth)
        axes.semilogy(back, values[::-1] / values[-1], dash, color=colour)
        rates[kind] = rate_per_layer(values)
        axes.text(
            depth - 0.6,
            values[0] / values[-1],
            f"{words[kind]}: ×{rates[kind]:.3g}\nper layer",
            color=ink(colour),
            va="center",
            fontsize=9,
        )
        if kind == "BN":
            axes.semilogy(back, GROWTH**back, ":", color=INK, lw=1.4)
            axes.text(0.52 * depth, GROWTH ** (0.62 * depth), "(π/(π−1))ᵏ, the theory", ha="right", fontsize=9)
    axes.set_xlim(0, 1.36 * depth)
    axes.set_ylim(bottom=0.1 * min(1.0, *(values[0] / values[-1] for values in norms_of.values())))
    axes.set_xlabel("layers back from the last one")
    axes.set_ylabel("squared gradient norm, relative")
    if saturated:
        text = f"Sigmoids: the gradient vanishes by ×{rates['sigmoid']:.2g} a layer; batch norm holds it"
    else:
        times = np.sqrt(norms_of["BN"][0] / norms_of["BN"][-1])
        text = f"BN and ReLU: {times:,.0f} times the gradient, {depth} layers down"
    headline(figure, text)
    alt = "Squared gradient norm against the number of layers back from the output, logarithmic; factor per layer: "
    alt += ", ".join(f"{words[kind]} {rate:.3g}" for kind, rate in rates.items())
    return figure, alt + (f"; theory for batch norm and ReLU {GROWTH:.4f}." if "BN" in norms_of else ".")
