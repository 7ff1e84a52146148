"""What crosses between the grader and the sandbox: length-prefixed msgpack, checked on arrival, never pickle.

Imported on both sides, so it knows the standard library, NumPy and msgpack alone. A message is a dict with a
"kind"; `MESSAGES` lists the kinds and their fields. Every bound stands in the block below; what breaks one
raises WireError.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgpack
import numpy as np

# The bounds. MAX_FRAME is a default: a reply's is limits.reply_bytes.
MAX_FRAME = 256 << 20
MAX_DEPTH = 32
MAX_ITEMS = 200_000  # entries of all lists, tuples and dicts of a message together
MAX_TEXT = 1 << 20  # bytes of UTF-8
MAX_INT_BYTES = 1024  # of a Python integer beyond 64 bits
MAX_NDIM = 32
MAX_SIZE = 1 << 40  # product of an array's non-zero lengths
MAX_NAME = 200  # characters of a type's name
_NAMES = "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 complex64 complex128"
DTYPES = tuple(map(np.dtype, _NAMES.split()))
_DTYPE_CODES = {dtype: code for code, dtype in enumerate(DTYPES)}
_ITEM_BYTES = tuple(dtype.itemsize for dtype in DTYPES)
_BOOL = _DTYPE_CODES[np.dtype("bool")]

OUT_OF_MEMORY = 77  # the worker's exit status when nothing is left even for its own work

PREFIX = struct.Struct(">Q")

# Extension types.
_ARRAY, _SCALAR, _BIG_INT, _HANDLE, _GENERATOR, _CALL_BACK, _UNSUPPORTED = range(1, 8)
_ID = struct.Struct(">Q")
_ID_AND_SEED = struct.Struct(">QQ")

# Every list, tuple and dict is a msgpack array whose first entry says which of them it is.
_LIST, _TUPLE, _DICT = 0, 1, 2


class WireError(ValueError):
    """A frame or a value that breaks the protocol; its text is one sentence."""


@dataclass(frozen=True)
class Handle:
    """A value that stays inside. `generation` is the grader's own: which start of the worker it is of."""

    id: int
    generation: int = 0


@dataclass(frozen=True, eq=False)
class Generator:
    """A random generator to be built inside from a seed; the same object is the same generator."""

    seed: int


@dataclass(frozen=True)
class GeneratorRef:
    """A generator on the wire."""

    id: int
    seed: int


@dataclass(frozen=True)
class CallBack:
    """A callable of the grader on the wire."""

    id: int


@dataclass(frozen=True)
class Unsupported:
    """A value that a student returned and that cannot cross, by the name of its type."""

    type_name: str


# Kind -> the fields of a message and their types. `object` is any value that can cross.
_Optional = (str, type(None))
MESSAGES: dict[str, dict[str, type | tuple[type, ...]]] = {
    # grader -> worker
    "hello": {"limits": dict, "hidden": list},
    "cell": {"id": int, "name": str, "source": str, "skip": list},
    "defines": {"id": int, "name": str},
    "call": {"id": int, "function": str, "args": tuple, "kwargs": dict, "keep": tuple, "count_lines": bool},
    "forget": {"id": int},
    "answer": {"id": int, "value": object, "error": _Optional, "message": str},
    # worker -> grader
    "ready": {"numpy": str},
    "at": {"id": int, "statement": int},
    "ask": {"id": int, "call_back": int, "args": tuple, "kwargs": dict},
    "done": {"id": int, "value": object},
    "reply": {
        "id": int,
        "value": object,
        "changed": list,
        "printed": str,
        "warnings": list,
        "exception": (dict, type(None)),
        "lines": (int, type(None)),
    },
}
EXCEPTION = {"type_name": str, "message": str, "line": int, "line_text": str, "cell": str}


def _as_tuples(fields: dict) -> dict[str, tuple[type, ...]]:
    return {name: types if isinstance(types, tuple) else (types,) for name, types in fields.items()}


_ALL_FIELDS = {kind: _as_tuples({"kind": str, **fields}) for kind, fields in MESSAGES.items()}
_EXCEPTION = _as_tuples(EXCEPTION)
_FIELD_NAMES = frozenset(name for fields in (*_ALL_FIELDS.values(), EXCEPTION) for name in fields)


def short(text: str, limit: int) -> str:
    """Text of at most `limit` characters that can be written as UTF-8."""
    text = text if len(text) <= limit else text[: limit - 1] + "…"
    return text.encode("utf-8", "replace").decode("utf-8")


