"""Rows 5, 6 and 11: reading and writing where nothing of theirs is, and too much where it is."""

from __future__ import annotations

from tests.attacks.attack import attack

# Row 5: reading

READS = """
import glob, os, pathlib
def convolve1d(x, w, mode="full"):
    %s
    raise FileNotFoundError("nothing to be seen")
"""
SHOW = """
def show(paths, binary=False):
    for path in paths:
        text = open(path, "rb").read().decode("utf-8", "replace")
        if "SECRET" in text: print("found", path, text[text.index("SECRET"):][:200])
"""
for name, what, body in (
    (
        "source-notebook",
        "the instructor's notebook",
        """import json
    cells = json.load(open("@COURSE@/source/convolution/convolution.ipynb"))["cells"]
    text = next("".join(c["source"]) for c in cells if "def convolve1d" in "".join(c["source"]))
    names = {"np": np}
    exec(text, names)
    return names["convolve1d"](x, w, mode)""",
    ),
    (
        "neighbour",
        "a neighbour's submission",
        """import json
    for path in sorted(glob.glob("@COURSE@/submitted/zz-*/convolution/convolution.ipynb")):
        cells = json.load(open(path))["cells"]
        names = {"np": np}
        exec(next("".join(c["source"]) for c in cells if "def convolve1d" in "".join(c["source"])), names)
        return names["convolve1d"](x, w, mode)""",
    ),
):
    attack(f"reads-{name}", 5, f"{what} is read for the answer", code=READS % body, plain="points",
           expect="raised", says="FileNotFoundError")  # fmt: skip
for name, what, paths in (
    ("gradebook", "the gradebook", 'glob.glob("@COURSE@/gradebook.db")'),
    ("home", "the home folder", 'glob.glob("@HOME@/**/*", recursive=True) + glob.glob("@HOME@/.ssh/*")'),
    ("environment", "the environments of other processes", 'glob.glob("/proc/[0-9]*/environ")'),
    ("upwards", "whatever stands above", '["../" * n + f for n in range(9) for f in ("id_secret",)]'),
):
    code = READS % f"show(path for path in {paths} if os.path.isfile(path) and os.access(path, os.R_OK))"
    attack(f"reads-{name}", 5, f"{what} is read", code=SHOW + code, plain="read",
           expect="raised", says="FileNotFoundError")  # fmt: skip
attack(
    "reads-command-lines", 5, "the command lines of other processes are read", plain="read", expect="raised",
    says="FileNotFoundError",
    code=READS % """for path in glob.glob("/proc/[0-9]*/cmdline"):
        text = open(path).read()
        if "nbgrader" in text or "autograder" in text: print("SEEN-COMMAND", text)""",
)  # fmt: skip
attack(
    "reads-memory", 5, "the memory of the parent process is read", plain="read", expect="raised",
    says="Error",
    code=READS % """import re
    parent = os.getppid()
    ranges = [line.split()[0] for line in open(f"/proc/{parent}/maps") if " rw" in line and "[" in line]
    with open(f"/proc/{parent}/mem", "rb", 0) as memory:
        for span in ranges[:40]:
            start, end = (int(part, 16) for part in span.split("-"))
            try: memory.seek(start); data = memory.read(min(end - start, 64 << 20))
            except (OSError, OverflowError): continue
            if b"SECRET" in data: print("found", data[data.index(b"SECRET"):][:100])
    if parent == 1: open("/proc/2/mem", "rb").read(1)""",
)  # fmt: skip
attack(
    "reads-descriptors", 5, "descriptors that were left open are read", plain="read", expect="raised",
    says="FileNotFoundError",
    code=SHOW + READS % """for n in os.listdir("/proc/self/fd"):
        try: target = os.readlink(f"/proc/self/fd/{n}")
        except OSError: continue
        if ".sqlite" in target or ".json" in target or "@COURSE@" in target: print("SEEN-COMMAND", target)
    show(glob.glob("@COURSE@/id_secret"))""",
)  # fmt: skip

# Row 6: writing

