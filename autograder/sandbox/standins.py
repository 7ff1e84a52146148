"""Stand-ins for what is not in the sandbox: inert ones for plots and progress bars, and others until used.

Part of the worker. An import that is not needed costs nothing; a use of what is missing says so kindly.
"""

import dis
import importlib.machinery
import sys
import types


class Inert:
    """Any attribute, call, index or operator gives another one, and nothing happens."""

    def __init__(self, over=()):
        self._over = over

    def __getattr__(self, name):
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return range_of if name in ("trange", "tnrange") else Inert()

    def __setattr__(self, name, value):
        self.__dict__[name] = value

    def __call__(self, *args, **kwargs):
        # A progress bar goes over what it was given, a decorator gives back the function.
        first = args[0] if args else kwargs.get("iterable", ())
        if len(args) == 1 and not kwargs and isinstance(first, types.FunctionType | type):
            return first
        return Inert(first if hasattr(type(first), "__iter__") else ())

    def __iter__(self):
        wanted = _unpacked_into(sys._getframe(1))
        if wanted is not None:
            return iter([Inert() for _ in range(wanted)])
        return iter(self._over)

    def __len__(self):
        return len(self._over) if hasattr(type(self._over), "__len__") else 0

    def __bool__(self):
        return True

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return False

    def __getitem__(self, key):
        return Inert()

    def __setitem__(self, key, value):
        pass

    def __mro_entries__(self, bases):
        return ()

    def __repr__(self):
        return ""

    def __float__(self):
        return 0.0

    def __int__(self):
        return 0


def range_of(*args, **kwargs):
    return range(*args)


def _same(self, *others):
    return self


for _operator in "add radd sub rsub mul rmul truediv rtruediv floordiv mod pow neg matmul and or".split():
    setattr(Inert, f"__{_operator}__", _same)


def _unpacked_into(frame):
    """How many names a statement such as `fig, ax = plt.subplots()` unpacks into; None when it iterates."""
    code, at = frame.f_code.co_code, frame.f_lasti
    if not 0 <= at < len(code) - 1:
        return None
    return code[at + 1] if dis.opname[code[at]] == "UNPACK_SEQUENCE" else None


class Absent:
    """A module, or something of it, that is not here: its use raises ModuleNotFoundError."""

    def __init__(self, name):
        self.__dict__["_name"] = name

    def __getattr__(self, name):
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return Absent(f"{self._name}.{name}")

    def __repr__(self):
        return f"<{self._name} is not available>"


def _absent(self, *args, **kwargs):
    top = self._name.partition(".")[0]
    raise ModuleNotFoundError(
        f"{top} is not available where your work is graded, and `{self._name}` was used. "
        "The exercises can be solved with NumPy alone.",
        name=top,
    )


for _operator in (
    "call iter len getitem setitem enter exit mro_entries float int index bool contains "
    "add radd sub rsub mul rmul truediv rtruediv neg matmul rmatmul lt gt le ge"
).split():
    setattr(Absent, f"__{_operator}__", _absent)


# Annotations such as `np.ndarray | torch.Tensor`, and isinstance(x, torch.Tensor), are no use of it.
Absent.__or__ = Absent.__ror__ = _same
Absent.__instancecheck__ = Inert.__instancecheck__ = lambda self, value: False


class InertModule(types.ModuleType):
    """A plotting or display library that is not here."""

    __path__ = ()

    def __getattr__(self, name):
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return range_of if name in ("trange", "tnrange") else Inert()

    def __call__(self, *args, **kwargs):
        return Inert()(*args, **kwargs)


class AbsentModule(types.ModuleType):
    """Any other module that is not here."""

    __path__ = ()

    def __getattr__(self, name):
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return Absent(f"{self.__name__}.{name}")


# For looking and waiting: nothing of these decides what a function returns.
INERT = frozenset(
    "matplotlib mpl_toolkits seaborn plotly bokeh altair tqdm IPython ipywidgets jupyter ipykernel nbgrader "
    "matplotlib_inline rich colorama termcolor cv2_imshow google pylab".split()
)


class Finder:
    """Last on sys.meta_path: stand-ins for modules that a student's own import statement does not find."""

    def __init__(self, cells, guarded, hidden):
        self.cells = cells  # names of the student's cells
        self.guarded = guarded  # (cell, line) of imports inside try: there the student wants to know
        self.hidden = hidden  # modules that have no stand-in

    def find_spec(self, name, path=None, target=None):
        frame = sys._getframe(1)
        while frame is not None and frame.f_code.co_filename.startswith("<frozen importlib"):
            frame = frame.f_back
        if frame is None or (frame.f_code.co_filename, frame.f_lineno) in self.guarded:
            return None
        file = frame.f_code.co_filename
        if file not in self.cells and "/backpass/" not in file:
            return None
        top, _, rest = name.partition(".")
        if rest and not isinstance(sys.modules.get(top), InertModule | AbsentModule):
            return None
        if top in self.hidden:
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec):
        kind = InertModule if spec.name.partition(".")[0] in INERT else AbsentModule
        return kind(spec.name)

    def exec_module(self, module):
        module.__path__ = []


class QuietCheck:
    """First on sys.meta_path: `backpass` is the real one, but its `check` and `progress` return at once."""

    names = ("backpass", "backpass.check", "backpass.progress")

    def find_spec(self, name, path=None, target=None):
        if name not in self.names:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader.exec_module = self._quiet(spec.loader.exec_module)
        return spec

    @staticmethod
    def _quiet(exec_module):
        def run(module):
            if module.__name__ == "backpass":
                exec_module(module)
                return
            # The import system is about to set the submodule on the package, over the function. What they
            # need takes 50 ms to import: it is left until something else of the module is wanted.
            module.__dict__["_exec"] = exec_module
            module.__class__ = CallableModule
            setattr(module, module.__name__.rpartition(".")[2], nothing)

        return run


class CallableModule(types.ModuleType):
    """A module that is read from its file when something other than its inert function is looked up in it."""

    def __call__(self, *args, **kwargs):
        return nothing()

    def __getattr__(self, name):
        exec_module = None if name.startswith("__") else self.__dict__.pop("_exec", None)
        if exec_module is None:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        exec_module(self)
        setattr(self, self.__name__.rpartition(".")[2], nothing)
        return getattr(self, name)


def nothing(*args, **kwargs):
    return Inert()
