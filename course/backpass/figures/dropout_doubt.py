"""Lecture 8, beat 8: a digit turns, the passes with dropout disagree, or do not."""

from __future__ import annotations

import numpy as np
from matplotlib.ticker import MaxNLocator

from ..experiments.dropout_ensemble import TURNS, turned_ones
from .style import GREY, IMAGE, INK, INPUT, OTHER, OUTPUT, WRONG, bare, canvas, headline, ink, picture


@picture
def turning(seen: dict[int, dict], angle: int = 90, digit: int = 1):
    """Beat 8: one digit at an angle, what 50 passes say of it, and how sure they are at all angles.

    seen: {angle: what `fan` returns}.
    """
    figure, (face, passes, doubt) = canvas(3.4, 1, 3, width_ratios=[0.8, 1.5, 1.7])
    face.imshow(turned_ones(angle, digit)[0], cmap=IMAGE, vmin=0, vmax=1)
    bare(face)
    face.set_title(f"a {digit}, turned\nby {angle}°", fontsize=10)
    q = seen[angle]["passes"][:, 0]
    rng = np.random.default_rng(0)
    for label in range(10):
        jitter = label + rng.uniform(-0.25, 0.25, len(q))
        passes.plot(jitter, q[:, label], ".", color=INPUT if label == digit else OTHER, ms=4, alpha=0.7)
    passes.plot(range(10), q.mean(axis=0), "_", color=INK, ms=13, mew=2)
    passes.set_xticks(range(10))
    passes.set_ylim(-0.03, 1.05)
    passes.set_xlabel("class")
    passes.set_ylabel("probability")
    passes.set_title(f"{len(q)} passes, and their mean", fontsize=10)
    total = [seen[a]["entropy"].mean() for a in TURNS]
    within = [seen[a]["disagreement"].mean() for a in TURNS]
    right = [seen[a]["right"] for a in TURNS]
    doubt.plot(TURNS, total, color=INK)
    doubt.plot(TURNS, within, color=OUTPUT, ls="--")
    doubt.axvline(angle, color=GREY, lw=0.9, ls=":")
    for place, share in zip(TURNS, right, strict=True):
        doubt.plot(place, -0.13, "s", color=OUTPUT if share > 0.5 else WRONG, ms=5, clip_on=False)
    top = int(np.argmax(total))
    doubt.annotate("entropy", (TURNS[top], total[top]), (4, 5), textcoords="offset points", fontsize=9)
    doubt.annotate("disagreement", (TURNS[-3], within[-3]), (0, 5), textcoords="offset points", fontsize=9,
                   color=ink(OUTPUT), ha="center")  # fmt: skip
    doubt.text(180, -0.04, "squares: mostly right or wrong", fontsize=8, ha="right", color=INK)
    doubt.set_ylim(-0.2, 1.15 * max(total))
    doubt.xaxis.set_major_locator(MaxNLocator(5))
    doubt.set_xticks([0, 45, 90, 135, 180])
    doubt.set_xlabel("turned by (degrees)")
    doubt.set_ylabel("nats, mean over all such digits")
    here = seen[angle]
    said = int(q.mean(axis=0).argmax())
    headline(
        figure,
        f"At {angle}°: entropy {here['entropy'].mean():.2f}, and {here['right']:.0%} right; this one is read as {said}",
    )
    alt = f"""A test digit {digit} turned by {angle} degrees, the probabilities that {len(q)} passes give to the ten
    classes, and, over all angles, the mean entropy and the disagreement of the passes. Entropy
    {", ".join(f"{a}°: {t:.2f}" for a, t in zip(TURNS, total, strict=True))}. Right:
    {", ".join(f"{a}°: {r:.0%}" for a, r in zip(TURNS, right, strict=True))}."""
    return figure, alt
