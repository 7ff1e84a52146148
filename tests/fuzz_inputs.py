"""Inputs for tests/fuzz.py: frames and notebooks, valid ones, mutated ones and random ones."""

from __future__ import annotations

import json
import random
import struct
from collections.abc import Iterator

import msgpack
import numpy as np

from autograder.sandbox import wire

_VALUES = [
    *(None, True, 0, -1, 2**63, 10**30, -(10**30), -200, -70_000, -(2**40), 1.5, float("nan")),
    *("text", "∂" * 40, "a" * 300, [], (), {}, [1, (2.0, [None])], {"a": 1, 2: [3], None: ()}),
    *([0] * 20, list(range(70_000, 70_020)), "b" * 70_000, [None] * 70_000),
    *(np.float32(2), np.arange(6.0).reshape(2, 3), np.zeros((0, 3), np.int8), np.ones((2, 2), bool), np.array(1j)),
    *(wire.Handle(1), wire.GeneratorRef(1, 7), wire.CallBack(0), wire.Unsupported("set")),
]
_RAISED = {"type_name": "E", "message": "m", "line": 3, "line_text": "x", "cell": "cell 1"}
_REPLY = {"kind": "reply", "id": 2, "value": 1.0, "changed": ["x"], "printed": "p", "warnings": ["w"]}


def valid_frames() -> list[bytes]:
    """Frames of every kind that a sandbox sends, with values of every type, and one that it never sends."""
    messages: list[dict] = [{"kind": "done", "id": 1, "value": value} for value in _VALUES]
    messages += [{**_REPLY, "value": value, "exception": None, "lines": 3} for value in (_VALUES[:22], 2.0)]
    messages += [
        {**_REPLY, "exception": _RAISED, "lines": None},
        {"kind": "ready", "numpy": "2.0"},
        {"kind": "at", "id": 1, "statement": 0},
        {"kind": "ask", "id": 1, "call_back": 0, "args": (1.0,), "kwargs": {"a": 2}},
        {"kind": "defines", "id": 1, "name": "f"},
    ]
    return [wire.pack(message) for message in messages]


def frame(chance: random.Random, valid: list[bytes]) -> bytes:
    """A frame with its length in front, which now and then is another."""
    body = _body(chance, valid)
    length = len(body)
    if chance.random() < 0.02:
        length = chance.choice((0, 1, length + 1, 1 << 40, (1 << 64) - 1))
    return wire.PREFIX.pack(length) + body


def _body(chance: random.Random, valid: list[bytes]) -> bytes:
    kind = chance.random()
    if kind < 0.4:
        return b"\x97\x02\xa4kind\xa4done\xa2id\x01\xa5value" + _raw_value(chance)
    if kind < 0.45:
        return _reply_with_odd_fields(chance)
    if kind < 0.47:
        return chance.randbytes(chance.randrange(64))
    if kind < 0.4705:  # more entries than a message may have, and all of them there
        return (b"\x92\x00" * 2 + b"\xdd" + struct.pack(">I", 450_000)) * 2 + bytes(900_000)
    return mutated(chance, chance.choice(valid)[wire.PREFIX.size :], chance.choice(valid))


def mutated(chance: random.Random, valid: bytes, other: bytes) -> bytes:
    """A valid body that is changed in a few places, or put together with another."""
    body = bytearray(valid)
    for _ in range(chance.choice((1, 1, 2, 3, 8))):
        # Most of what decides stands at the beginning.
        at = chance.randrange(min(len(body), chance.choice((60, 1 << 20))) + 1)
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
                data = head + _lengths(shape) + chance.randbytes(chance.randrange(40))
                body[at:at] = msgpack.packb(msgpack.ExtType(chance.randrange(9), data))
            case 5:
                body[at:] = other[chance.randrange(len(other)) :]
            case 6:
                body[at:at] = b"\x92\x00" * chance.choice((1, 30, 40, 200))
            case 7 if body:
                body[at % len(body)] ^= 1 << chance.randrange(8)
            case _:
                body[at:at] = body[at : at + chance.randrange(1, 30)] * chance.randrange(1, 4)
    return bytes(body)


def _reply_with_odd_fields(chance: random.Random) -> bytes:
    odd = (None, 1, "x", [1], ["x"], {}, {"type_name": 1}, (), True)
    message: dict = {**_REPLY, "exception": chance.choice((None, {**_RAISED, "line": "3"}, {"type_name": "E"}))}
    message["lines"] = chance.choice((None, 3))
    message[chance.choice(list(message))] = chance.choice(odd)
    return wire.pack(message)[wire.PREFIX.size :]


