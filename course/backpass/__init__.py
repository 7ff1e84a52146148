"""Backpass, the student's side. `from backpass import check`, then `check("conv2d")` in the notebook."""

from backpass.check import check

__all__ = ["check"]
__version__ = "0.1.0"
