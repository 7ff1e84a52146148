"""The wire format: values come back as they were, and nothing that breaks a bound is read."""

from __future__ import annotations

import contextlib
import math
import random
import struct
import tracemalloc

import msgpack
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.sandbox import wire
from autograder.sandbox.wire import Handle, Unsupported, WireError


def across(value, **options):
    frame = wire.pack({"kind": "done", "id": 1, "value": value}, **options)
    length = wire.announced(frame[: wire.PREFIX.size])
    assert length == len(frame) - wire.PREFIX.size
    return wire.unpack(frame[wire.PREFIX.size :])["value"]


def same(a, b) -> bool:
    """Equal in type, dtype, shape and bits."""
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray | np.generic):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, float):
        return struct.pack("d", a) == struct.pack("d", b)
    return a == b


VALUES = [
    None,
    True,
    False,
    0,
    1,
    -1,
    2**63,
    -(2**63),
    2**64,
    10**100,
    -(10**100),
    0.0,
    -0.0,
    math.inf,
    -math.inf,
    math.nan,
    5e-324,
    "",
    "naïve ∂x",
    [],
    (),
    {},
    [1, (2, [3.0, "four"]), {"a": None, 1: (True,), None: 2}],
    np.float64(1.5),
    np.float32(-0.0),
    np.int8(-3),
    np.bool_(True),
    np.array(2.0),
    np.zeros((0, 3)),
    np.array([math.nan, math.inf, -0.0, 5e-324]),
    np.arange(6, dtype=np.float32).reshape(2, 3),
    np.array([1 + 2j]),
    Handle(7),
    Unsupported("set"),
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_value_comes_back_as_it_was(value):
    assert same(across(value), value)


@pytest.mark.parametrize("dtype", wire.DTYPES, ids=str)
def test_every_dtype_comes_back(dtype):
    value = np.array([[0, 1, 1], [1, 0, 1]]).astype(dtype)
    assert same(across(value), value)


def test_arrays_arrive_writable_contiguous_and_in_native_order():
    array = np.arange(24.0).reshape(2, 3, 4)
    for sent in (array.T, array[:, ::-2], array[..., 1], np.asfortranarray(array), array.astype(">f8")):
        came = across(sent)
        assert came.flags.c_contiguous
        assert came.flags.writeable
        assert came.flags.owndata or came.base.flags.owndata
        assert came.dtype == np.float64
        assert np.array_equal(came, sent)


def test_subclasses_arrive_as_what_they_are_made_of():
    class Sly(np.ndarray):
        def __eq__(self, other):
            return True

    class Text(str):
        pass

    assert type(across(np.arange(3.0).view(Sly))) is np.ndarray
    assert type(across(Text("a"))) is str


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ({1, 2}, "set"),
        (object(), "object"),
        (1j, "complex"),
        (b"ab", "bytes"),
        (len, "builtin_function_or_method"),
        (np.array([None]), "an array of dtype object"),
        (np.array(["a"]), "an array of dtype str"),
        (np.zeros(2, "V8"), "an array of dtype void"),
        (np.zeros(2, [("a", "f8")]), "an array of dtype void"),
        (np.zeros(1, np.longdouble), "an array of dtype"),
        ({(1, 2): 3}, "a dict with keys of type tuple"),
        (1 << 10**5, "an integer of thousands of digits"),
    ],
    ids=lambda value: str(type(value)),
)
def test_what_cannot_cross_is_named_or_refused(value, name):
    came = across([value], unsupported=True)[0]
    assert isinstance(came, Unsupported)
    assert came.type_name.startswith(name)
    with pytest.raises(WireError):
        across([value])


def test_nesting_size_and_number_of_entries_are_bounded_when_sending():
    endless: list = []
    endless.append(endless)
    for value in (endless, [0] * (wire.MAX_ITEMS + 1), "a" * (wire.MAX_TEXT + 1)):
        with pytest.raises(WireError):
            across(value, unsupported=True)
    with pytest.raises(WireError, match="more than 1 MiB"):
        across(np.zeros(1 << 20), limit=1 << 20)


def test_a_length_is_refused_before_anything_is_read():
    with pytest.raises(WireError, match="announced"):
        wire.announced(wire.PREFIX.pack(2**63))
    with pytest.raises(WireError, match="announced"):
        wire.announced(wire.PREFIX.pack(1001), limit=1000)


def done(value: bytes) -> bytes:
    """A message whose value is raw msgpack."""
    head = msgpack.packb("kind") + msgpack.packb("done") + msgpack.packb("id") + b"\x01" + msgpack.packb("value")
    return b"\x97\x02" + head + value


def array(dtype: int, shape: tuple[int, ...], data: bytes) -> bytes:
    payload = bytes([dtype, len(shape)]) + b"".join(struct.pack(">Q", n) for n in shape) + data
    return msgpack.packb(msgpack.ExtType(1, payload))


