"""Row 23: honest trouble, which must cost nothing."""

from __future__ import annotations

import nbformat
from nbformat import NotebookNode

from tests.attacks.attack import FULL, attack

DEED = """
right = convolve1d
def convolve1d(x, w, mode="full"):
    %s
"""
for name, what, body, plain in (
    ("warnings", "NumPy warns", "np.log(np.zeros(2)); return right(x, w, mode)", "lost"),
    ("own-warnings", "its own warnings", 'import warnings; warnings.warn("careful"); return right(x, w, mode)', "lost"),
    ("stderr", "prints to stderr", 'import sys; print("here", file=sys.stderr); return right(x, w, mode)', "lost"),
    ("prints", "prints a lot", 'print("here", x, w) ; print("x" * 10**5); return right(x, w, mode)', ""),
    ("logs", "logs", 'import logging; logging.warning("here"); return right(x, w, mode)', "lost"),
    ("slow", "slow loops", "import time; time.sleep(0.02); return right(x, w, mode)", ""),
    ("a-list", "lists inside", "return np.array([float(v) for v in right(x, w, mode)], dtype=x.dtype)", ""),
    ("read-only", "a read-only view", "y = right(x, w, mode); y.flags.writeable = False; return y[:]", ""),
    ("strided", "a view with a step", "y = right(x, w, mode); return np.repeat(y, 2)[::2]", ""),
    ("other-order", "another order of bytes", "y = right(x, w, mode); return np.asfortranarray(y)", ""),
    ("rounding", "another order of sums", "y = right(x, w, mode); return (y + y.dtype.type(1) - y.dtype.type(1))", ""),
    ("printed-stack", "prints a caught error", "import traceback\n    try: 1 / 0\n    except ZeroDivisionError: "
     "traceback.print_exc()\n    return right(x, w, mode)", "lost"),
):  # fmt: skip
    attack(f"honest-{name}", 23, what, code=DEED % body, expect=FULL, plain=plain)
for name, what, cell in (
    ("missing-import", "an import that is not there and is not needed", "import not_installed_anywhere as gone"),
    ("magics", "magics", "%matplotlib inline\n%load_ext autoreload\n%autoreload 2\n%time 1 + 1"),
    ("cell-magic", "a timed cell", "%%time\nhelper = 1"),
    ("bash-cell", "a cell for the shell", "%%bash\necho hello"),
    ("pip", "an installation", "!pip install --quiet nothing\n%pip list"),
    ("plots", "plots", "import matplotlib.pyplot as plt\nplt.plot([1, 2]); plt.title('x'); plt.show()"),
    ("progress", "a progress bar", "from tqdm.notebook import tqdm\nfor i in tqdm(range(3)): pass"),
    ("widgets", "widgets", "import ipywidgets as w\n@w.interact(a=3)\ndef show(a): print(a)"),
    ("await", "a coroutine", "import asyncio\nawait asyncio.sleep(0)"),
    ("help", "a question", "np.convolve?\nimport numpy as np\n??np"),
    ("error", "a cell that raises", "1 / 0"),
    ("syntax-error", "a cell that is no Python", "this is (not"),
    ("threads", "a thread that ends", "import threading\nthreading.Thread(target=print).start()"),
    ("print-options", "changed print options", "import numpy as np\nnp.set_printoptions(precision=1)"),
    ("errors-raise", "NumPy raises errors", "import numpy as np\nnp.seterr(all='raise')"),
    ("random-seed", "a seed", "import numpy as np, random\nnp.random.seed(0); random.seed(0)"),
    ("latin", "names in other letters", "größe = 1\nπ = 3.14\nprint('größe', größe, '🙂')"),
):  # fmt: skip
    attack(f"honest-{name}", 23, what, cell=cell, expect=FULL)


def _own_cells(notebook: NotebookNode) -> NotebookNode:
    for place in (9, 5, 3, 1):
        notebook.cells.insert(place, nbformat.v4.new_code_cell("x = 1\nx"))
        notebook.cells.insert(place, nbformat.v4.new_markdown_cell("a *note*"))
    return notebook


def _old_outputs(notebook: NotebookNode) -> NotebookNode:
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type == "code":
            cell.execution_count = 100 - number
            cell.outputs = [nbformat.v4.new_output("stream", name="stderr", text="a warning of last week\n")]
    return notebook


attack("honest-own-cells", 23, "cells of its own everywhere", notebook=_own_cells, expect=FULL)
attack("honest-old-outputs", 23, "outputs of another time", notebook=_old_outputs, expect=FULL)
