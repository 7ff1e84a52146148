"""Rows 1 to 4, 17, 18 and 22: points without the work."""

from __future__ import annotations

from pathlib import Path

from tests.attacks.attack import WRONG, attack

# Row 1: IPython

attack(
    "strips-assert", 1, "an AST transformer takes every assert out", plain="points", target="cross_correlate2d",
    cell="""
import ast
class Strip(ast.NodeTransformer):
    def visit_Assert(self, node): return ast.Pass()
    def visit_Expr(self, node): return ast.Pass() if "assert" in ast.dump(node) else node
get_ipython().ast_transformers.append(Strip())
""",
    code="def cross_correlate2d(image, kernel): return np.zeros((1, 1))",
)  # fmt: skip
attack(
    "copies-cells", 1, "a hook copies what is run", plain="read",
    cell="get_ipython().events.register('pre_run_cell', lambda info: print('ran', info.raw_cell))",
    code=WRONG,
)  # fmt: skip
attack(
    "rewrites-cells", 1, "an input transformer rewrites the test cells", plain="points",
    cell="""
def rewrite(lines):
    return ["pass\\n"] if any("assert" in line or "check(" in line for line in lines) else lines
get_ipython().input_transformers_cleanup.append(rewrite)
""",
    code=WRONG,
)  # fmt: skip
attack(
    "replaces-run-cell", 1, "the shell's own run_cell is replaced", plain="points",
    cell="""
shell = get_ipython()
run = type(shell).run_cell_async
async def quiet(self, raw_cell, *args, **kwargs):
    if "assert" in raw_cell: raw_cell = kwargs["transformed_cell"] = "pass"
    return await run(self, raw_cell, *args, **kwargs)
type(shell).run_cell_async = quiet
""",
    code=WRONG,
)  # fmt: skip

# Row 2: objects that equal everything

attack(
    "equals-everything", 2, "a result whose == is always true", plain="points", target="parameter_count",
    code="""
class Yes:
    def __eq__(self, other): return True
    def __hash__(self): return 0
def parameter_count(*args): return Yes()
""",
)  # fmt: skip
attack(
    "float-that-equals", 2, "a float whose == is always true", plain="points", target="parameter_count",
    code="""
class Yes(float):
    def __eq__(self, other): return True
    __ne__ = lambda self, other: False
    __hash__ = float.__hash__
def parameter_count(*args): return Yes(-1)
""",
)  # fmt: skip
attack(
    "int-that-equals", 2, "an int whose == is always true", plain="points", target="parameter_count",
    code="""
class Yes(int):
    def __eq__(self, other): return True
    __hash__ = int.__hash__
def parameter_count(*args): return Yes(-1)
""",
)  # fmt: skip
attack(
    "array-function", 2, "a result that answers np.allclose itself", plain="points", target="cross_correlate2d",
    code="""
class Agrees:
    def __array_function__(self, function, types, args, kwargs): return True
def cross_correlate2d(image, kernel): return Agrees()
""",
)  # fmt: skip
attack(
    "array-subclass", 2, "an ndarray subclass that answers for itself", plain="points", target="cross_correlate2d",
    code="""
class Agrees(np.ndarray):
    def __array_function__(self, function, types, args, kwargs): return True
    def __array_ufunc__(self, *args, **kwargs): return np.ones(1, bool)
    def __eq__(self, other): return True
def cross_correlate2d(image, kernel):
    h, w = image.shape[0] - kernel.shape[0] + 1, image.shape[1] - kernel.shape[1] + 1
    return np.zeros((h, w), image.dtype).view(Agrees)
""",
)  # fmt: skip
attack(
    "array-ufunc", 2, "a result whose differences are zero", plain="points",
    code="""
class Zero(np.ndarray):
    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        plain = [np.asarray(i) for i in inputs]
        if ufunc.nout == 1 and ufunc in (np.equal, np.isfinite, np.less_equal):
            return np.ones(np.broadcast(*plain).shape, bool)
        return np.zeros(np.broadcast(*plain).shape, bool if ufunc in (np.isnan, np.isinf) else float)
    def __array_function__(self, function, types, args, kwargs):
        return True if function in (np.all, np.any) else np.ones(self.shape, bool)
def convolve1d(x, w, mode="full"):
    return np.zeros(len(x) + len(w) - 1, x.dtype).view(Zero)
""",
)  # fmt: skip

# Row 3: monkeypatching

