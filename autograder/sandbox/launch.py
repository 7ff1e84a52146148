"""Starts the worker, under bubblewrap unless told otherwise, and says plainly why where that is impossible.

What is visible inside is a list (`visible`): the interpreter, its standard library with site-packages masked,
the shared libraries that they and NumPy load, the packages a unit needs, `backpass`, the worker and given.py.

Started by root, an outer bubblewrap binds the list where an unprivileged user can read it, setpriv drops to
such a user, and the inner bubblewrap isolates: RLIMIT_NPROC is not enforced for root, and /root is closed.

The isolation `uid`, by name only, is for containers that forbid namespaces: root drops to a user of its own for each
worker, and file permissions keep the answers. docs/security.md says what it lacks.
"""

from __future__ import annotations

import compileall
import contextlib
import functools
import importlib.metadata
import importlib.util
import itertools
import json
import os
import py_compile
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autograder.given import write_given
from autograder.isolation import BUBBLEWRAP, ISOLATIONS, NONE, UID
from autograder.paths import BACKPASS, ROOT, SOURCE
from autograder.sandbox import own_user, seccomp
from autograder.units import Unit

if TYPE_CHECKING:
    from autograder.sandbox.warm import Forked

HERE = Path(__file__).resolve().parent
OLDEST = (0, 8)  # bubblewrap: --size, --disable-userns
COUNTS_APART = (5, 14)  # Linux: RLIMIT_NPROC counts the processes of a user namespace, not all of a user
STAGE = "/stage"  # where the outer step of root puts what will be visible
SCRATCH = "/scratch"
WORKER_FILES = ("worker.py", "standins.py", "template.py", "wire.py")
CONFINING_FILES = ("confine.py", "seccomp.py")
# Under `uid`, the worker refuses to begin where it can enter one of these.
CLOSED = tuple(str(ROOT / name) for name in ("autograder", "solutions", "source"))
# Unprivileged users for root to drop to: systemd's range of users that live as long as a process.
FIRST_UID, LAST_UID = 61184, 65519
# Extension modules that no course needs and that would pull in other libraries (X11, terminals, databases).
_UNNEEDED = re.compile(r"^(_tkinter|_curses|_curses_panel|readline|nis|_dbm|_gdbm|_test|_xx|xx)")
_ENVIRONMENT = {
    "HOME": SCRATCH,
    "TMPDIR": SCRATCH,
    "LANG": "C.UTF-8",
    "PYTHONHASHSEED": "0",
    **{f"{name}_THREADS": "1" for name in ("OPENBLAS_NUM", "OMP_NUM", "MKL_NUM", "NUMEXPR_NUM", "VECLIB_MAXIMUM")},
}
INSTALL = (
    "Install it with `sudo apt install bubblewrap` (Debian, Ubuntu) or `sudo dnf install bubblewrap` "
    "(Fedora); the package of that name on PyPI is another program."
)
WITHOUT = "With `--isolation none` student code runs with your rights, and can read and change whatever you can."


class NoSandbox(RuntimeError):
    """Student code cannot be isolated here; the text says why and what to do."""


@dataclass(frozen=True)
class Visible:
    """What is seen inside: (file or folder outside, place inside), folders to empty first, and sys.path."""

    binds: tuple[tuple[str, str], ...]
    masks: tuple[str, ...]
    python: str
    path: tuple[str, ...]


@dataclass
class Worker:
    """A started worker: its process (with `forked` the first of its namespaces) and both ends of the channel."""

    process: subprocess.Popen | Forked
    requests: int
    replies: int
    isolation: str
    scratch: str = ""
    user: own_user.User | None = None  # under `uid`
    forked: bool = False
    # After kill(): what it had written to stderr (a few KiB), and its status where it had ended by itself.
    complaint: str = ""
    status: int | None = None
    _closed: bool = field(default=False, repr=False)

    def kill(self) -> int | None:
        """End everything in the sandbox at once; returns the worker's status where it had ended by itself."""
        if self._closed:
            return self.status
        self._closed = True
        self.status = self.process.poll()
        stderr = self.process.stderr.fileno()
        os.set_blocking(stderr, False)
        with contextlib.suppress(OSError):
            self.complaint = os.read(stderr, 8192).decode("utf-8", "replace").strip()
        if self.user is not None:
            self.user.leave(self.scratch)
        elif self.isolation == NONE:
            with contextlib.suppress(OSError):
                os.killpg(self.process.pid, signal.SIGKILL)
        elif not self.forked:
            end_sandbox(self.process)
        self.process.kill()
        self.process.wait()
        for descriptor in (self.requests, self.replies):
            os.close(descriptor)
        self.process.stderr.close()
        if self.scratch:
            shutil.rmtree(self.scratch, ignore_errors=True)
        return self.status


