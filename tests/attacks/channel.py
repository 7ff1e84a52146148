"""Rows 14 and 15: forged replies, odd values, pickles."""

from __future__ import annotations

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
    ("pickle-frame", "a pickle in a frame", 'p = b"cos\\nsystem\\n(S\'true\'\\ntR."; send(struct.pack(">Q", len(p)) + p)',
     "not a reply"),
    ("endless-frame", "a frame that does not end", 'send(struct.pack(">Q", 1 << 20) + b"abc"); import time; time.sleep(60)',
     "slept or waited"),
    ("other-kind", "a message of another kind",
     'import wire; send(wire.pack({"kind": "ready", "numpy": "2.0"}))', "not a reply"),
    ("other-call", "a reply to another call",
     'import wire; send(wire.pack({"kind": "done", "id": 1, "value": True}))', "not a reply"),
    ("asks-nothing", "a question about a function that was never given",
     'import wire, worker\n        import gc\n        s = [o for o in gc.get_objects() if type(o).__name__ == "Submission"][0]\n'
     '        send(wire.pack({"kind": "ask", "id": s.id, "call_back": 7, "args": (), "kwargs": {}}))', "not a reply"),
    ("replies-twice", "the reply comes twice", "import os\n        os.fork()", "not a reply|slept or waited"),
    ("closes-channel", "the channel is closed", "os.closerange(0, 100)", "closed the channel|ended the process"),
    ("object-dtype-frame", "an array of objects is announced",
     'import wire, msgpack\n        body = msgpack.packb(msgpack.ExtType(1, bytes([200, 1]) + struct.pack(">Q", 1) + bytes(8)))\n'
     '        send(struct.pack(">Q", len(body)) + body)', "not a reply"),
    ("negative-shape-frame", "an array of negative length is announced",
     'import msgpack\n        body = msgpack.packb(msgpack.ExtType(1, bytes([11, 1]) + struct.pack(">q", -1) + bytes(8)))\n'
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
for name, value in {
    "nan": "y * np.nan",
    "infinite": "y + np.inf",
    "minus-zero": "y * -0.0",
    "complex": "y + 1e-3j",
    "subnormal": "y * 0 + 5e-324",
    "text": "[str(v) for v in y]",
    "one-text": "'1.0 2.0'",
    "objects": "y.astype(object)",
    "structured": "np.array([(v,) for v in y], [('a', 'f8')])",
    "void": "y.astype('f8').view('V8')",
    "ragged": "[list(y), [1.0]]",
    "dict": "dict(enumerate(y.tolist()))",
    "nothing": "None",
    "bytes": "y.tobytes()",
    "a-huge-integer": "10 ** 2000",
    "many-axes": "y.reshape((1,) * 30 + y.shape)",
    "empty": "np.zeros((0, 10 ** 6))",
    "strange-list": "[y, {'a': [None, 'b']}, 10 ** 400, float('nan'), True]",
    "a-matrix": "np.matrix(y)",
    "masked": "np.ma.masked_array(y * 0, mask=True)",
    "dates": "np.array(['2020-01-01'] * len(y), 'M8[D]')",
    "other-byte-order-and-wrong": "(y + 1).astype('>f8')",
}.items():
    attack(f"value-{name}", 14, "a value that no answer is", code=VALUES % value, tokens=DEED)

# Row 15: pickles

attack(
    "reduce", 15, "a result that runs code when it is unpickled", tokens=DEED,
    code="""
import os
class Evil:
    def __reduce__(self): return os.system, ("touch @MARKS@/@NAME@",)
""" + VALUES % "Evil()",
)  # fmt: skip
attack(
    "reduce-in-an-array", 15, "an array of such results", tokens=DEED,
    code="""
import os
class Evil:
    def __reduce__(self): return os.system, ("touch @MARKS@/@NAME@",)
""" + VALUES % "np.array([Evil()] * len(y), dtype=object)",
)  # fmt: skip
attack(
    "npy-with-objects", 15, "files beside the notebook that run code when they are loaded", expect="full",
    hand_in=lambda folder: _evil_files(folder),
)  # fmt: skip


def _evil_files(folder) -> None:
    import os
    import pickle

    import numpy as np

    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(folder / "evil"),)

    np.save(folder / "data.npy", np.array([Evil()], dtype=object), allow_pickle=True)
    np.savez(folder / "cases.npz", calls=np.array([Evil()], dtype=object))
    (folder / "given.pkl").write_bytes(pickle.dumps(Evil()))
    (folder / "given.py").write_text(f"import os; os.mkdir({str(folder / 'evil')!r})")
    (folder / "conftest.py").write_text(f"import os; os.mkdir({str(folder / 'evil')!r})")
    (folder / "sitecustomize.py").write_text(f"import os; os.mkdir({str(folder / 'evil')!r})")
    (folder / "nbgrader_config.py").write_text(f"import os; os.mkdir({str(folder / 'evil')!r})")
