"""What a submission finds inside the sandbox, compared with lists that are written down here, not with the program's.

Whoever adds something to what is visible adds it here, too, and says in docs/security.md why that is harmless.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

from autograder.paths import ROOT
from autograder.sandbox import Cell, Session, warm
from autograder.units import UNITS
from tests.needs_sandbox import skip_without_sandbox

LOOK = """
import importlib.machinery, importlib.metadata, os, pkgutil, pwd, socket, sys

def top():
    return {folder: sorted(os.listdir(folder)) for folder in ("/", "/dev", "/etc", "/worker", "/course", "/scratch")}
def files():
    found = []
    for folder, folders, names in os.walk("/"):
        folders[:] = [name for name in folders if folder != "/" or name not in ("proc", "dev")]
        found += [os.path.join(folder, name) for name in names]
    return found
def modules(): return sorted({module.name for module in pkgutil.iter_modules()} - sys.stdlib_module_names)
def specs(names): return [name for name in names if importlib.machinery.PathFinder.find_spec(name)]
def metadata(): return [distribution.name for distribution in importlib.metadata.distributions()]
def processes():
    numbers = sorted(int(name) for name in os.listdir("/proc") if name.isdigit())
    return [open(f"/proc/{number}/comm").read().strip() for number in numbers]
def environment(): return dict(os.environ)
def of_others():
    return [open(f"/proc/{n}/environ", encoding="latin-1").read() for n in os.listdir("/proc") if n.isdigit()]
def sockets():
    found = {}
    for name in "tcp tcp6 udp udp6 raw raw6 unix packet".split():
        if os.path.exists("/proc/net/" + name):
            found[name] = open("/proc/net/" + name).read().splitlines()[1:]
    return found