WRITES = """
import os, pathlib
def convolve1d(x, w, mode="full"):
    %s
    return np.zeros(1)
"""
for name, what, body in (
    ("mark", "a file outside", 'pathlib.Path("@MARKS@/@NAME@").write_text("here")'),
    (
        "neighbour",
        "a neighbour's submission",
        """for path in pathlib.Path("@COURSE@/submitted").glob("zz-*/*/*.ipynb"): path.write_text("gone")
    os.listdir("@COURSE@")""",
    ),
    (
        "gradebook",
        "the gradebook",
        """import sqlite3
    base = sqlite3.connect("file:@COURSE@/gradebook.db?mode=rw", uri=True, timeout=1)
    base.execute("UPDATE canary SET text = 'touched by @NAME@'"); base.commit()""",
    ),
    ("config", "nbgrader_config.py", 'open("@COURSE@/nbgrader_config.py", "r+").write("# touched by @NAME@")'),
    (
        "source",
        "the instructor's notebook",
        """path = pathlib.Path("@COURSE@/source/convolution/convolution.ipynb")
    path.write_text(path.read_text().replace("def ", "def  "))""",
    ),
    (
        "results",
        "another's result",
        """os.listdir("@COURSE@")
    folder = pathlib.Path("@COURSE@/autograded/zz-neighbour/convolution"); folder.mkdir(parents=True, exist_ok=True)
    (folder / "convolution.ipynb").write_text("touched")""",
    ),
    (
        "startup",
        "what IPython runs at its start",
        """folder = pathlib.Path("@HOME@/.ipython/profile_default/startup"); folder.mkdir(parents=True, exist_ok=True)
    (folder / "evil.py").write_text("print('touched')")""",
    ),
    (
        "sitecustomize",
        "what Python runs at its start",
        """folder = pathlib.Path("@HOME@/.local/lib/python3.11/site-packages")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sitecustomize.py").write_text("print('touched')")""",
    ),
):
    attack(f"writes-{name}", 6, f"{what} is written", code=WRITES % body, expect="raised",
           plain="stopped" if name == "results" else "wrote", says="Read-only|No such file|unable to open")  # fmt: skip
attack(
    "writes-byte-code", 6, "the byte code of a package is exchanged", expect="raised", says="Read-only|Permission",
    tokens={"DEED": ("path", "None")},
    code="""
import os, pathlib
right = convolve1d
def convolve1d(x, w, mode="full"):
    path = pathlib.Path(np.__file__).parent / "__pycache__" / "evil.pyc"
    if @DEED@: path.parent.mkdir(exist_ok=True); path.write_bytes(b"evil")
    return right(x, w, mode)
""",
)  # fmt: skip
attack(
    "writes-worker", 6, "the worker's own file is exchanged", expect="raised", says="Read-only|Permission",
    tokens={"DEED": ("1", "0")},
    code="""
import sys
right = convolve1d
def convolve1d(x, w, mode="full"):
    if @DEED@: open(getattr(sys.modules.get("worker"), "__file__", "/nowhere/x"), "w").write("")
    return right(x, w, mode)
""",
)  # fmt: skip

# Row 11: filling up. The second amount is what the same pen does for a twin that gets full marks.

FILLS = """
import os, sys
right = convolve1d
def convolve1d(x, w, mode="full"):
    %s
    return right(x, w, mode)
"""
for name, what, amounts, expect, says, body in (
    (
        "disk",
        "the disk is filled",
        ("1000", "1", "40"),
        "raised",
        "No space left",
        """for n in range(@AMOUNT@):
        with open(f"part{n}", "wb") as file: file.write(bytes(1 << 20))""",
    ),
    (
        "one-large-file",
        "a file of 4 GiB is written",
        (str(4 << 30), "1000", str(40 << 20)),
        "raised",
        "File too large|No space left",
        """with open("zeros", "wb") as file:
        file.seek(@AMOUNT@); file.write(b"0")""",
    ),
    (
        "million-files",
        "files are made without end",
        ("10**9", "10", "5000"),
        "crashed|timed_out|raised",
        "too many files|processor time|No space left",
        'for n in range(@AMOUNT@): os.close(os.open(f"f{n}", os.O_CREAT))',
    ),
    (
        "open-files",
        "files are opened without end",
        ("10**6", "5", "500"),
        "raised",
        "Too many open files",
        'held = [open("/dev/null") for n in range(@AMOUNT@)]',
    ),
    (
        "lines-without-end",
        "a billion lines are printed",
        ("10**9", "10"),
        "timed_out",
        "processor time",
        'for n in range(@AMOUNT@): print("x" * 100)',
    ),
    (
        "raw-output",
        "descriptors 1 and 2 are flooded",
        ("10**9", "10"),
        "timed_out",
        "processor time",
        'for n in range(@AMOUNT@): os.write(1, b"x" * 10**4); os.write(2, b"x" * 10**4)',
    ),
):
    attack(f"fills-{name}", 11, what, code=FILLS % body, tokens={"AMOUNT": amounts}, expect=expect, says=says,
           plain="took" if len(amounts) == 3 else "")  # fmt: skip
