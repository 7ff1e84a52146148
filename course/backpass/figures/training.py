"""All figures of lecture 4, under one name."""

from .training_losses import LOSSES, gallery, overflow, stalled
from .training_rules import LANDSCAPES, balls, depth, first_scale, rules, staircases, trajectories
from .training_scales import answer, bowl, clouds, layer_scales, pixel_curvature, scalings

__all__ = [
    "LANDSCAPES",
    "LOSSES",
    "answer",
    "balls",
    "bowl",
    "clouds",
    "depth",
    "first_scale",
    "gallery",
    "layer_scales",
    "overflow",
    "pixel_curvature",
    "rules",
    "scalings",
    "staircases",
    "stalled",
    "trajectories",
]
