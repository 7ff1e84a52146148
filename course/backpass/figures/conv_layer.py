"""All figures of lecture 2, under one name."""

from .conv_layer_columns import lettered_backward, recovered, reversed_wires, unrolled
from .conv_layer_fields import field, growth, leak, left_or_right
from .conv_layer_kills import kill_matrix, own_check
from .conv_layer_operator import KINDS, masks, stamps
from .conv_layer_planes import answer, coverage, sum_over_planes, tape

__all__ = [
    "KINDS",
    "answer",
    "coverage",
    "field",
    "growth",
    "kill_matrix",
    "leak",
    "left_or_right",
    "lettered_backward",
    "masks",
    "own_check",
    "recovered",
    "reversed_wires",
    "stamps",
    "sum_over_planes",
    "tape",
    "unrolled",
]