def pack(message: dict, limit: int = MAX_FRAME, unsupported: bool = False) -> bytes:
    """A frame with its length in front.

    With `unsupported`, values that cannot cross become Unsupported; otherwise they raise WireError.
    """
    body = msgpack.packb(_Encoder(limit, unsupported).encode(message, 0))
    if len(body) > limit:
        raise WireError(f"a message of more than {_megabytes(limit)} cannot be sent")
    return PREFIX.pack(len(body)) + body


def announced(prefix: bytes, limit: int = MAX_FRAME) -> int:
    """The length of the frame after `prefix`, checked before anything of it is read."""
    (length,) = PREFIX.unpack(prefix)
    if length > limit:
        raise WireError(f"a message of {length} bytes was announced, and at most {limit} are allowed")
    return length


def unpack(body: bytes, kinds: tuple[str, ...] | None = None) -> dict:
    """The message in a frame (without its length), with exactly the fields of its kind."""
    _inspect(body)
    try:
        tree = msgpack.unpackb(
            body,
            ext_hook=_extension,
            strict_map_key=True,
            raw=False,
            max_str_len=MAX_TEXT,
            max_map_len=0,
            max_bin_len=0,
        )
    except WireError:
        raise
    # The library raises many types (ValueError, its own, UnicodeDecodeError); all mean the same here.
    except Exception as error:  # noqa: BLE001
        raise WireError(f"a message could not be read ({type(error).__name__})") from None
    message = _decode(tree)
    if not isinstance(message, dict):
        raise WireError("a message is not a dict")
    kind = message.get("kind")
    if not isinstance(kind, str) or kind not in MESSAGES or (kinds is not None and kind not in kinds):
        raise WireError("a message has an unknown or unexpected kind")
    _check_fields(message, _ALL_FIELDS[kind])
    if kind == "reply":
        if message["exception"] is not None:
            _check_fields(message["exception"], _EXCEPTION)
        for name in ("changed", "warnings"):
            if not all(type(entry) is str for entry in message[name]):
                raise WireError(f"the field {name} of a reply holds something that is not text")
    return message


def _check_fields(message: dict, fields: dict[str, tuple[type, ...]]) -> None:
    if message.keys() != fields.keys():
        raise WireError("a message does not have the fields of its kind")
    for name, allowed in fields.items():
        if type(message[name]) not in allowed and object not in allowed:
            raise WireError(f"the field {name} of a message has the wrong type")


# Sending


