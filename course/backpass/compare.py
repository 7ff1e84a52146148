"""Comparing a student's value with the right one: structure, shape and dtype first, then the numbers.

The rules are the course's contract: tuples and lists are interchangeable, the order in a dict is free, a
scalar may be a Python or a NumPy number or a 0-d array of any float type, nested lists of numbers pass for
arrays; arrays keep the dtype that they should have. Nothing here shows an expected value unless
`visible_sentence` is asked.
"""

from __future__ import annotations

import inspect
import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from backpass import explain
from backpass.closeness import close

_MOST_BITS = 1023  # a longer integer is no float64
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")

Path = tuple[Any, ...]


@dataclass(frozen=True, eq=False)
class Difference:
    """What differs between a value and the right one.

    kind: "structure", "shape", "dtype" or "value". path: the way into nested results, e.g. (1,) or (0,
    "weight"). place: the same in words. text: what is wrong there (structure, shape and dtype; no expected
    number). wrong: for kind "value", which entries differ. others: a sentence about where they differ, too.
    """

    kind: str
    path: Path
    place: str
    text: str
    actual: Any = None
    expected: Any = None
    wrong: np.ndarray | None = None
    others: str = ""
    rest_right: bool = False
    sizes: Mapping[str, int] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many values differ."""
        return 0 if self.wrong is None else int(np.count_nonzero(self.wrong))

    @property
    def size(self) -> int:
        return 0 if self.wrong is None else int(self.wrong.size)

    @cached_property
    def telling(self) -> str:
        """The most telling property of the wrong value, a sentence without expected numbers, or ""."""
        if self.kind == "value":
            return explain.explain(self.actual, self.expected, self.sizes)
        if self.kind == "shape":
            return explain.explain_shape(self.actual, self.expected)
        return ""

    def hidden_sentence(self) -> str:
        """What is wrong, without an expected value."""
        return _join(f"{self.place} {self._verdict()}.", self.telling, self._rest())

    def visible_sentence(self) -> str:
        """What is wrong, with the first wrong number and the right one."""
        return _join(f"{self.place} {self._verdict()}{self._numbers()}.", self.telling, self._rest())

    def _verdict(self) -> str:
        if self.kind != "value":
            return self.text
        if self.size == 1:
            return "is not right"
        if self.count == self.size:
            return f"differs in all {self.size} values"
        return f"differs in {self.count} of {self.size} values"

    def _numbers(self) -> str:
        if self.kind != "value":
            return ""
        if self.wrong.ndim == 0:
            return f": it is {show(self.actual)}, expected {show(self.expected)}"
        index = tuple(int(i) for i in np.argwhere(self.wrong)[0])
        where = ", ".join(map(str, index))
        return f": at [{where}] it is {show(self.actual[index])}, expected {show(self.expected[index])}"

    def _rest(self) -> str:
        return self.others or ("The rest of what is returned is right." if self.rest_right else "")


def compare(
    actual: Any,
    expected: Any,
    rtol: float | None = None,
    atol: float | None = None,
    *,
    names: Sequence[str] = (),
    sizes: Mapping[str, int] | None = None,
) -> Difference | None:
    """The first difference between a student's value and the expected one, or None.

    Parameters
    ----------
    rtol, atol : float, optional
        |actual - expected| <= atol + rtol * |expected|. By default 1e-7 in float64 and 1e-4 in float32, with
        an absolute part relative to the largest expected value. An rtol alone scales that absolute part.
    names : sequence of str
        Names of the returned values, for the sentences ("dx", "dweight").
    sizes : mapping of str to int
        Sizes that may explain a factor, e.g. {"the number of samples": 4}.
    """
    difference = check_structure(actual, expected, names=names)
    if difference:
        return difference
    leaves = list(_leaves(actual, expected, ()))
    found = []
    for path, one, other in leaves:
        wrong = _wrong(one, other, rtol, atol)
        if wrong.any():
            found.append((path, one, other, wrong))
    if not found:
        return None
    path, one, other, wrong = found[0]
    return Difference(
        "value",
        path,
        place_of(path, names),
        "",
        np.asarray(one),
        np.asarray(other),
        wrong,
        others=_differ_too([path for path, *_ in found[1:]], names),
        rest_right=len(found) == 1 and len(leaves) > 1,
        sizes=dict(sizes or {}),
    )


def check_structure(actual: Any, expected: Any, *, names: Sequence[str] = ()) -> Difference | None:
    """The first difference in structure, shape or dtype, or None. Numbers are not looked at."""
    difference = _structure(actual, expected, ())
    return difference and replace(difference, place=place_of(difference.path, names))


def place_of(path: Path, names: Sequence[str] = ()) -> str:
    """A path in words: "the result", "the second returned value (dweight)", "the entry 'w1' of …"."""
    if not path:
        return "the result"
    first, *rest = path
    if isinstance(first, int):
        ordinal = _ORDINALS[first] if first < len(_ORDINALS) else f"{first + 1}th"
        place = f"the {ordinal} returned value"
        if first < len(names) and names[first]:
            place += f" ({names[first]})"
    else:
        place = f"the entry {first!r} of the result"
    for key in rest:
        place = f"the entry {key!r} of {place}" if isinstance(key, str) else f"entry {key} of {place}"
    return place


def _differ_too(paths: Sequence[Path], names: Sequence[str]) -> str:
    """A sentence about these places, the entries of one dict together; "" for none."""
    if not paths:
        return ""
    places = []
    for parent, group in itertools.groupby(paths, lambda path: path[:-1]):
        group = list(group)
        if len(group) > 1 and parent and all(isinstance(path[-1], str) for path in group):
            entries = _listed([repr(path[-1]) for path in group])
            places.append(f"the entries {entries} of {place_of(parent, names)}")
        else:
            places += [place_of(path, names) for path in group]
    return explain.capital(f"{_listed(places)} {'differs' if len(paths) == 1 else 'differ'}, too.")


def sizes_of(values: Sequence) -> dict[str, int]:
    """Sizes that a factor may come from: samples of a batch, places of a picture."""
    arrays = [value for value in values if isinstance(value, np.ndarray)]
    # The axes of three stand for something else in every exercise.
    if not arrays or arrays[0].ndim not in (2, 4):
        return {}
    sizes = {"the number of samples": arrays[0].shape[0]}
    if arrays[0].ndim == 4:
        n, c, h, w = arrays[0].shape
        sizes |= {
            "the number of channels": c,
            "the number of pixels": h * w,
            "samples times pixels": n * h * w,
        }
    if arrays[0].ndim == 2:
        sizes |= {"the number of columns": arrays[0].shape[1], "the number of entries": arrays[0].size}
    return sizes


def returned_names(function: Callable) -> tuple[str, ...]:
    """Names of the returned values, read from the "Returns" section of a docstring (scikit-learn's form)."""
    lines = inspect.cleandoc(inspect.getdoc(function) or "").splitlines()
    if "Returns" not in lines:
        return ()
    names = []
    for line in lines[lines.index("Returns") + 2 :]:
        if set(line) == {"-"}:
            # The line before was the next section's title.
            return tuple(names[:-1])
        found = re.match(r"(\w+(?:, \w+)*)(?: :|$)", line)
        if found:
            names += found[1].split(", ")
    return tuple(names)


def is_number(value: Any) -> bool:
    """A Python or NumPy real number, or a 0-d array of one; truth values are none."""
    if isinstance(value, bool | np.bool_):
        return False
    if isinstance(value, int | float | np.integer | np.floating):
        return True
    return isinstance(value, np.ndarray) and value.ndim == 0 and value.dtype.kind in "iuf"


def show(value: Any) -> str:
    """A number as a student reads it: six significant digits, integers whole."""
    value = np.asarray(value)[()]
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | float | np.integer | np.floating):
        return str(value)
    if isinstance(value, int | np.integer):
        return str(int(value))
    return f"{float(value):.6g}"


