"""All figures of lecture 7, under one name."""

from .normalization_contrast import (
    batches,
    contrast,
    contrast_as_label,
    convolutions,
    recurrent,
    style,
    washed,
)
from .normalization_cube import answer, blocks, cube
from .normalization_weights import dials, kernels, lipschitz, needle, operators, start

__all__ = [
    "answer",
    "batches",
    "blocks",
    "contrast",
    "contrast_as_label",
    "convolutions",
    "cube",
    "dials",
    "kernels",
    "lipschitz",
    "needle",
    "operators",
    "recurrent",
    "start",
    "style",
    "washed",
]
