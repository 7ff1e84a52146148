"""Random and mutated input for what reads a student's bytes: the wire's decoder and the notebook reader.

    python -m tests.fuzz [--frames 1000000] [--notebooks 20000]

Every input must be read or refused with a sentence, within a second and without memory growing. The branches of
the decoder that were taken are counted on a part of the run (tracing is slow); tests/test_fuzz.py is a short run.
"""

from __future__ import annotations

import argparse
import dis
import json
import random
import resource
import struct
import sys
import time
import types
from collections.abc import Callable, Iterator

import msgpack
import numpy as np

from autograder.nbgrader_plugin.reading import parse_notebook
from autograder.reading import Unreadable
from autograder.sandbox import wire
from autograder.sandbox.wire import WireError

SLOWEST = 1.0  # seconds that one input may take


class Found(AssertionError):
    """An input that was neither read nor refused."""


def valid_frames() -> list[bytes]:
    """A frame of every kind, with values of every type."""
    values = [
        None, True, 0, -1, 2**63, 10**30, -(10**30), 1.5, float("nan"), "text", "∂" * 40, "a" * 300, [], (), {},
        [1, (2.0, [None])], {"a": 1, 2: [3], None: ()}, np.float32(2), np.arange(6.0).reshape(2, 3),
        np.zeros((0, 3), np.int8), np.ones((2, 2), bool), np.array(1j), wire.Handle(1), wire.GeneratorRef(1, 7),
        wire.CallBack(0), wire.Unsupported("set"), [0] * 20, list(range(70_000, 70_020)), [-200, -70_000, -(2**40)],
    ]  # fmt: skip
    raised = {"type_name": "E", "message": "m", "line": 3, "line_text": "x", "cell": "cell 1"}
    messages = [{"kind": "done", "id": 1, "value": value} for value in values]
    messages += [
        {"kind": "reply", "id": 2, "value": values, "changed": ["x"], "printed": "p", "warnings": ["w"],
         "exception": exception, "lines": lines}
        for exception, lines in ((None, 3), (raised, None))
    ]  # fmt: skip
    messages += [
        {"kind": "ready", "numpy": "2.0"}, {"kind": "at", "id": 1, "statement": 0},
        {"kind": "ask", "id": 1, "call_back": 0, "args": (1.0,), "kwargs": {"a": 2}},
    ]  # fmt: skip
    return [wire.pack(message)[wire.PREFIX.size :] for message in messages]


def raw_value(chance: random.Random, depth: int = 0) -> bytes:
    """Sound msgpack that may or may not be one of our values."""
    match chance.randrange(7 if depth < 5 else 4):
        case 0:
            return msgpack.packb(chance.choice((None, True, 0, -5, 2**40, 1.5, "text", "k")))
        case 1:
            return chance.choice((b"\x90", b"\x80", b"\xc4\x01a", b"\xc1", b"\xa2\xff\xfe", b"\xd6\xff\0\0\0\0", b"\xca\0\0\0\0"))
        case 2:  # a number's or a name's own extension, of any length
            code, length = chance.choice((3, 4, 5, 6, 7, 99)), chance.choice((0, 1, 8, 16, 40, 1024, 1025))
            return msgpack.packb(msgpack.ExtType(code, chance.choice((b"\x01", b"\xff", b"a")) * length))
        case 3:  # an array, whose data may fit
            shape = [chance.choice((0, 1, 2, 3, 3, 2**20, 2**63)) for _ in range(chance.choice((0, 0, 1, 2, 33)))]
            code = chance.choice((*range(len(wire.DTYPES)), 0, 0, 200))
            size = wire.DTYPES[code % len(wire.DTYPES)].itemsize
            for length in shape:
                size = min(size * length, 500)
            data = chance.choice((bytes, chance.randbytes))(max(0, size + chance.choice((0, 0, 0, 0, 1, -1))))
            head = bytes([code, len(shape)]) + b"".join(struct.pack(">Q", n) for n in shape)
            return msgpack.packb(msgpack.ExtType(chance.choice((1, 1, 2)), (head + data)[chance.choice((0,) * 9 + (9,)) :]))
        case 4:  # a dict, whose keys may be what no key is
            keys = [raw_value(chance, 4) if chance.random() < 0.3 else msgpack.packb(chance.choice("abcdef")) for _ in range(2)]
            return bytes([0x95, 2]) + b"".join(key + raw_value(chance, depth + 1) for key in keys)
        case _:
            entries = [raw_value(chance, depth + 1) for _ in range(chance.randrange(5))]
            return bytes([0x91 + len(entries), chance.choice((0, 0, 1, 1, 2, 9))]) + b"".join(entries)