def describe_type(value: Any) -> str:
    """What a value is, for a sentence: "an array of shape (2, 3)", "a tuple of 2 values"."""
    if value is None:
        return "None"
    if type(value).__name__ == "Unsupported":
        name = getattr(value, "type_name", "unknown")
        # The grader's own words, as "a value of more than 64 MiB", or the name of a type.
        return name if name.startswith(("a ", "an ")) else f"an object of type {name}"
    if isinstance(value, bool | np.bool_):
        return "a truth value"
    if isinstance(value, str):
        return "a text"
    if is_number(value):
        return "an integer" if np.asarray(value).dtype.kind in "iu" else "a number"
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}" if value.ndim else f"a 0-d array of {value.dtype}"
    if isinstance(value, tuple | list):
        return f"a {type(value).__name__} of {len(value)} value{'s' * (len(value) != 1)}"
    if isinstance(value, dict):
        return "a dict"
    return f"an object of type {type(value).__name__}"


def _structure(actual: Any, expected: Any, path: Path) -> Difference | None:
    def differs(kind: str, text: str) -> Difference:
        return Difference(kind, path, "", text, actual, expected)

    if expected is None:
        return None if actual is None else differs("structure", f"should be None, and is {describe_type(actual)}")
    if actual is None:
        missing = "" if path else ": is a `return` missing?"
        return differs("structure", f"is None, and should be {_wanted(expected)}{missing}")
    if isinstance(expected, dict):
        return _dict_structure(actual, expected, path, differs)
    if isinstance(expected, tuple | list):
        return _sequence_structure(actual, expected, path, differs)
    if isinstance(expected, str | bool | np.bool_):
        wanted = str if isinstance(expected, str) else (bool, np.bool_)
        value = actual[()] if isinstance(actual, np.ndarray) and actual.ndim == 0 else actual
        same = isinstance(value, wanted)
        return None if same else differs("structure", f"is {describe_type(actual)}, and should be {_wanted(expected)}")
    if is_number(expected):
        return _number_structure(actual, expected, differs)
    if isinstance(expected, np.ndarray):
        return _array_structure(actual, expected, differs)
    return None


