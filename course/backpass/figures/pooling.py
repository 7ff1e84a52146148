"""All figures of lecture 3, under one name."""

from .pooling_results import consistency, evidence, ledger, separation, unchanged
from .pooling_stages import answer, dead_units, detectors, stages
from .pooling_strips import aliasing, shifted_strip, strip
from .pooling_ways import energy, four_ways, routes

__all__ = [
    "aliasing",
    "answer",
    "consistency",
    "dead_units",
    "detectors",
    "energy",
    "evidence",
    "four_ways",
    "ledger",
    "routes",
    "separation",
    "shifted_strip",
    "stages",
    "strip",
    "unchanged",
]