def mutated(valid: list[bytes], chance: random.Random) -> bytes:
    """A frame that differs from a valid one in a few places, or is put together of several, or is random."""
    if chance.random() < 0.4:
        return b"\x97\x02\xa4kind\xa4done\xa2id\x01\xa5value" + raw_value(chance)
    body = bytearray(chance.choice(valid))
    for _ in range(chance.choice((1, 1, 2, 3, 8))):
        at = chance.randrange(len(body) + 1)
        match chance.randrange(9):
            case 0:
                body[at : at + 1] = bytes([chance.randrange(256)])
            case 1:
                del body[at : at + chance.randrange(1, 20)]
            case 2:
                body[at:at] = chance.randbytes(chance.randrange(1, 20))
            case 3:  # a header that announces much
                code = chance.choice((0xDC, 0xDD, 0xDA, 0xDB, 0xC8, 0xC9, 0xD9, 0xC7, 0xDF, 0xC6))
                body[at:at] = bytes([code]) + struct.pack(">I", chance.choice((0, 1, 255, 65_536, 2**32 - 1)))
            case 4:  # an array of any header
                shape = [chance.choice((0, 1, 2, 3, 2**31, 2**63, 2**64 - 1)) for _ in range(chance.randrange(40))]
                head = bytes([chance.randrange(20), chance.choice((len(shape), 33, 255))])
                data = head + b"".join(struct.pack(">Q", n) for n in shape) + chance.randbytes(chance.randrange(40))
                body[at:at] = msgpack.packb(msgpack.ExtType(chance.randrange(9), data))
            case 5:
                other = chance.choice(valid)
                body[at:] = other[chance.randrange(len(other)) :]
            case 6:
                body[at:at] = b"\x92\x00" * chance.choice((1, 30, 40, 200))
            case 7 if body:
                body[at % len(body)] ^= 1 << chance.randrange(8)
            case _:
                piece = body[at : at + chance.randrange(1, 30)]
                body[at:at] = piece * chance.randrange(1, 4)
    return bytes(body) if chance.random() < 0.98 else chance.randbytes(chance.randrange(64))


NOTEBOOK = {
    "cells": [
        {"cell_type": "code", "id": "a", "metadata": {"nbgrader": {"grade_id": "x", "points": 3}, "tags": ["t"]},
         "outputs": [{"output_type": "stream", "name": "stdout", "text": ["a"]}], "source": ["x = 1\n", "x"]},
        {"cell_type": "markdown", "id": "b", "metadata": {}, "source": "text", "attachments": {"p": {"image/png": "AA"}}},
    ],
    "metadata": {"kernelspec": {"name": "python3"}}, "nbformat": 4, "nbformat_minor": 5,
}  # fmt: skip
_ODD = (None, True, -1, 10**30, 1.5, "", "text", [], {}, [[]], {"a": []}, ["a", 1], "\ud800", float("nan"))


def mutated_notebook(chance: random.Random) -> bytes:
    """A notebook with other types in some places, then perhaps other bytes."""
    data = json.loads(json.dumps(NOTEBOOK))
    for _ in range(chance.randrange(4)):
        places = list(_places(data))
        holder, key = chance.choice(places)
        if chance.random() < 0.2:
            del holder[key]
        else:
            holder[key] = json.loads(json.dumps(chance.choice(_ODD)))
        if not isinstance(data, dict) or not data:
            break
    body = bytearray(json.dumps(data).encode(chance.choice(("utf-8", "utf-8", "utf-8", "utf-16"))))
    for _ in range(chance.choice((0, 0, 0, 1, 3))):
        at = chance.randrange(len(body) + 1)
        match chance.randrange(4):
            case 0:
                body[at:at] = chance.randbytes(chance.randrange(9))
            case 1:
                del body[at:]
            case 2:
                body[at:at] = chance.choice((b"[" * 5000, b"9" * 5000, b"\0", b"\xff", b'"', b"NaN", b"\\ud800"))
            case _:
                del body[at : at + chance.randrange(30)]
    return bytes(body)


def _places(value: object) -> Iterator[tuple]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, entry in list(pairs):
        yield value, key
        yield from _places(entry)


