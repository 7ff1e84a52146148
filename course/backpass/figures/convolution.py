"""All figures of lecture 1, under one name."""

from .convolution_frames import exposed, lettered, nine_frames
from .convolution_ladder import answer, ladder
from .convolution_matrix import averaged_over_shifts, band, footprint, frequencies
from .convolution_price import prices, reach, visits
from .convolution_sums import (
    LETTER,
    RING,
    borders,
    impulses,
    reading,
    sliding_area,
    stepping_sum,
    swapped_roles,
)
from .convolution_symmetry import commuting_square, equivariance_ladder, where
from .planes import ASYMMETRIC, EXAMPLE_IMAGE, SYMMETRIC

__all__ = [
    "ASYMMETRIC",
    "EXAMPLE_IMAGE",
    "LETTER",
    "RING",
    "SYMMETRIC",
    "answer",
    "averaged_over_shifts",
    "band",
    "borders",
    "commuting_square",
    "equivariance_ladder",
    "exposed",
    "footprint",
    "frequencies",
    "impulses",
    "ladder",
    "lettered",
    "nine_frames",
    "prices",
    "reach",
    "reading",
    "sliding_area",
    "stepping_sum",
    "swapped_roles",
    "visits",
    "where",
]