class _Encoder:
    """Turns values into what msgpack can pack; counts entries and bytes as it goes."""

    def __init__(self, limit: int, unsupported: bool):
        self.limit, self.unsupported = limit, unsupported
        self.items = self.bytes = 0

    def encode(self, value: Any, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise WireError(f"a value nested more than {MAX_DEPTH} deep cannot be sent")
        kind = type(value)
        if value is None or kind is bool or kind is float:
            return value
        if kind is str:
            return self._text(value)
        if kind is np.ndarray:
            return self._array(value, _ARRAY)
        if kind is int:
            return self._int(value)
        if kind is tuple or kind is list:
            return self._entries(value, depth)
        if kind is dict:
            return self._dict(value, depth)
        if isinstance(value, np.generic):  # before float: np.float64 is one
            return self._array(np.asarray(value), _SCALAR)
        if isinstance(value, np.ndarray):
            return self._array(np.asarray(value), _ARRAY)
        if isinstance(value, int):
            return self._int(int(value))
        if isinstance(value, float):
            return float(value)
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, list | tuple):
            return self._entries(value, depth)
        if isinstance(value, dict):
            return self._dict(value, depth)
        if isinstance(value, Handle):
            return msgpack.ExtType(_HANDLE, _ID.pack(value.id))
        if isinstance(value, GeneratorRef):
            return msgpack.ExtType(_GENERATOR, _ID_AND_SEED.pack(value.id, value.seed))
        if isinstance(value, CallBack):
            return msgpack.ExtType(_CALL_BACK, _ID.pack(value.id))
        if isinstance(value, Unsupported):
            return msgpack.ExtType(_UNSUPPORTED, short(value.type_name, MAX_NAME).encode())
        return self._refuse(type(value).__name__)

    def _refuse(self, type_name: str) -> Any:
        if not self.unsupported:
            raise WireError(f"a value of type {type_name} cannot be sent")
        return self.encode(Unsupported(type_name), 0)

    def _count(self, entries: int) -> None:
        self.items += entries + 1
        if self.items > MAX_ITEMS:
            raise WireError(f"a value with more than {MAX_ITEMS} entries cannot be sent")

    def _grow(self, size: int) -> None:
        self.bytes += size
        if self.bytes > self.limit:
            raise WireError(f"a value of more than {_megabytes(self.limit)} cannot be sent")

    def _int(self, value: int) -> Any:
        if -(1 << 63) <= value < 1 << 64:
            return value
        size = value.bit_length() // 8 + 1
        if size > MAX_INT_BYTES:
            return self._refuse("an integer of thousands of digits")
        return msgpack.ExtType(_BIG_INT, value.to_bytes(size, "big", signed=True))

    def _text(self, value: str) -> str:
        # Text in ASCII needs no look at what cannot be written.
        text = value if value.isascii() else value.encode("utf-8", "replace")
        if len(text) > MAX_TEXT:
            raise WireError(f"a text of more than {_megabytes(MAX_TEXT)} cannot be sent")
        self._grow(len(text))
        return value if text is value else text.decode("utf-8")

    def _entries(self, value: list | tuple, depth: int) -> list:
        self._count(len(value))
        encode, depth = self.encode, depth + 1
        return [_LIST if isinstance(value, list) else _TUPLE, *[encode(entry, depth) for entry in value]]

    def _dict(self, value: dict, depth: int) -> Any:
        self._count(2 * len(value))
        parts: list = [_DICT]
        for key, entry in value.items():
            if key not in _FIELD_NAMES:
                if not isinstance(key, str | int | float | type(None)):
                    return self._refuse(f"a dict with keys of type {type(key).__name__}")
                key = self.encode(key, depth + 1)
            parts += (key, entry if entry is None or entry is False else self.encode(entry, depth + 1))
        return parts

    def _array(self, array: np.ndarray, code: int) -> Any:
        dtype = array.dtype if array.dtype.isnative else array.dtype.newbyteorder("=")
        number = _DTYPE_CODES.get(dtype)
        if number is None or array.ndim > MAX_NDIM:
            return self._refuse(f"an array of dtype {array.dtype.name}")
        self._grow(array.nbytes)
        header = struct.pack(f">BB{array.ndim}Q", number, array.ndim, *array.shape)
        return msgpack.ExtType(code, header + array.astype(dtype, copy=False).tobytes())


# Arriving


def _inspect(body: bytes) -> None:
    """Refuse a frame whose headers announce too much: the library allocates what a header says.

    Walks the headers without recursion and without building anything.
    """
    at, end, items = 0, len(body), 0
    open_arrays: list[int] = []  # entries still to come, per level
    while True:
        if at >= end:
            raise WireError("a message ends too early")
        first = body[at]
        entries = -1
        length = _LENGTHS[first]
        if length:
            if 0xD4 <= first <= 0xD8:
                _check_code(body[at + 1 : at + 2])
            at += length
        elif 0x90 <= first <= 0x9F:
            entries, at = first & 0x0F, at + 1
        elif first in _SIZED:
            width, extra = _SIZED[first]
            size = int.from_bytes(body[at + 1 : at + 1 + width], "big")
            if at + 1 + width > end:
                raise WireError("a message ends too early")
            if first in (0xDC, 0xDD):
                entries, at = size, at + 1 + width
            else:
                if extra:
                    _check_code(body[at + 1 + width : at + 2 + width])
                at += 1 + width + extra + size
        else:
            raise WireError("a message holds a type that is not allowed")
        if at > end or entries > end - at:
            raise WireError("a message announces more than it holds")
        items += 1
        if items > 4 * MAX_ITEMS:
            raise WireError(f"a message has more than {MAX_ITEMS} entries")
        if entries == 0:
            raise WireError("a message holds an untagged list")
        if entries > 0:
            open_arrays.append(entries)
            if len(open_arrays) > MAX_DEPTH + 2:
                raise WireError(f"a message is nested more than {MAX_DEPTH} deep")
            # Announced entries count at once: nested headers must not reserve memory over and over.
            items += entries
            continue
        while open_arrays:
            open_arrays[-1] -= 1
            if open_arrays[-1]:
                break
            open_arrays.pop()
        if not open_arrays:
            break
    if at != end:
        raise WireError("a message goes on after its end")


def _check_code(code: bytes) -> None:
    """The library reads one extension type by itself (timestamps); no other than ours may come."""
    if not code or code[0] not in _EXTENSIONS:
        raise WireError("a message holds an unknown extension type")