def _dict_structure(actual: Any, expected: dict, path: Path, differs: Callable) -> Difference | None:
    if not isinstance(actual, dict):
        return differs("structure", f"is {describe_type(actual)}, and should be {_wanted(expected)}")
    missing = [key for key in expected if key not in actual]
    extra = [key for key in actual if key not in expected]
    if missing:
        return differs("structure", f"lacks the {_keys(missing)}")
    if extra:
        return differs("structure", f"has the {_keys(extra)}, which should not be there")
    return _first(_structure(actual[key], expected[key], (*path, key)) for key in expected)


def _sequence_structure(actual: Any, expected: Sequence, path: Path, differs: Callable) -> Difference | None:
    if not isinstance(actual, tuple | list):
        return differs("structure", f"is {describe_type(actual)}, and should be {_wanted(expected)}")
    if len(actual) != len(expected):
        return differs("structure", f"has {len(actual)} values, and should have {len(expected)}")
    pairs = enumerate(zip(actual, expected, strict=True))
    return _first(_structure(one, other, (*path, i)) for i, (one, other) in pairs)


def _number_structure(actual: Any, expected: Any, differs: Callable) -> Difference | None:
    if not is_number(actual):
        return differs("structure", f"is {describe_type(actual)}, and should be {_wanted(expected)}")
    if isinstance(actual, int) and actual.bit_length() > _MOST_BITS and actual != expected:
        return differs("structure", f"is an integer of more than 300 digits, and should be {_wanted(expected)}")
    return None


