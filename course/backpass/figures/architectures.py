"""All figures of lecture 9, under one name."""

from .architectures_audit import batches, board, controls, single_runs
from .architectures_blocks import answer, block_price, depths, inception_price, joined, stacks
from .architectures_data import changed, first_of_each, passed_on, recipes
from .architectures_inside import example, filters, maps_of, similarity

__all__ = [
    "answer",
    "batches",
    "block_price",
    "board",
    "changed",
    "controls",
    "depths",
    "example",
    "filters",
    "first_of_each",
    "inception_price",
    "joined",
    "maps_of",
    "passed_on",
    "recipes",
    "similarity",
    "single_runs",
    "stacks",
]
