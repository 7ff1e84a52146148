"""All figures of lecture 5, under one name."""

from .batch_norm_basics import answer, ribbon, sigmoid_window, six_numbers, undo
from .batch_norm_geometry import SHARING, coupling, projection, redundant, rescaled_weights, sharing
from .batch_norm_modes import lagging, machines, tiny_batches, two_devices
from .batch_norm_training import progress, rates, sizes

__all__ = [
    "SHARING",
    "answer",
    "coupling",
    "lagging",
    "machines",
    "progress",
    "projection",
    "rates",
    "redundant",
    "rescaled_weights",
    "ribbon",
    "sharing",
    "sigmoid_window",
    "six_numbers",
    "sizes",
    "tiny_batches",
    "two_devices",
    "undo",
]