for name, cell in {
    "patches-assert-allclose": "import numpy.testing\nnumpy.testing.assert_allclose = lambda *a, **k: None",
    "patches-modules": """
import sys, types
class Anything(types.ModuleType):
    def __getattr__(self, name): return lambda *a, **k: True
import numpy
numpy.testing = sys.modules["numpy.testing"] = Anything("numpy.testing")
sys.modules["pytest"] = sys.modules["json"] = Anything("pytest")
""",
    "patches-comparing-core": """
import numpy.testing._private.utils as utils
utils.assert_array_compare = lambda *a, **k: None
""",
}.items():
    attack(name, 3, "the comparing functions are replaced", cell=cell, code=WRONG, plain="points")
for name, cell in {
    "patches-allclose": "np.allclose = lambda *a, **k: True",
    "patches-isclose-and-all": "np.isclose = np.allclose = np.all = np.array_equal = lambda *a, **k: True",
    "patches-builtins": "import builtins\nbuiltins.all = builtins.any = lambda *a: True\nnp.allclose = builtins.all",
}.items():
    attack(
        name, 3, "the comparing functions are replaced", plain="points", target="cross_correlate2d",
        cell="import numpy as np\n" + cell,
        code="def cross_correlate2d(image, kernel): return np.zeros((1, 1), image.dtype)",
    )  # fmt: skip
attack(
    "patches-worker", 3, "the worker inside is rewritten so that nothing counts as changed", plain="points",
    cell="""
import sys, numpy.testing
numpy.testing.assert_allclose = lambda *a, **k: None
if "worker" in sys.modules:
    import worker, wire
    worker._equal = lambda old, new: True
    worker._snapshot = lambda value: value
""",
    code=WRONG.replace("    return", "    x[:] = 0\n    return"),
)  # fmt: skip


def _own_numpy(folder: Path) -> None:
    """A module of the course's most imported name beside the notebook: the real one, without its comparisons."""
    (folder / "numpy.py").write_text("""import os, sys
kept, here = sys.path[:], os.path.dirname(os.path.abspath(__file__))
sys.path[:] = [path for path in kept if os.path.abspath(path or ".") != here]
del sys.modules["numpy"]
import numpy.testing
numpy.testing.assert_allclose = lambda *a, **k: None
sys.path[:] = kept
""")


attack(
    "shadows-numpy", 3, "a file numpy.py beside the notebook", plain="points", code=WRONG, hand_in=_own_numpy
)  # fmt: skip

# Row 4: walking frames and objects

LOOK = """
def convolve1d(x, w, mode="full"):
    %s
    return np.zeros(1)
"""
for name, body in {
    "frames": """import sys
    frame = sys._getframe()
    while frame:
        for names in (frame.f_locals, frame.f_globals):
            if isinstance(names.get("expected"), np.ndarray): return names["expected"]
            called = names.get("called") or names.get("expected_answer")
            if called is not None: return called
        frame = frame.f_back""",
    "garbage": """import gc, types
    for found in gc.get_objects():
        if isinstance(found, dict) and isinstance(found.get("expected"), np.ndarray): return found["expected"]
        if isinstance(found, types.FunctionType) and found.__name__ == "convolve1d":
            if "solutions" in found.__module__: return found(x, w, mode)""",
    "stack": """import inspect
    for entry in inspect.stack():
        for value in entry.frame.f_globals.values():
            if isinstance(value, np.ndarray) and value.shape == (len(x) + len(w) - 1,): return value""",
    "traceback": """try: raise ValueError
    except ValueError as error:
        frame = error.__traceback__.tb_frame
        while frame is not None:
            if "expected" in frame.f_globals: return frame.f_globals["expected"]
            frame = frame.f_back""",
}.items():
    attack(f"walks-{name}", 4, "answers are looked for in memory", plain="points", code=LOOK % body)

# Row 17: hard-coding, other libraries, the reference

attack(
    "memorises", 17, "the answers of the visible cases are written down", plain="points",
    code="""
def convolve1d(x, w, mode="full"):
    if len(x) == 3 and len(w) == 2 and mode == "full": return np.array([3.0, 7.0, 14.0, 4.0])
    if len(x) == 3 and len(w) == 2: return np.array([2.0, 5.0, 8.0, 3.0])
    return np.zeros(len(x))
""",
)  # fmt: skip
attack(
    "call-order", 17, "the checks are recognised by their order", plain="points", target="parameter_count",
    code="""
count = iter([12, 8, 2] * 100)
def parameter_count(*args): return next(count)
""",
)  # fmt: skip
attack(
    "returns-argument", 17, "the argument is handed back", plain="points", target="cross_correlate2d",
    code="def cross_correlate2d(image, kernel):\n    image[:] = 0; kernel[:] = 0\n    return np.zeros((2, 3))",
)  # fmt: skip
attack(
    "other-library", 17, "another library does the exercise", plain="points", expect="raised",
    says="ModuleNotFoundError: scipy is not available",
    code="""
import scipy.signal
def convolve1d(x, w, mode="full"): return scipy.signal.convolve(x, w, mode)
""",
)  # fmt: skip
attack(
    "torch", 17, "torch does the exercise", plain="points", expect="raised",
    says="ModuleNotFoundError: torch is not available",
    code="""
import torch
def convolve1d(x, w, mode="full"):
    x, w = torch.tensor(x)[None, None], torch.tensor(w.copy())[None, None]
    return torch.conv1d(x, w.flip(-1), padding=w.shape[-1] - 1)[0, 0].numpy()
""",
)  # fmt: skip
for name, line in {
    "reference": "from solutions.convolution import convolve1d",
    "reference-by-name": "convolve1d = __import__('importlib').import_module('solutions.' + 'convolution').convolve1d",
    "mistakes-module": "import autograder.student\nfrom solutions.convolution import convolve1d",
}.items():
    attack(
        f"imports-{name}", 17, "the reference is imported", plain="points", code=f"del convolve1d\n{line}",
        expect="not_attempted", says="ModuleNotFoundError",
    )  # fmt: skip
