"""Lecture 6, beats 4 and 5: the surface along a step, and the first step."""

from __future__ import annotations

import numpy as np

from ..experiments.why_batch_norm_landscape import MULTIPLES, RATES
from .style import FAINT, INK, canvas, headline, ink, picture
from .why_batch_norm_shift import LOOK, WORDS

MEASURES = {
    "gradient": "change of the gradient (norm)",
    "gradient, relative": "change of the gradient, relative",
    "loss": "loss along the step",
}


def _along(run: dict, measure: str) -> np.ndarray:
    if measure == "loss":
        return run["losses"]
    return run["changes"] / (run["norm"][:, None] if measure.endswith("relative") else 1)


@picture
def predictiveness(runs: dict[str, dict], measure: str = "gradient, relative"):
    """Beat 4: for every look, the range over the step sizes, as a ribbon."""
    figure, panels = canvas(3.2, 1, 2, sharey=True)
    high = max(float(_along(run, measure).max()) for run in runs.values())
    middle = {}
    for axes, (kind, run) in zip(panels, runs.items(), strict=True):
        colour = LOOK[kind][0]
        values = _along(run, measure)
        axes.fill_between(run["steps"], values.min(1), values.max(1), color=colour, alpha=0.45, lw=0)
        axes.plot(run["steps"], values.max(1), color=colour, lw=1.2)
        middle[kind] = float(np.median(np.ptp(values, axis=1) if measure == "loss" else values.max(1)))
        axes.axhline(0 if measure == "loss" else middle[kind], color=INK, lw=0.8, ls=":")
        axes.set_title(f"{WORDS[kind]}: median {middle[kind]:.2g}", fontsize=10, color=ink(colour))
        axes.set_xlabel("training step")
        axes.set_ylim(0, 1.05 * high)
    panels[0].set_ylabel(MEASURES[measure])
    what = "the loss ranges over" if measure == "loss" else "the gradient changes by"
    better = middle["BN"] < middle["plain"]
    headline(figure, f"Along a step {what} {'less' if better else 'more'} with batch norm, here")
    alt = f"""Two ribbons over training: the range of {MEASURES[measure]} for steps of {MULTIPLES[0]} to
    {MULTIPLES[-1]} times the learning rate. Median of the {"width" if measure == "loss" else "upper edge"}:
    {middle["plain"]:.2g} without batch norm, {middle["BN"]:.2g} with it."""
    return figure, alt


@picture
def first_step(runs: dict[str, dict], rate: float = 1.0):
    """Beat 5: the loss after one step against its size, and how large the activations then are."""
    chosen = int(np.argmin(np.abs(np.log(np.array(RATES) / rate))))
    figure, (left, right) = canvas(3.5, 1, 2)
    parts = []
    for kind, run in runs.items():
        colour, dash, marker = LOOK[kind]
        left.loglog(RATES, run["losses"], dash, color=colour)
        left.plot(RATES[chosen], run["losses"][chosen], marker, color=colour, ms=9, mec="white")
        blocks = np.arange(run["sizes"].shape[1])
        right.semilogy(blocks, run["sizes"][chosen], dash, color=colour, marker=marker, ms=5, mec="white")
        right.text(blocks[-1] + 0.25, run["sizes"][chosen][-1], WORDS[kind], color=ink(colour), va="center", fontsize=9)
        parts.append(f"{WORDS[kind]} {run['start']:.2f} before, {run['losses'][chosen]:.3g} after")
    left.axvline(RATES[chosen], color=FAINT, zorder=0)
    for kind, place in (("plain", (-6, -2)), ("BN", (0, 7))):
        left.annotate(WORDS[kind], (RATES[-1], runs[kind]["losses"][-1]), place, textcoords="offset points",
                      ha="right", color=ink(LOOK[kind][0]))  # fmt: skip
    left.set_xlabel("learning rate of the one step")
    left.set_ylabel("loss after the step")
    left.set_ylim(bottom=0.5 * min(run["losses"].min() for run in runs.values()))
    right.set_xlim(-0.4, 1.7 * len(blocks))
    right.set_xticks(range(0, len(blocks), 2))
    right.set_xlabel("residual block")
    right.set_ylabel("size of the activations (rms)")
    right.set_title(f"after the step with rate {RATES[chosen]:.2g}", fontsize=10)
    left.set_title("one step from the start", fontsize=10)
    ends = {kind: run["losses"][chosen] for kind, run in runs.items()}
    said = {kind: f"{loss:,.0f}" if loss >= 100 else f"{loss:.3g}" for kind, loss in ends.items()}
    headline(figure, f"Rate {RATES[chosen]:.2g}: loss {said['plain']} without batch norm, {said['BN']} with it")
    alt = f"""Left, on logarithmic axes, the loss after one step against the learning rate; at {RATES[chosen]:.2g}:
    {"; ".join(parts)}. Right, the root mean square of the activations after every residual block."""
    return figure, alt