def _raw_value(chance: random.Random, depth: int = 0) -> bytes:
    """Sound msgpack that may or may not be one of our values."""
    match chance.randrange(7 if depth < 5 else 4):
        case 0:
            return msgpack.packb(chance.choice((None, True, 0, -5, 2**40, 1.5, "text", "k")))
        case 1:
            codes = (b"\x90", b"\x80", b"\xc4\x01a", b"\xc1", b"\xa2\xff\xfe", b"\xd6\xff\0\0\0\0", b"\xca\0\0\0\0")
            return chance.choice((*codes, b"\xd6\x04\0\0\0\0", b"\xdd\xff\xff\xff\xff", b"\xdc\0", b"\x91\xa1a"))
        case 2:  # a number's or a name's own extension, of any length
            code, length = chance.choice((3, 4, 5, 6, 7, 99)), chance.choice((0, 1, 8, 16, 40, 1024, 1025))
            return msgpack.packb(msgpack.ExtType(code, chance.choice((b"\x01", b"\xff", b"a")) * length))
        case 3:
            return _raw_array(chance)
        case 4:  # a dict, whose keys may be what no key is
            odd = [chance.random() < 0.3 for _ in range(2)]
            keys = [_raw_value(chance, 4) if o else msgpack.packb(chance.choice("abcdef")) for o in odd]
            return bytes([0x95, 2]) + b"".join(key + _raw_value(chance, depth + 1) for key in keys)
        case _:
            entries = [_raw_value(chance, depth + 1) for _ in range(chance.randrange(5))]
            return bytes([0x91 + len(entries), chance.choice((0, 0, 1, 1, 2, 9))]) + b"".join(entries)


def _raw_array(chance: random.Random) -> bytes:
    """An array, or a NumPy number, whose data may fit."""
    shape = [chance.choice((0, 1, 2, 3, 3, 2**20, 2**63)) for _ in range(chance.choice((0, 0, 1, 2, 33)))]
    code = chance.choice((*range(len(wire.DTYPES)), 0, 0, 200))
    size = wire.DTYPES[code % len(wire.DTYPES)].itemsize
    for length in shape:
        size = min(size * length, 500)
    data = chance.choice((bytes, chance.randbytes))(max(0, size + chance.choice((0, 0, 0, 0, 1, -1))))
    payload = bytes([code, len(shape)]) + _lengths(shape) + data
    if chance.random() < 0.1:
        payload = payload[: chance.randrange(12)]
    return msgpack.packb(msgpack.ExtType(chance.choice((1, 1, 2)), payload))


def _lengths(shape: list[int]) -> bytes:
    return b"".join(struct.pack(">Q", length) for length in shape)


# Notebooks

_CODE = {
    "cell_type": "code",
    "id": "a",
    "metadata": {"nbgrader": {"grade_id": "convolve1d", "points": 3}, "tags": ["t"]},
    "outputs": [{"output_type": "stream", "name": "stdout", "text": ["a"]}],
    "source": ["%matplotlib inline\n", "x = !ls\n", "def convolve1d(x, w):\n", "    return x"],
}
_TEXT = {
    "cell_type": "markdown",
    "id": "b",
    "metadata": {},
    "source": "text",
    "attachments": {"p": {"image/png": "AA"}},
}
_NOTEBOOK = {
    "cells": [_CODE, _TEXT, {**_CODE, "id": "c", "source": "%%time\nx = 1\nx?"}],
    "metadata": {"kernelspec": {"name": "python3"}},
    "nbformat": 4,
    "nbformat_minor": 5,
}
_OLD = {
    "worksheets": [{"cells": [{"cell_type": "code", "input": ["x = 1"], "outputs": [], "language": "python"}]}],
    "metadata": {"name": "old"},
    "nbformat": 3,
    "nbformat_minor": 0,
}
_ODD = (None, True, -1, 3, 10**30, 1.5, "", "text", [], {}, [[]], {"a": []}, ["a", 1], "\ud800", float("nan"))


def notebook(chance: random.Random) -> bytes:
    """A notebook with other types in some places, then perhaps with other bytes."""
    data = json.loads(json.dumps(chance.choice((_NOTEBOOK, _NOTEBOOK, _NOTEBOOK, _OLD))))
    for _ in range(chance.randrange(4)):
        places = list(_places(data))
        if not places:
            break
        holder, key = chance.choice(places)
        if chance.random() < 0.2:
            del holder[key]
        else:
            holder[key] = json.loads(json.dumps(chance.choice(_ODD)))
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