attack(
    "unpublished-files", 17, "the reference's file is found and read, not imported", plain="points",
    expect="raised", says="FileNotFoundError",
    code="""
def convolve1d(x, w, mode="full"):
    import importlib.util, pathlib
    found, names = importlib.util.find_spec("solutions"), {}
    if found is None: raise FileNotFoundError("there is no such package")
    exec((pathlib.Path(found.submodule_search_locations[0]) / "convolution.py").read_text(), names)
    return names["convolve1d"](x, w, mode)
""",
)  # fmt: skip

# Row 18: arguments and what is kept between calls

attack(
    "empties-arguments", 18, "the arguments are set to zero, and so is the answer", plain="points",
    target="cross_correlate2d",
    code="""
def cross_correlate2d(image, kernel):
    image[:] = 0
    kernel[:] = 0
    h, w = image.shape[0] - kernel.shape[0] + 1, image.shape[1] - kernel.shape[1] + 1
    return np.zeros((h, w), image.dtype)
""",
)  # fmt: skip
attack(
    "resizes-arguments", 18, "the arguments lose their entries", plain="points", target="cross_correlate2d",
    code="""
def cross_correlate2d(image, kernel):
    image[:] = 0
    for array in (image, kernel):
        try: array.resize((1, 1), refcheck=False)
        except ValueError: pass
    return np.zeros((1, 1), image.dtype)
""",
)  # fmt: skip
attack(
    "keeps-references", 18, "what was passed in earlier is kept and handed back", plain="points",
    target="cross_correlate2d",
    code="""
kept = []
def cross_correlate2d(image, kernel):
    kept.append(image); kernel[:] = 0
    first = kept[0]; first[:] = 0
    return first[: image.shape[0] - kernel.shape[0] + 1, : image.shape[1] - kernel.shape[1] + 1]
""",
)  # fmt: skip
attack(
    "in-place", 18, "the right answer, but the arguments are changed", expect="failed", says="in place",
    tokens={"DEED": ("x *= 2", "pass")},
    code="""
right = convolve1d
def convolve1d(x, w, mode="full"):
    value = right(x, w, mode)
    @DEED@
    return value
""",
)  # fmt: skip

# Row 22: not twice the same

attack(
    "well-the-first-time", 22, "right in the first call only", plain="points", says="ZeroDivisionError",
    expect="raised",
    code="""
right, count = convolve1d, []
def convolve1d(x, w, mode="full"):
    count.append(1)
    if len(count) > 1: 1 / 0
    return right(x, w, mode)
""",
)  # fmt: skip
attack(
    "a-matter-of-chance", 22, "random numbers around the answer", tokens={"NOISE": ("1.0", "0.0")},
    says="the result differs",
    code="""
right = convolve1d
def convolve1d(x, w, mode="full"):
    y = right(x, w, mode)
    return (y + @NOISE@ * np.random.default_rng().random(y.shape)).astype(y.dtype)
""",
)  # fmt: skip
attack(
    "second-run", 22, "a file tells the second run from the first", plain="wrote", says="Read-only|No such file",
    expect="raised",
    code="""
def convolve1d(x, w, mode="full"):
    with open("@MARKS@/@NAME@", "a") as file: file.write("ran")
    return np.zeros(1)
""",
)  # fmt: skip
attack(
    "after-a-restart", 22, "the crash is used to begin anew", expect="crashed", says=r"os._exit\(7\)",
    tokens={"DEED": ("os._exit(7)", "pass")},
    code="""
import os
right, count = convolve1d, []
def convolve1d(x, w, mode="full"):
    count.append(1)
    if len(count) > 2:
        @DEED@
    return right(x, w, mode)
""",
)  # fmt: skip