def fuzz(read: Callable[[bytes], object], make: Callable[[], bytes], refusal: type[Exception], count: int) -> dict:
    """Read `count` inputs; how many were refused, the slowest, and how much memory grew (bytes)."""
    refused, slowest = 0, 0.0
    start = 0
    for number in range(count):
        if number == count // 10:
            start = _memory()
        data = make()
        began = time.perf_counter()
        try:
            read(data)
        except refusal as error:
            refused += 1
            if not str(error):
                raise Found(f"refused without a sentence: {data!r}") from None
        except Exception as error:
            raise Found(f"{type(error).__name__}: {error} at {data[:500]!r}") from error
        slowest = max(slowest, time.perf_counter() - began)
    if slowest > SLOWEST:
        raise Found(f"an input took {slowest:.1f} s")
    return {"inputs": count, "refused": refused, "slowest": slowest, "grown": max(0, _memory() - start)}


def _memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


class Branches:
    """Which ways the decoder's conditional jumps went, by bytecode; both ways of each are to be taken."""

    def __init__(self, functions: list[Callable]):
        self.possible, self.taken, self._jumps = set(), set(), {}
        for code in {code for function in functions for code in _codes(function.__code__)}:
            instructions = list(dis.get_instructions(code))
            jumps = {}
            for here, after in zip(instructions, instructions[1:], strict=False):
                if "JUMP" in here.opname and "IF" in here.opname or here.opname == "FOR_ITER":
                    jumps[here.offset] = (here.argval, after.offset)
                    self.possible |= {(code, here.offset, here.argval), (code, here.offset, after.offset)}
            self._jumps[code] = jumps

    def __enter__(self) -> Branches:
        sys.settrace(self._trace)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(None)

    def _trace(self, frame: types.FrameType, event: str, argument: object) -> Callable | None:
        jumps = self._jumps.get(frame.f_code)
        if jumps is None:
            return None
        frame.f_trace_opcodes = True
        last = [-1]

        def each(frame: types.FrameType, event: str, argument: object) -> Callable:
            if event == "opcode":
                if last[0] in jumps and frame.f_lasti in jumps[last[0]]:
                    self.taken.add((frame.f_code, last[0], frame.f_lasti))
                last[0] = frame.f_lasti
            return each

        return each

    @property
    def missed(self) -> list[str]:
        lines = {}
        for code, offset, _ in self.possible - self.taken:
            starts = [line for start, end, line in code.co_lines() if start <= offset < end]
            lines[f"{code.co_name}:{starts[0] if starts else '?'}"] = None
        return sorted(lines)


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _codes(constant)


DECODER = [
    wire.unpack, wire._inspect, wire._check_code, wire._check_fields, wire._decode, wire._extension,
    wire._read_array, wire._read_scalar, wire._read_big_int, wire._read_name, wire._fields,
]  # fmt: skip


def fuzz_frames(count: int, seed: int = 0) -> dict:
    valid, chance = valid_frames(), random.Random(seed)
    for body in valid:
        wire.unpack(body)
    return fuzz(wire.unpack, lambda: mutated(valid, chance), WireError, count)


def fuzz_notebooks(count: int, seed: int = 0) -> dict:
    chance = random.Random(seed)
    return fuzz(lambda data: parse_notebook(data, "n.ipynb"), lambda: mutated_notebook(chance), Unreadable, count)


def branches(count: int, seed: int = 0) -> Branches:
    """The decoder's branches that valid and mutated frames take."""
    with Branches(DECODER) as seen:
        for body in valid_frames():
            wire.unpack(body)
        fuzz_frames(count, seed)
    return seen


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--frames", type=int, default=1_000_000)
    parser.add_argument("--notebooks", type=int, default=20_000)
    parser.add_argument("--traced", type=int, default=20_000)
    options = parser.parse_args()
    for name, result in (
        ("frames", fuzz_frames(options.frames)),
        ("notebooks", fuzz_notebooks(options.notebooks)),
    ):
        print(
            f"{result['inputs']} {name}: {result['refused']} refused, the slowest took {result['slowest']:.3f} s, "
            f"memory grew by {result['grown'] >> 20} MiB"
        )
    seen = branches(options.traced)
    print(f"branches of the decoder: {len(seen.taken & seen.possible)} of {len(seen.possible)}; not taken both ways:")
    print("  " + ", ".join(seen.missed))


if __name__ == "__main__":
    main()