FLOAT64 = wire.DTYPES.index(np.dtype(np.float64))
BOOL = wire.DTYPES.index(np.dtype(bool))
BAD = {
    "nothing": b"",
    "not msgpack": b"\xc1",
    "a number": b"\x01",
    "a map": b"\x81\xa1a\x01",
    "binary": done(b"\xc4\x01a"),
    "an untagged list": done(b"\x90"),
    "a list with an unknown tag": done(b"\x91\x09"),
    "a list with a tag of the wrong type": done(b"\x91\xa1a"),
    "a dict with an odd number of entries": done(b"\x92\x02\x01"),
    "a dict with a list as a key": done(b"\x93\x02\x91\x00\x01"),
    "a dict with a key twice": done(b"\x95\x02\x01\x01\x01\x01"),
    "something after the end": done(b"\x01") + b"\x01",
    "cut off": done(b"\xcb\x00"),
    "cut off in a header": done(b"\xdd\x00"),
    "2^32 - 1 entries announced": done(b"\xdd\xff\xff\xff\xff\x00"),
    "a text of 4 GiB announced": done(b"\xdb\xff\xff\xff\xffa"),
    "an extension of 4 GiB announced": done(b"\xc9\xff\xff\xff\xff\x01a"),
    "deep": done(b"\x92\x00" * 100_000 + b"\x01"),
    "many entries": done(b"\xdd" + struct.pack(">I", 10**6) + b"\x00" * 10**6),
    "text that is not UTF-8": done(b"\xa2\xff\xfe"),
    "an unknown extension": done(msgpack.packb(msgpack.ExtType(99, b"a"))),
    "a timestamp": done(b"\xd6\xff\0\0\0\0"),
    "a handle of the wrong length": done(msgpack.packb(msgpack.ExtType(4, b"a"))),
    "an empty integer": done(msgpack.packb(msgpack.ExtType(3, b""))),
    "a very long integer": done(msgpack.packb(msgpack.ExtType(3, b"\x01" * 5000))),
    "a type name that is not text": done(msgpack.packb(msgpack.ExtType(7, b"\xff"))),
    "an array without a header": done(msgpack.packb(msgpack.ExtType(1, b"\x00"))),
    "an array of unknown dtype": done(array(99, (1,), b"\0" * 8)),
    "an array with too little data": done(array(FLOAT64, (2,), b"\0" * 8)),
    "an array with too much data": done(array(FLOAT64, (1,), b"\0" * 16)),
    "an array with 33 axes": done(array(FLOAT64, (1,) * 33, b"\0" * 8)),
    "an array with a negative length": done(array(FLOAT64, (2**64 - 1,), b"\0" * 8)),
    "an empty array with a huge length": done(array(FLOAT64, (0, 2**63), b"")),
    "an array whose size overflows to 1": done(array(FLOAT64, (2**32, 2**32), b"\0" * 8)),
    "a boolean of value 2": done(array(BOOL, (1,), b"\x02")),
    "a NumPy number with a shape": done(
        msgpack.packb(msgpack.ExtType(2, bytes([FLOAT64, 1]) + struct.pack(">Q", 1) + b"\0" * 8))
    ),
    "no kind": msgpack.packb([2, "id", 1]),
    "an unknown kind": msgpack.packb([2, "kind", "pickle"]),
    "a kind that is a number": msgpack.packb([2, "kind", 1]),
    "a missing field": msgpack.packb([2, "kind", "done", "id", 1]),
    "one field too many": msgpack.packb([2, "kind", "forget", "id", 1, "more", 1]),
    "a field of the wrong type": msgpack.packb([2, "kind", "forget", "id", "1"]),
    "True in place of a number": msgpack.packb([2, "kind", "forget", "id", True]),
}


@pytest.mark.parametrize("body", BAD.values(), ids=BAD.keys())
def test_a_bad_frame_is_refused_with_a_sentence_and_costs_nothing(body):
    tracemalloc.start()
    try:
        with pytest.raises(WireError) as caught:
            wire.unpack(body)
        assert tracemalloc.get_traced_memory()[1] < 4 * len(body) + (1 << 20)
    finally:
        tracemalloc.stop()
    assert str(caught.value)


def test_nested_headers_cannot_reserve_memory_over_and_over():
    # Each level announces as many entries as there are bytes left: allowed alone, not together.
    body = b"".join(b"\xdd" + struct.pack(">I", 190_000) + b"\x00" for _ in range(30)) + b"\x00" * 200_000
    with pytest.raises(WireError):
        wire.unpack(done(body))


def test_only_the_expected_kinds_are_read():
    frame = wire.pack({"kind": "forget", "id": 1})[wire.PREFIX.size :]
    assert wire.unpack(frame, ("forget",))["id"] == 1
    with pytest.raises(WireError, match="kind"):
        wire.unpack(frame, ("reply", "ask"))


REPLY = {
    "kind": "reply",
    "id": 1,
    "value": (np.arange(3.0), [1, "a"], {"b": Handle(1)}),
    "changed": ["x"],
    "printed": "hello",
    "warnings": [],
    "exception": None,
    "lines": 3,
}


@pytest.mark.parametrize(
    "change",
    [
        {"changed": [1]},
        {"warnings": [None]},
        {"lines": "3"},
        {"exception": {"type_name": "E"}},
        {"printed": None},
    ],
    ids=str,
)
def test_the_fields_of_a_reply_are_checked(change):
    frame = wire.pack({**REPLY, **change})[wire.PREFIX.size :]
    with pytest.raises(WireError):
        wire.unpack(frame)


def test_mutated_frames_are_read_or_refused():
    valid = wire.pack(REPLY)[wire.PREFIX.size :]
    assert wire.unpack(valid)["changed"] == ["x"]
    chance = random.Random(0)
    for _ in range(10_000):
        body = bytearray(valid)
        for _ in range(chance.randrange(1, 4)):
            at = chance.randrange(len(body))
            match chance.randrange(3):
                case 0:
                    body[at] = chance.randrange(256)
                case 1:
                    del body[at : at + chance.randrange(1, 9)]
                case _:
                    body[at:at] = bytes(chance.randrange(256) for _ in range(chance.randrange(1, 9)))
            if not body:
                break
        with contextlib.suppress(WireError):
            wire.unpack(bytes(body))


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_random_bytes_are_read_or_refused(body):
    with contextlib.suppress(WireError):
        wire.unpack(body)


plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
nested = st.recursive(
    plain,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=20,
)


@settings(max_examples=200, deadline=None)
@given(nested)
def test_any_nesting_of_plain_values_comes_back(value):
    assert same(across(value), value)
