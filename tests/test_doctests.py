"""The examples in docstrings run: the reference's, and the student package's."""

import doctest
import importlib
import re
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent
FILES = [*(ROOT / "solutions").glob("*.py"), *(ROOT / "course" / "backpass").rglob("*.py")]
WITH_EXAMPLES = sorted(path for path in FILES if re.search(r"^\s*>>> ", path.read_text(encoding="utf-8"), re.M))


def module_name(path: Path) -> str:
    top = ROOT / "course" if ROOT / "course" in path.parents else ROOT
    return ".".join(path.relative_to(top).with_suffix("").parts).removesuffix(".__init__")


@pytest.mark.parametrize("path", WITH_EXAMPLES, ids=module_name)
def test_examples_run(path):
    if "import torch" in path.read_text(encoding="utf-8"):
        pytest.importorskip("torch")
    # Written for NumPy 1.26 and 2 alike: scalars print without their type.
    with np.printoptions(legacy="1.25"):
        failed, tried = doctest.testmod(importlib.import_module(module_name(path)))
    assert tried
    assert not failed
