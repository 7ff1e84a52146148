"""All figures of lecture 8, under one name."""

from .dropout_average import all_masks, averaging, gaps, three_averages
from .dropout_doubt import turning
from .dropout_maps import dropped_maps, reconstructions, told
from .dropout_masks import dropped_counts, forgetful, mask_matrix, thinned
from .dropout_overfit import answer, data_size, overfit, rates, treatments
from .dropout_partners import noises, remedies, ridge, shifted

__all__ = [
    "all_masks",
    "answer",
    "averaging",
    "data_size",
    "dropped_counts",
    "dropped_maps",
    "forgetful",
    "gaps",
    "mask_matrix",
    "noises",
    "overfit",
    "rates",
    "reconstructions",
    "remedies",
    "ridge",
    "shifted",
    "thinned",
    "three_averages",
    "told",
    "treatments",
    "turning",
]
