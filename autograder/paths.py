"""Where things stand in the repository."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "source"
CHECKS = ROOT / "autograder" / "checks"
COURSE = ROOT / "course"
BACKPASS = COURSE / "backpass"
LECTURES = COURSE / "lectures"
SOLUTIONS = ROOT / "solutions"


def source_notebook(unit: str) -> Path:
    return SOURCE / unit / f"{unit}.ipynb"