def _array_structure(actual: Any, expected: np.ndarray, differs: Callable) -> Difference | None:
    if isinstance(actual, list | tuple):
        array = _as_array(actual)
        if array is None:
            return differs("structure", f"is {describe_type(actual)}, and should be {_wanted(expected)}")
        return _shape(array, expected, differs)  # a list has no dtype
    if not isinstance(actual, np.ndarray):
        return differs("structure", f"is {describe_type(actual)}, and should be {_wanted(expected)}")
    return _shape(actual, expected, differs) or _dtype(actual, expected, differs)


def _shape(actual: np.ndarray, expected: np.ndarray, differs: Callable) -> Difference | None:
    if actual.shape == expected.shape:
        return None
    return differs("shape", f"has shape {actual.shape}, and should have shape {expected.shape}")


def _dtype(actual: np.ndarray, expected: np.ndarray, differs: Callable) -> Difference | None:
    one, other = actual.dtype, expected.dtype
    if one.kind == other.kind and (one.kind != "f" or one.itemsize == other.itemsize):
        return None
    if one.kind in "iu" and other.kind in "iu":
        return None
    text = f"has dtype {one.name}, and should have dtype {other.name}"
    if one.kind == "f" and other.name == "float32":
        text += ": float32 in, float32 out; somewhere a float64 array or NumPy number came in"
    elif one.kind == "f" and other.name == "float64":
        text += ": float64 in, float64 out; somewhere digits are lost"
    elif one.kind in "iub" and other.kind == "f":
        text += ": an array that is made for integers cuts off what comes after the point"
    elif one.kind == "c" and other.kind == "f":
        text += ": take the real part"
    elif one.kind == "f" and other.kind in "iu":
        text = f"has dtype {one.name}, and should hold integers"
    return differs("dtype", text)


def _leaves(actual: Any, expected: Any, path: Path) -> Iterator[tuple[Path, Any, Any]]:
    """The numbers, arrays and texts of two values of the same structure."""
    if expected is None:
        return
    if isinstance(expected, dict):
        for key in expected:
            yield from _leaves(actual[key], expected[key], (*path, key))
    elif isinstance(expected, tuple | list):
        for i, (one, other) in enumerate(zip(actual, expected, strict=True)):
            yield from _leaves(one, other, (*path, i))
    elif isinstance(expected, str | bool | np.bool_ | np.ndarray) or is_number(expected):
        yield path, actual, expected


def _wrong(actual: Any, expected: Any, rtol: float | None, atol: float | None) -> np.ndarray:
    """Which entries differ; a 0-d array for scalars."""
    if isinstance(expected, str):
        return np.asarray(str(actual) != expected)
    if isinstance(expected, int) and isinstance(actual, int):  # of any length
        return np.asarray(actual != expected)
    one, other = np.asarray(actual), np.asarray(expected)
    if other.dtype.kind not in "fc":
        return np.asarray(one != other)
    return ~close(one, other, rtol, atol)


def _as_array(value: Any) -> np.ndarray | None:
    """Nested lists of numbers as an array; None where they are something else."""
    if isinstance(value, tuple) and any(isinstance(entry, np.ndarray) and entry.ndim for entry in value):
        return None  # several values were returned
    try:
        array = np.asarray(value)
    except (ValueError, TypeError):
        return None
    return array if array.dtype.kind in "biufc" else None


def _wanted(expected: Any) -> str:
    """What is expected, without its value."""
    if isinstance(expected, tuple | list):
        return f"a tuple of {len(expected)} values" if len(expected) != 1 else "a tuple of one value"
    if isinstance(expected, dict):
        return f"a dict with the {_keys(list(expected))}" if expected else "an empty dict"
    return describe_type(expected)


def _keys(keys: list) -> str:
    return f"key{'s' * (len(keys) != 1)} {_listed([repr(key) for key in keys])}"


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _first(differences: Iterator[Difference | None]) -> Difference | None:
    return next((difference for difference in differences if difference), None)


def _join(*sentences: str) -> str:
    return " ".join(sentence for sentence in sentences if sentence)