# First byte -> length in all: float 32/64, unsigned and signed integers, fixext 1 to 16.
_FIXED = {0xCA: 5, 0xCB: 9, 0xCC: 2, 0xCD: 3, 0xCE: 5, 0xCF: 9, 0xD0: 2, 0xD1: 3, 0xD2: 5, 0xD3: 9}
_FIXED |= {0xD4: 3, 0xD5: 4, 0xD6: 6, 0xD7: 10, 0xD8: 18}
# First byte -> length in all, where the first byte tells it (with small integers, nil, booleans, short texts); else 0.
_LENGTHS = [
    1
    if first <= 0x7F or first >= 0xE0 or first in (0xC0, 0xC2, 0xC3)
    else 1 + (first & 0x1F)
    if 0xA0 <= first <= 0xBF
    else _FIXED.get(first, 0)
    for first in range(256)
]
# First byte -> width of the size field, bytes before the payload: ext, str, array. No maps, no bin.
_SIZED = {
    0xC7: (1, 1),
    0xC8: (2, 1),
    0xC9: (4, 1),
    0xD9: (1, 0),
    0xDA: (2, 0),
    0xDB: (4, 0),
    0xDC: (2, 0),
    0xDD: (4, 0),
}


def _decode(tree: Any) -> Any:
    if not isinstance(tree, list):
        return tree
    tag, entries = tree[0], tree[1:]
    if type(tag) is not int:
        raise WireError("a message holds an untagged list")
    if tag == _LIST:
        return [_decode(entry) for entry in entries]
    if tag == _TUPLE:
        return tuple([_decode(entry) for entry in entries])
    if tag != _DICT or len(entries) % 2:
        raise WireError("a message holds a list with an unknown tag")
    keys = entries[::2]
    for key in keys:
        if type(key) is not str and not isinstance(key, str | int | float | type(None) | np.generic):
            raise WireError("a message holds a dict with keys that are not allowed")
    values = [_decode(entry) if type(entry) is list else entry for entry in entries[1::2]]
    decoded = dict(zip(keys, values, strict=True))
    if len(decoded) < len(keys):
        raise WireError("a message holds a dict with a key twice")
    return decoded


def _extension(code: int, payload: bytes) -> Any:
    return _EXTENSIONS[code](payload)


def _read_array(payload: bytes) -> np.ndarray:
    if len(payload) < 2:
        raise WireError("an array ends too early")
    code, ndim = payload[0], payload[1]
    start = 2 + 8 * ndim
    if code >= len(DTYPES) or ndim > MAX_NDIM or len(payload) < start:
        raise WireError("an array has a dtype or a number of axes that is not allowed")
    shape = struct.unpack_from(f">{ndim}Q", payload, 2)
    size = extent = 1
    for length in shape:
        size *= length
        extent *= length or 1
    if extent > MAX_SIZE:
        raise WireError("an array has a shape that is too large")
    if size * _ITEM_BYTES[code] != len(payload) - start:
        raise WireError("an array's shape does not fit its data")
    if code == _BOOL and payload[start:].strip(b"\0\1"):
        raise WireError("an array of booleans holds something else")
    # A copy, so that it is writable, aligned and owns its memory.
    return np.frombuffer(payload, DTYPES[code], size, start).reshape(shape).copy()


def _read_scalar(payload: bytes) -> np.generic:
    array = _read_array(payload)
    if array.ndim:
        raise WireError("a NumPy number has a shape")
    return array[()]


def _read_big_int(payload: bytes) -> int:
    if not 0 < len(payload) <= MAX_INT_BYTES:
        raise WireError("an integer is too long")
    return int.from_bytes(payload, "big", signed=True)


def _read_name(payload: bytes) -> Unsupported:
    if len(payload) > 4 * MAX_NAME:
        raise WireError("the name of a type is too long")
    try:
        return Unsupported(payload.decode("utf-8"))
    except UnicodeDecodeError:
        raise WireError("the name of a type is not text") from None


def _fields(layout: struct.Struct, make: Callable[..., Any]) -> Callable[[bytes], Any]:
    def read(payload: bytes) -> Any:
        if len(payload) != layout.size:
            raise WireError("an extension type has the wrong length")
        return make(*layout.unpack(payload))

    return read


_EXTENSIONS: dict[int, Callable[[bytes], Any]] = {
    _ARRAY: _read_array,
    _SCALAR: _read_scalar,
    _BIG_INT: _read_big_int,
    _HANDLE: _fields(_ID, Handle),
    _GENERATOR: _fields(_ID_AND_SEED, GeneratorRef),
    _CALL_BACK: _fields(_ID, CallBack),
    _UNSUPPORTED: _read_name,
}


def _megabytes(size: int) -> str:
    return f"{size >> 20} MiB"