def end_sandbox(bubblewrap: subprocess.Popen) -> None:
    """End what a bubblewrap isolates, then itself."""
    # The first process of a process namespace: all in it is dead before bubblewrap, its parent, ends.
    for child in children(bubblewrap.pid):
        with contextlib.suppress(OSError):
            os.kill(child, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        bubblewrap.wait(timeout=2.0)
    bubblewrap.kill()
    bubblewrap.wait()


def read_proc(name: str) -> bytes:
    """A small file of /proc: read often, while student code runs."""
    descriptor = os.open(f"/proc/{name}", os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(descriptor, 1 << 16)
    finally:
        os.close(descriptor)


def children(pid: int) -> list[int]:
    """The processes that a process has started and that are still there."""
    found: list[int] = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            found += map(int, read_proc(f"{pid}/task/{thread}/children").split())
    except OSError:
        pass  # it has ended meanwhile
    return found


# What is visible inside


@functools.cache
def _interpreter() -> tuple[str, tuple[str, ...]]:
    """The real interpreter (not a virtual environment's link), and its sys.path without site-packages."""
    python = os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)
    code = "import json, sys; print(json.dumps([p for p in sys.path if p]))"
    shown = subprocess.run([python, "-I", "-S", "-c", code], capture_output=True, text=True, check=True).stdout
    return python, tuple(path for path in json.loads(shown) if os.path.exists(path))


def _wanted(needs_torch: bool) -> tuple[str, ...]:
    return ("numpy", "msgpack", "torch") if needs_torch else ("numpy", "msgpack")


@functools.cache
def _packages(names: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Files and folders of distributions and of all that they require, and the folders that hold these."""
    from packaging.requirements import Requirement

    wanted, seen, entries = list(names), set(), {}
    while wanted:
        name = wanted.pop()
        key = re.sub(r"[-_.]+", "-", name).lower()
        if key in seen:
            continue
        seen.add(key)
        try:
            distribution = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            if name in names:
                raise NoSandbox(f"The package {name} is not installed where the grader runs.") from None
            continue
        entries |= dict.fromkeys(_entries(name, distribution))
        for line in distribution.requires or ():
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                wanted.append(requirement.name)
    return tuple(entries), tuple(dict.fromkeys(os.path.dirname(entry) for entry in entries))


def _entries(name: str, distribution: importlib.metadata.Distribution) -> Iterator[str]:
    """Top-level files and folders of a distribution. System packages keep no list: ask the import system."""
    tops = {file.parts[0] for file in distribution.files or () if file.parts[0] not in ("..", "__pycache__")}
    tops = {top for top in tops if not top.endswith((".dist-info", ".egg-info", ".pth"))}
    if tops:
        found = [str(distribution.locate_file(top)) for top in sorted(tops)]
    else:
        spec = importlib.util.find_spec(name.replace("-", "_"))
        found = list(spec.submodule_search_locations or [spec.origin]) if spec else []
    return (os.path.abspath(entry) for entry in found if os.path.exists(entry))


@functools.cache
def _libraries(python: str, files: tuple[str, ...]) -> tuple[str, ...]:
    """Paths of the shared libraries that the interpreter and extension modules load, as the loader says."""
    if any(separator in file for file in files for separator in " :"):
        outputs = [_trace(file, {}) for file in (python, *files)]  # a preload list cannot name such a path
    else:
        outputs = [_trace(python, {"LD_PRELOAD": ":".join(files)})]
    found = {}
    for line in "\n".join(outputs).splitlines():
        match = re.match(r"\s*(?:\S.*? => )?(/.*) \(0x[0-9a-f]+\)$", line)
        if match and os.path.exists(match[1]):
            found[os.path.normpath(match[1])] = None
    return tuple(found)


def _trace(file: str, environment: dict[str, str]) -> str:
    """What the dynamic loader would load for a file: what ldd does, in one run for all of them."""
    environment = {**os.environ, **environment, "LD_TRACE_LOADED_OBJECTS": "1"}
    if file.endswith(".so"):
        return subprocess.run(["ldd", file], capture_output=True, text=True, check=False).stdout
    return subprocess.run([file], capture_output=True, text=True, check=False, env=environment).stdout


@functools.cache
def _base(needs_torch: bool) -> Visible:
    """The part that is the same for all submissions of a unit."""
    python, stdlib = _interpreter()
    entries, sites = _packages(_wanted(needs_torch))
    folders = [path for path in stdlib if not any(_inside(path, other) for other in stdlib if other != path)]
    masks = [
        os.path.join(folder, name)
        for folder in folders
        for name in ("site-packages", "dist-packages")
        if os.path.isdir(os.path.join(folder, name))
    ]
    extensions = [
        str(file)
        for folder in (*stdlib, *entries)
        for file in (Path(folder).glob("*.so") if folder in stdlib else Path(folder).rglob("*.so*"))
        if not _UNNEEDED.match(file.name)
    ]
    # Libraries of a package (numpy.libs) come with it; only what lies elsewhere is bound by itself.
    libraries = [
        lib for lib in _libraries(python, tuple(extensions)) if not any(_inside(lib, p) for p in (*folders, *entries))
    ]
    binds = [(path, path) for path in (python, *folders, *entries, *libraries)]
    if os.path.exists("/etc/ld.so.cache"):
        binds.append(("/etc/ld.so.cache", "/etc/ld.so.cache"))
    for name in WORKER_FILES:
        binds.append((str(HERE / name), f"/worker/{name}"))
        compiled = _compiled(HERE / name)
        if compiled:
            binds.append((compiled, f"/worker/__pycache__/{os.path.basename(compiled)}"))
    with contextlib.suppress(OSError):
        compileall.compile_dir(BACKPASS, maxlevels=0, quiet=2)  # inside, byte code cannot be kept
    binds.append((str(BACKPASS), "/course/backpass"))
    return Visible(tuple(binds), tuple(masks), python, ("/worker", *sites, "/course"))


def _compiled(source: Path) -> str:
    """The cached byte code of a file of the worker (it saves 15 ms); "" where it cannot be written."""
    try:
        return py_compile.compile(str(source), doraise=True)
    except (OSError, py_compile.PyCompileError):
        return ""


@functools.cache
def _given(unit_name: str) -> Path | None:
    """The unit's given.py, brought up to date: it is made, never committed."""
    path = SOURCE / unit_name / "given.py"
    with contextlib.suppress(OSError):  # where it cannot be written, what is there serves
        write_given(unit_name, path)
    return path if path.exists() else None


def visible(unit: Unit) -> Visible:
    base = _base(unit.needs_torch)
    given = _given(unit.name)
    if given is None:
        return base
    binds = (*base.binds, (str(given), "/course/given.py"))
    return Visible(binds, base.masks, base.python, base.path)


def _inside(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


# Command lines


def _tree(what: Visible, prefix: str) -> list[str]:
    """Arguments that lay out the visible files below `prefix`, read-only."""
    arguments: list[str] = []
    made = {""}

    def parents(place: str) -> None:
        # By name and with the usual mode: parents that bubblewrap makes by itself are closed to other users.
        parts = (prefix + place).split("/")[1:-1]
        for folder in itertools.accumulate(parts, lambda a, b: f"{a}/{b}", initial=""):
            if folder not in made and not any(_inside(folder, prefix + dest) for dest in folders):
                arguments.extend(["--dir", folder])
            made.add(folder)

    folders = {dest for source, dest in what.binds if os.path.isdir(source)}
    inner = [mask for mask in what.masks if any(_inside(mask, folder) for folder in folders)]
    for source, dest in sorted(what.binds, key=lambda bind: any(_inside(bind[1], mask) for mask in inner)):
        masked = [mask for mask in inner if _inside(mask, dest)]
        parents(dest)
        arguments += ["--ro-bind", os.path.realpath(source), prefix + dest]
        for mask in masked:
            arguments += ["--tmpfs", prefix + mask]
    for mask in inner:
        arguments += ["--remount-ro", prefix + mask]
    return arguments


def _isolating(layout: list[str], unit: Unit, template: bool) -> list[str]:
    """Options of the bubblewrap that isolates. A template makes further namespaces, and its workers forbid them."""
    options = ["--unshare-all", "--unshare-user", "--die-with-parent", "--new-session"]
    options += [] if template else ["--disable-userns"]
    options += ["--cap-drop", "ALL", "--hostname", "sandbox", "--clearenv"]
    for name, value in _ENVIRONMENT.items():
        options += ["--setenv", name, value]
    options += layout
    # /dev and / are memory of the host: nothing may be written there.
    options += ["--proc", "/proc", "--dev", "/dev", "--remount-ro", "/dev"]
    options += ["--perms", "0700", "--size", str(unit.limits.scratch_bytes), "--tmpfs", SCRATCH]
    return [*options, "--remount-ro", "/", "--chdir", SCRATCH]


def _run_worker(path: tuple[str, ...], closed: tuple[str, ...] = (), template: bool = False) -> list[str]:
    """Arguments of the interpreter: no environment, no site-packages, no byte code, an explicit sys.path.

    With `closed`, folders that it must not be able to read, the worker confines itself before all else. A template
    forks workers, and goes on as one of them only in these.
    """
    begin = "import gc, sys; gc.disable(); "
    if closed:
        begin += f"sys.path += sys.argv[{len(closed) + 1}:]; import confine; "
        begin += f"confine.confine(sys.argv[1:{len(closed) + 1}]); "
    else:
        begin += "sys.path += sys.argv[1:]; "
    begin += "import worker, template; template.serve(); " if template else "import worker; "
    return ["-I", "-S", "-B", "-c", begin + "worker.main()", *closed, *path]


_turns = itertools.count(os.getpid())


def _unprivileged_uid() -> int:
    """A user of its own, among those that this (perhaps itself contained) system maps."""
    last = LAST_UID
    try:
        ranges = [tuple(map(int, line.split())) for line in Path("/proc/self/uid_map").read_text().splitlines()]
        if not any(start <= FIRST_UID and start + count > LAST_UID for start, _, count in ranges):
            last = max(start + count for start, _, count in ranges) - 1
            return max(1, last)
    except (OSError, ValueError):
        pass
    return FIRST_UID + next(_turns) % (last - FIRST_UID + 1)


@dataclass(frozen=True)
class Command:
    """A command line, with what it reads from descriptors: bubblewrap's options, the filter of system calls.

    Options on the command line would be seen inside, in /proc/1/cmdline.
    """

    arguments: tuple[str, ...]
    options: tuple[str, ...]
    filtered: bool = True

    def run(self, **streams: Any) -> subprocess.Popen:
        given = [os.memfd_create("given") for _ in range(2)]
        try:
            options = [*self.options, *(["--seccomp", str(given[1])] if self.filtered and seccomp.program() else [])]
            for descriptor, data in zip(given, ("\0".join(options).encode() + b"\0", seccomp.program()), strict=True):
                with os.fdopen(os.dup(descriptor), "wb") as file:
                    file.write(data)
                os.lseek(descriptor, 0, os.SEEK_SET)
            arguments = [str(given[0]) if argument is _OPTIONS else argument for argument in self.arguments]
            return subprocess.Popen(arguments, pass_fds=given, **streams)
        finally:
            for descriptor in given:
                os.close(descriptor)


_OPTIONS = "(the descriptor of the options)"


def command_line(unit: Unit, template: bool = False) -> Command:
    """The command that starts a worker of a unit under bubblewrap, or a template of workers."""
    bwrap, what = bubblewrap(), visible(unit)
    inner = ["--args", _OPTIONS, "--", what.python, *_run_worker(what.path, template=template)]
    if os.geteuid() != 0:
        layout = [*_tree(what, ""), "--dir", "/proc", "--dir", "/dev", "--dir", SCRATCH]
        return Command((bwrap, *inner), tuple(_isolating(layout, unit, template)), filtered=not template)
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise NoSandbox("Student code must not run as root, and setpriv is missing: install util-linux.")
    uid = str(_unprivileged_uid())
    # A process namespace here, too: when the grader is killed its first process dies, and all in it. (The
    # inner one would not: the signal at a parent's death is forgotten when a process changes its user.)
    outer = [bwrap, "--unshare-pid", "--die-with-parent", "--cap-drop", "ALL"]
    outer += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    outer += ["--dir", "/tmp", "--dir", STAGE, *_tree(what, STAGE)]
    outer += [part for name in ("/proc", "/dev", SCRATCH) for part in ("--dir", STAGE + name)]
    tools = tuple((os.path.realpath(tool), tool) for tool in _tools(bwrap, setpriv))
    outer += _tree(Visible(tools, (), "", ()), "")
    outer += ["--dev-bind", "/proc", "/proc", "--dev-bind", "/dev", "/dev", "--"]
    outer += [
        os.path.realpath(setpriv),
        f"--reuid={uid}",
        f"--regid={uid}",
        "--clear-groups",
        "--no-new-privs",
    ]
    layout = ["--ro-bind", STAGE, "/"]
    arguments = (*outer, "--", os.path.realpath(bwrap), *inner)
    return Command(arguments, tuple(_isolating(layout, unit, template)), filtered=not template)


@functools.cache
def _tools(*programs: str) -> tuple[str, ...]:
    programs = tuple(map(os.path.realpath, programs))
    libraries = [lib for program in programs for lib in _libraries(program, ())]
    cache = ["/etc/ld.so.cache"] if os.path.exists("/etc/ld.so.cache") else []
    return tuple(dict.fromkeys([*programs, *libraries, *cache]))


def bubblewrap() -> str:
    """The path of the program. Raises NoSandbox."""
    if not sys.platform.startswith("linux"):
        raise NoSandbox(f"Student code can be isolated on Linux only (a container or WSL will do). {WITHOUT}")
    bwrap = shutil.which("bwrap")
    if bwrap is None:
        raise NoSandbox(f"Student code is isolated with bubblewrap, which is not installed. {INSTALL} {WITHOUT}")
    _check_version(bwrap, os.stat(bwrap).st_mtime_ns)
    return bwrap


@functools.cache
def _check_version(bwrap: str, changed: int) -> None:
    try:
        shown = subprocess.run([bwrap, "--version"], capture_output=True, text=True, timeout=10, check=False).stdout
    except (OSError, subprocess.SubprocessError):
        shown = ""
    match = re.match(r"bubblewrap (\d+)\.(\d+)", shown)
    if match is None:
        raise NoSandbox(f"The program {bwrap} is not bubblewrap. {INSTALL}")
    if (int(match[1]), int(match[2])) < OLDEST:
        raise NoSandbox(f"{shown.strip()} is too old: isolation needs {OLDEST[0]}.{OLDEST[1]} or newer. {WITHOUT}")


# Starting


def start(unit: Unit, isolation: str) -> Worker:
    """Start a worker; it says that it is ready later. Raises NoSandbox."""
    streams = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE) | {
        "bufsize": 0,
        "start_new_session": True,
    }
    scratch, user = "", None
    try:
        if isolation == BUBBLEWRAP:
            process = command_line(unit).run(env={}, cwd="/", **streams)
        elif isolation in (UID, NONE):
            if isolation == UID:
                user, path = _user_of_its_own(unit)
                scratch = tempfile.mkdtemp(prefix="backpass-")
                os.chown(scratch, user.uid, user.uid)
                streams |= user.rights() | {"umask": 0o077}
            else:
                scratch = tempfile.mkdtemp(prefix="backpass-")
                path = _linked(unit, scratch)
            command = [_interpreter()[0], *_run_worker((path,), CLOSED if user else ())]
            environment = {**_ENVIRONMENT, "HOME": scratch, "TMPDIR": scratch}
            process = subprocess.Popen(command, env=environment, cwd=scratch, **streams)
        else:
            raise ValueError(f"isolation is one of {', '.join(ISOLATIONS)}, not {isolation!r}")
    except OSError as error:
        if user is not None:
            user.leave(scratch)
        raise NoSandbox(f"The sandbox could not be started: {error.strerror}.") from None
    # Descriptors of our own, so that closing them never waits for a buffer.
    requests, replies = os.dup(process.stdin.fileno()), os.dup(process.stdout.fileno())
    process.stdin.close()
    process.stdout.close()
    os.set_blocking(requests, False)
    os.set_blocking(replies, False)
    return Worker(process, requests, replies, isolation, scratch, user)


def _linked(unit: Unit, scratch: str) -> str:
    """A folder of links to just what the sandbox would show, so that nothing else is imported here either."""
    folder = os.path.join(scratch, "packages")
    os.mkdir(folder)
    entries, _ = _packages(_wanted(unit.needs_torch))
    for link in (*entries, *_ours(unit)):
        os.symlink(link, os.path.join(folder, os.path.basename(link)))
    return folder


def _ours(unit: Unit) -> list[str]:
    """The files and folders of this repository that a worker imports."""
    given = _given(unit.name)
    return [str(path) for path in (BACKPASS, *(HERE / name for name in WORKER_FILES), *([given] if given else []))]


def _user_of_its_own(unit: Unit) -> tuple[own_user.User, str]:
    """A user for one worker, and the folder from which it imports. Raises NoSandbox."""
    if os.geteuid() != 0:
        raise NoSandbox("The isolation `uid` is for root, who drops to a user without rights: this is no root.")
    if not seccomp.program():
        raise NoSandbox(f"The isolation `uid` has no filter of system calls for {os.uname().machine}.")
    folder = _copied(unit)
    user = own_user.claim(_unprivileged_uid)
    if user is None:
        raise NoSandbox("The isolation `uid` found no free user.")
    return user, folder


@functools.cache
def _copied(unit: Unit) -> str:
    """What a user of its own imports: of this repository copies, since that is closed; of packages links."""
    entries, _ = _packages(_wanted(unit.needs_torch))
    for path in (_interpreter()[0], *entries):
        closed = own_user.closed_at(path)
        if closed:
            raise NoSandbox(f"The isolation `uid` needs {path}, and other users cannot read {closed}.")
    temporary = tempfile.TemporaryDirectory(prefix="backpass-")
    _kept.append(temporary)  # removed when this process ends
    ours = {os.path.basename(path): path for path in _ours(unit)}
    ours |= {name: str(HERE / name) for name in CONFINING_FILES}
    own_user.copy_for_all(ours, temporary.name)
    compileall.compile_dir(temporary.name, maxlevels=1, quiet=2)
    for entry in entries:
        os.symlink(entry, os.path.join(temporary.name, os.path.basename(entry)))
    return temporary.name


_kept: list[tempfile.TemporaryDirectory] = []


def kernel() -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", os.uname().release)[:2]))


def process_limit(unit: Unit, isolation: str) -> int:
    """RLIMIT_NPROC for a worker. It counts a user's processes; from Linux 5.14 on those of a namespace."""
    apart = isolation == UID or (isolation == BUBBLEWRAP and (kernel() >= COUNTS_APART or os.geteuid() == 0))
    return unit.limits.processes + (0 if apart else _own_threads())


def _own_threads() -> int:
    count = 0
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if process.stat().st_uid == os.getuid():
                count += len(os.listdir(process / "task"))
    return count


def explain(complaint: str, status: int | None) -> NoSandbox:
    """Why a worker never said that it was ready."""
    first = next((line for line in complaint.splitlines() if line.strip()), "")
    if not first.startswith("bwrap:"):
        last = complaint.splitlines()[-1] if complaint else f"it ended with status {status}"
        return NoSandbox(f"The sandbox could not be started: {last}.")
    reason = first.removeprefix("bwrap:").strip().rstrip(".")
    if re.search(
        r"namespace|uid map|gid map|setting up uid|Permission denied|Operation not permitted|No space left",
        reason,
    ):
        return NoSandbox(
            f"Student code cannot be isolated: user namespaces are not allowed here ({reason}). {_allow()} {WITHOUT}"
        )
    return NoSandbox(f"Student code cannot be isolated: bubblewrap failed ({reason}). {WITHOUT}")


def _allow() -> str:
    """How to allow user namespaces, by what forbids them."""
    for name, wanted in (
        ("kernel.apparmor_restrict_unprivileged_userns", "0"),
        ("kernel.unprivileged_userns_clone", "1"),
        ("user.max_user_namespaces", "15000"),
    ):
        try:
            value = Path("/proc/sys", *name.split(".")).read_text().strip()
        except OSError:
            continue
        if (value == "0") != (wanted == "0"):
            return f"An administrator can allow them with `sysctl -w {name}={wanted}`."
    options = "--security-opt seccomp=unconfined --security-opt systempaths=unconfined"
    return f"In a container, start it with `{options}`."
