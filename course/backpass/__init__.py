"""Backpass, the student's side. `from backpass import check`, then `check("conv2d")` in the notebook."""

from backpass.check import check
from backpass.progress import progress

__all__ = ["check", "progress"]
__version__ = "0.1.0"
