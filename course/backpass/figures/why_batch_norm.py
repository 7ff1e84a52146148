"""All figures of lecture 6, under one name."""

from .why_batch_norm_landscape import first_step, predictiveness
from .why_batch_norm_limits import budgets, contrast, few, noise
from .why_batch_norm_scale import explosion, norms, phase
from .why_batch_norm_shift import answer, noisy, remedies, shift, two_layers

__all__ = [
    "answer",
    "budgets",
    "contrast",
    "explosion",
    "few",
    "first_step",
    "noise",
    "noisy",
    "norms",
    "phase",
    "predictiveness",
    "remedies",
    "shift",
    "two_layers",
]