def interfaces(): return [line.split(":")[0].strip() for line in open("/proc/net/dev").read().splitlines()[2:]]
def routes(): return open("/proc/net/route").read().splitlines()[1:]
def people(): return [entry.pw_name for entry in pwd.getpwall()], os.uname().nodename, os.getcwd()
def prefix(): return sys.base_prefix
"""

# Beside the folders of the interpreter, of NumPy and of msgpack, wherever these are.
TOP = {
    "/dev": "core fd full null ptmx pts random shm stderr stdin stdout tty urandom zero".split(),
    "/etc": ["ld.so.cache"],
    "/worker": ["__pycache__", "standins.py", "template.py", "wire.py", "worker.py"],
    "/course": ["backpass"],
    "/scratch": [],
}
MODULES = {"numpy", "msgpack", "backpass", "wire", "standins", "template", "worker"}
# PyTorch and what it requires; `functorch` and `torchgen` come with it, the rest of a line where it is installed.
TORCH_MODULES = {"torch", "filelock", "fsspec", "jinja2", "markupsafe", "mpmath", "networkx", "sympy"}
TORCH_MAY_BRING = {
    *{"functorch", "torchgen", "typing_extensions", "setuptools", "pkg_resources", "_distutils_hack", "isympy"},
    *{"nvidia", "triton", "cuda"},
}
# Modules of the interpreter's own tests and build, which sys.stdlib_module_names leaves out.
OF_THE_INTERPRETER = re.compile(r"_\w*test\w*|_test\w+|_xx\w+|xxlimited\w*|test|idlelib|__\w+__|_sysconfigdata_[\w-]+")
# Shared libraries of the system, by the beginning of their names.
LIBRARIES = re.compile(
    r"(ld-linux|ld-|lib(c|m|dl|rt|util|pthread|crypt|z|bz2|lzma|ssl|crypto|ffi|expat|sqlite3|uuid|mpdec|nsl|tirpc|"
    r"python3[\d.]*|stdc\+\+|gcc_s|gomp|openblas|blas|lapack|gfortran|quadmath|atomic|resolv|keyutils|krb5|"
    r"gssapi_krb5|k5crypto|com_err|krb5support|db|tinfo|ncursesw|zstd))[-.\d\w]*\.so[.\d]*$"
)
ENVIRONMENT = {
    "HOME": "/scratch",
    "TMPDIR": "/scratch",
    "LANG": "C.UTF-8",
    "PYTHONHASHSEED": "0",
    "PWD": "/scratch",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMEXPR_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
}
NOT_THERE = "autograder solutions nbgrader nbformat pytest IPython pip torch matplotlib tests sitecustomize".split()


@pytest.fixture(scope="module", params=["forked", "started"])
def ask(request):
    skip_without_sandbox()
    os.environ["BACKPASS_CANARY"] = "secret"
    patch = pytest.MonkeyPatch()
    if request.param == "started":
        patch.setattr(warm, "fork", lambda unit: None)
    elif warm.refused(UNITS["convolution"]):
        pytest.skip("workers cannot be forked here")
    with Session([Cell(LOOK, "cell")], UNITS["convolution"]) as session:
        yield lambda name, *args: session.call(name, args).value
    patch.undo()
    del os.environ["BACKPASS_CANARY"]


def test_folders_are_the_listed_ones(ask):
    found = ask("top")
    roots = set(found.pop("/"))
    assert found == TOP
    wanted = {"dev", "etc", "proc", "worker", "course", "scratch"}
    assert wanted <= roots
    # What is more leads to the interpreter, its packages and libraries.
    allowed = {Path(place).parts[1] for place in (ask("prefix"), sys.prefix, sys.base_prefix)}
    assert roots - wanted <= allowed | {"lib", "lib64", "lib32", "usr", *Path(os.path.realpath("/lib")).parts[1:2]}


def test_every_file_is_of_the_interpreter_numpy_msgpack_backpass_or_the_worker(ask):
    import msgpack
    import numpy

    standard_library = os.path.dirname(os.__file__)
    packages = [Path(numpy.__file__).parent, Path(msgpack.__file__).parent]
    folders = [standard_library, *map(str, packages), f"{packages[0].parent}/numpy.libs", "/course/backpass"]
    single = {os.path.realpath(sys.executable), "/etc/ld.so.cache", *(f"/worker/{name}" for name in TOP["/worker"])}
    counted = dict.fromkeys(folders, 0)
    for path in ask("files"):
        inside = [folder for folder in folders if path.startswith(f"{folder}/")]
        for folder in inside:
            counted[folder] += 1
        if inside or path in single or path.startswith("/worker/__pycache__/"):
            continue
        assert LIBRARIES.match(Path(path).name), path
    assert counted[standard_library] > 500
    assert all(counted[str(folder)] for folder in packages)
    # Of the folders for packages nothing else is there.
    others = {
        re.split(r"/(?:site|dist)-packages/", path)[1].split("/")[0] for path in ask("files") if "-packages/" in path
    }
    assert others <= {"numpy", "numpy.libs", "msgpack"}


def test_nothing_of_the_repository_but_backpass(ask):
    beside = {path.name for path in ROOT.iterdir()} - {".venv", "course", "work"}
    assert not [path for path in ask("files") if path.startswith(tuple(f"{ROOT}/{name}" for name in beside))]
    for path in Path(ROOT, "course").iterdir():
        assert not [found for found in ask("files") if found.startswith(f"{path}/")]


def test_modules_and_metadata_are_the_listed_ones(ask):
    assert {name for name in ask("modules") if not OF_THE_INTERPRETER.fullmatch(name)} == MODULES
    assert ask("specs", NOT_THERE) == []
    assert ask("metadata") == []


def test_units_that_need_torch_see_torch_and_what_it_requires():
    pytest.importorskip("torch")
    with Session([Cell(LOOK, "cell")], UNITS["architectures"]) as session:
        found = {name for name in session.call("modules", ()).value if not OF_THE_INTERPRETER.fullmatch(name)}
        metadata = session.call("metadata", ()).value
    assert MODULES | TORCH_MODULES | {"given"} <= found <= MODULES | TORCH_MODULES | {"given"} | TORCH_MAY_BRING
    assert metadata == []


def test_processes_and_environment_are_the_listed_ones(ask):
    first, worker = ask("processes")
    assert first in ("bwrap", "first")
    assert worker.startswith("python")
    assert ask("environment") == ENVIRONMENT
    assert not [text for text in ask("of_others") if "secret" in text]


def test_there_is_no_socket_and_no_way_out(ask):
    found = ask("sockets")
    assert {"tcp", "udp", "unix"} <= found.keys()
    assert set(map(tuple, found.values())) == {()}
    assert ask("interfaces") == ["lo"]
    assert ask("routes") == []


def test_nobody_is_known_by_name(ask):
    assert ask("people") == ([], "sandbox", "/scratch")
