"""The kill matrix: which check notices which wrong layer. Everything in it is run, nothing is recorded."""

from .matrix import KillMatrix, run

__all__ = ["KillMatrix", "run"]
