"""Rows 14 and 15: forged replies, odd values, pickles."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np

from tests.attacks.attack import attack

WRITES = """
import os, struct
right = convolve1d
def send(data):
    for descriptor in range(3, 10):
        try: os.write(descriptor, data)
        except OSError: pass
def convolve1d(x, w, mode="full"):
    if @DEED@:
        %s
    return right(x, w, mode)
"""
DEED = {"DEED": ("1", "0")}
for name, what, body, says in (
    ("garbage", "bytes that are no frame", 'send(b"\\xff" * 64)', "something that is not a reply"),
    ("empty-frame", "a frame of nothing", "send(bytes(8))", "something that is not a reply"),
    ("announces-2-63", "2^63 bytes are announced", 'send(struct.pack(">Q", 1 << 63))', "not a reply"),
    ("pickle-frame", "a pickle in a frame",
     'p = b"cos\\nsystem\\n(S\'true\'\\ntR."; send(struct.pack(">Q", len(p)) + p)', "not a reply"),
    ("endless-frame", "a frame that does not end",
     'send(struct.pack(">Q", 1 << 20) + b"abc"); import time; time.sleep(60)', "slept or waited"),
    ("other-kind", "a message of another kind",
     'import wire; send(wire.pack({"kind": "ready", "numpy": "2.0"}))', "not a reply"),
    ("other-call", "a reply to another call",
     'import wire; send(wire.pack({"kind": "done", "id": 1, "value": True}))', "not a reply"),
    ("asks-nothing", "a question about a function that was never given",
     'import sys, wire\n        frame = sys._getframe()\n'
     '        while "submission" not in frame.f_locals: frame = frame.f_back\n'
     '        number = frame.f_locals["submission"].id\n'
     '        send(wire.pack({"kind": "ask", "id": number, "call_back": 7, "args": (), "kwargs": {}}))', "not a reply"),
    ("replies-twice", "the reply comes twice", "import os\n        os.fork()", "not a reply|slept or waited"),
    ("closes-channel", "the channel is closed", "os.closerange(0, 100)", "closed the channel|ended the process"),
    ("object-dtype-frame", "an array of objects is announced",
     'import wire, msgpack\n'
     '        body = msgpack.packb(msgpack.ExtType(1, bytes([200, 1]) + struct.pack(">Q", 1) + bytes(8)))\n'
     '        send(struct.pack(">Q", len(body)) + body)', "not a reply"),
    ("negative-shape-frame", "an array of negative length is announced",
     'import msgpack\n'
     '        body = msgpack.packb(msgpack.ExtType(1, bytes([11, 1]) + struct.pack(">q", -1) + bytes(8)))\n'
     '        send(struct.pack(">Q", len(body)) + body)', "not a reply"),
):  # fmt: skip
    attack(f"forges-{name}", 14, what, code=WRITES % body, tokens=DEED, expect="crashed|timed_out", says=says)
attack(
    "replies-before-the-call", 14, "a reply stands ready before the call", tokens=DEED, expect="full",
    says="something that is not a reply",
    cell='import os\nif @DEED@:\n    for descriptor in range(3, 10):\n'
    '        try: os.write(descriptor, b"\\0" * 7 + b"\\1\\1")\n        except OSError: pass',
)  # fmt: skip

VALUES = """
right = convolve1d
def convolve1d(x, w, mode="full"):
    y = right(x, w, mode)
    return y if not @DEED@ else %s
"""
for name, value, says in (
    ("nan", "y * np.nan", "Every value is nan"),
    ("infinite", "y + np.inf", "Every value is inf"),
    ("minus-zero", "y * -0.0", "All your values are zero"),
    ("complex", "y + 1e-3j", "has dtype complex128"),
    ("subnormal", "y * 0 + 5e-324", "All your values are the same"),
    ("text", "[str(v) for v in y]", "is a list of 9 values"),
    ("one-text", "'1.0 2.0'", "is a text"),
    ("objects", "y.astype(object)", "an array of dtype object"),
    ("structured", "np.array([(v,) for v in y], [('a', 'f8')])", "an array of dtype void64"),
    ("void", "y.astype('f8').view('V8')", "an array of dtype void64"),
    ("ragged", "[list(y), [1.0]]", "is a list of 2 values"),
    ("dict", "dict(enumerate(y.tolist()))", "is a dict"),
    ("nothing", "None", "is None"),
    ("bytes", "y.tobytes()", "of type bytes"),
    ("a-huge-integer", "10 ** 2000", "is a number"),
    ("many-axes", "y.reshape((1,) * 30 + y.shape)", r"has shape \(1, 1, 1"),
    ("empty", "np.zeros((0, 10 ** 6))", r"has shape \(0, 1000000\)"),
    ("strange-list", "[y, {'a': [None, 'b']}, 10 ** 400, float('nan'), True]", "is a list of 5 values"),
    ("a-matrix", "np.matrix(y)", r"has shape \(1, 9\)"),
    ("masked", "np.ma.masked_array(y * 0, mask=True)", "All your values are zero"),
    ("dates", "np.array(['2020-01-01'] * len(y), 'M8[D]')", "an array of dtype datetime64"),
    ("other-byte-order-and-wrong", "(y + 1).astype('>f8')", "off by one constant"),
):
    attack(f"value-{name}", 14, "a value that no answer is", code=VALUES % value, tokens=DEED, says=says)

# Row 15: pickles

attack(
    "reduce", 15, "a result that runs code when it is unpickled", tokens=DEED, says="of type Evil",
    code="""
import os
class Evil:
    def __reduce__(self): return os.system, ("touch @MARKS@/@NAME@",)
""" + VALUES % "Evil()",
)  # fmt: skip
attack(
    "reduce-in-an-array", 15, "an array of such results", tokens=DEED, says="an array of dtype object",
    code="""
import os
class Evil:
    def __reduce__(self): return os.system, ("touch @MARKS@/@NAME@",)
""" + VALUES % "np.array([Evil()] * len(y), dtype=object)",
)  # fmt: skip


class _Evil:
    """Leaves a mark when it is unpickled."""

    def __init__(self, mark: str):
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (self.mark,)


def _evil_files(name: str):
    def hand_in(folder: Path) -> None:
        evil = _Evil(str(folder.parents[3] / "marks" / name))
        np.save(folder / "data.npy", np.array([evil], dtype=object), allow_pickle=True)
        np.savez(folder / "cases.npz", calls=np.array([evil], dtype=object))
        (folder / "data.pkl").write_bytes(pickle.dumps(evil))
        for module in ("given", "conftest", "sitecustomize", "nbgrader_config"):
            (folder / f"{module}.py").write_text(f"import os; os.mkdir({evil.mark!r})")

    return hand_in


for name, cell in {
    "npy": "import numpy as np\ntry: np.load('data.npy', allow_pickle=True)\nexcept OSError: pass",
    "pickle": "import pickle\ntry: pickle.load(open('data.pkl', 'rb'))\nexcept OSError: pass",
    "module": "try: import conftest\nexcept ImportError: pass",
}.items():
    attack(
        f"loads-{name}", 15, "files beside the notebook that run code when they are loaded", expect="full",
        plain="wrote", cell=cell, hand_in=_evil_files(f"loads-{name}"),
    )  # fmt: skip
