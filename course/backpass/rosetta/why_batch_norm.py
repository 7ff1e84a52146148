"""Lecture 6: the verdict sheet. Each number is read from the reproduction card's recorded runs."""

from __future__ import annotations

from ..cards import card
from ..experiments.why_batch_norm_scale import GROWTH
from ..tables import Table


def _say(text: str, name: str, *measures: str, form: str = ".2f") -> str:
    """The text with the means of the measures put into its places."""
    return text.format(*(format(card(name).mean(measure), form) for measure in measures))


def verdict_sheet() -> Table:
    """Claim, what was measured here, what speaks against it or limits it, and where to read more."""
    return Table(
        ("account", "what we measured", "what limits it", "paper"),
        (
            (
                "stable distributions of layer inputs are the cause",
                _say("noise after BN: drift {} against {} without BN", "noisy-batch-norm", "drift: noisy BN",
                     "drift: plain")
                + _say("; accuracy {} against {}", "noisy-batch-norm", "accuracy: noisy BN", "accuracy: plain"),
                _say("without the noise {}: stability is not worthless here", "noisy-batch-norm", "accuracy: BN"),
                "against: Santurkar 2018; for: Ioffe and Szegedy 2015",
            ),
            (
                "batch norm reduces the shift that gradients see",
                _say("cosine {} without, {} with BN", "gradient-shift", "cosine: plain", "cosine: BN")
                + _say("; change {} and {}", "gradient-shift", "relative change: plain", "relative change: BN"),
                "here yes, in the paper no; ours are small networks in different states",
                "Santurkar 2018, section 2.2",
            ),
            (
                "a smoother landscape: gradients stay valid for longer",
                _say("relative change along a step {} without, {} with BN", "gradient-predictiveness",
                     "relative change: plain", "relative change: BN", form=".1f"),
                "the range of the loss does not narrow here",
                "Santurkar 2018, section 3",
            ),
            (
                "larger steps become possible, and large steps are what helps",
                _say("harmful first steps: {} without, {} with BN", "first-step", "harmful steps: plain",
                     "harmful steps: BN", form=".0%"),
                "at small rates BN is ahead here, too; the paper finds it equal in the end",
                "Bjorck 2018",
            ),
            (
                "only the direction of a weight matters, and its length tunes the step",
                _say("length × {} in 300 steps; cosine of weight and gradient {}", "weight-growth", "growth: no decay",
                     "largest cosine of weight and gradient", form=".2g"),
                "a theorem, up to ε; momentum and adaptive rules bend it",
                "van Laarhoven 2017; Arora 2019; Kohler 2019",
            ),
            (
                "gradients no longer vanish",
                _say("sigmoids: × {} per layer without, × {} with BN", "gradient-explosion",
                     "sigmoid: width 256, batch 256", "sigmoid, BN: width 256, batch 256", form=".3g"),
                _say("with ReLU they explode: × {} per layer", "gradient-explosion", "BN: width 256, batch 256",
                     form=".3f")
                + f", theory {GROWTH:.3f}",
                "Yang 2019",
            ),
            (
                "the batch's noise regularises",
                _say("slope of the noise {}", "batch-noise", "slope")
                + _say("; 200 images: test accuracy {} without, {} with BN", "few-images", "test: nothing", "test: BN"),
                "noise vanishes with large batches; no gain in accuracy here",
                "Ioffe and Szegedy 2015, section 3.4; Luo 2019",
            ),
        ),
        caption="Claims, evidence, and the scale at which it held: up to 30 layers, two small data sets.",
    )  # fmt: skip
