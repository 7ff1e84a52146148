"""The most telling property of a wrong array: "transposed", "right up to a factor of 1/2", …

A property is claimed only where it holds within rounding and could not hold by accident: constant arrays,
zeros and very small arrays say little. Sentences never contain an expected value; factors such as 2 or 1/N
are no secret.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from backpass.closeness import is_single

_LARGE = 30_000  # entries; beyond that only the cheap properties are looked at
_ORDER = {0: "first", -1: "last"}


def explain(actual: np.ndarray, expected: np.ndarray, sizes: Mapping[str, int] | None = None) -> str:
    """The most telling property of `actual`, which has the shape of `expected`, or "".

    Parameters
    ----------
    sizes : mapping of str to int, optional
        Sizes that may explain a factor, e.g. {"the number of samples": 4}.
    """
    actual, expected = np.asarray(actual), np.asarray(expected)
    if actual.shape != expected.shape or not actual.size:
        return ""
    if actual.dtype.kind not in "biuf" or expected.dtype.kind not in "iuf":
        return ""
    pair = _Pair(actual, expected, dict(sizes or {}))
    if not pair.finite_expected:
        return ""
    if pair.right.all():
        return _nearly(pair)
    if actual.size == 1 and not float(expected.ravel()[0]).is_integer():
        # One number has too many neighbours: roots and most ratios are accidents, 2 and the sizes are not.
        return _not_finite(pair) or _negated(pair) or _simple_factor(pair)
    for claim in _CLAIMS if actual.size <= _LARGE else _CHEAP_CLAIMS:
        sentence = claim(pair)
        if sentence:
            return sentence
    return ""


def explain_shape(actual: np.ndarray, expected: np.ndarray) -> str:
    """How a wrong shape came about, where the numbers show it, or ""."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    if actual.dtype.kind not in "biuf" or expected.dtype.kind not in "iuf" or not actual.size or not expected.size:
        return ""
    if actual.size == expected.size:
        return _same_numbers_other_shape(actual, expected)
    if actual.ndim == expected.ndim:
        return _cropped(actual, expected)
    return ""


def capital(text: str) -> str:
    """With a capital first letter; a call at the beginning stays as it is written."""
    return text if re.match(r"[\w.]+\(", text) else text[:1].upper() + text[1:]


@dataclass
class _Pair:
    """A wrong array and the right one of the same shape, as float64."""

    raw_actual: np.ndarray
    raw_expected: np.ndarray
    sizes: dict[str, int] = field(default_factory=dict)

    @cached_property
    def a(self) -> np.ndarray:
        return self.raw_actual.astype(np.float64)

    @cached_property
    def e(self) -> np.ndarray:
        return self.raw_expected.astype(np.float64)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.a.shape

    @property
    def ndim(self) -> int:
        return self.a.ndim

    @cached_property
    def rtol(self) -> float:
        return 1e-4 if is_single(self.raw_actual) or is_single(self.raw_expected) else 1e-7

    @cached_property
    def scale(self) -> float:
        return float(np.abs(self.e).max())

    @cached_property
    def finite_expected(self) -> bool:
        return bool(np.isfinite(self.e).all())

    @cached_property
    def right(self) -> np.ndarray:
        """Which entries are right."""
        return self.near(self.a, self.e)

    def near(self, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        """Entry by entry; relative to the scale of the expected array, with no absolute floor."""
        with np.errstate(all="ignore"):
            return np.abs(one - other) <= self.rtol * (np.abs(other) + 0.1 * self.scale)

    def same(self, one: np.ndarray, other: np.ndarray) -> bool:
        return one.shape == other.shape and bool(self.near(one, other).all())

    def kinds(self, values: np.ndarray) -> int:
        """How many clearly different values there are, zero not counted."""
        values = np.sort(values[np.abs(values) > 1e-3 * self.scale], axis=None)
        if not values.size:
            return 0
        return 1 + int(np.count_nonzero(np.diff(values) > 1e-3 * self.scale))

    @cached_property
    def rich(self) -> bool:
        """Whether there are so many different expected values that a coincidence is out of the question."""
        return self.kinds(self.e) >= 3

    @cached_property
    def telling_number(self) -> bool:
        """A single number that is not whole: a factor found there is no accident."""
        return self.e.size == 1 and self.scale > 0 and float(self.e.ravel()[0]) % 1 != 0


# ---- The claims, from the most specific to the most general


def _not_finite(p: _Pair) -> str:
    bad = ~np.isfinite(p.a)
    if not bad.any():
        return ""
    what = "nan" if np.isnan(p.a).any() else "inf"
    if bad.all():
        return f"Every value is {what}." if p.a.size > 1 else f"It is {what}."
    rest = " Everything else is right." if p.right[~bad].all() and p.kinds(p.e[~bad]) >= 2 else ""
    return f"There is {what} in {np.count_nonzero(bad)} of {p.a.size} values.{rest}"


def _all_zero(p: _Pair) -> str:
    return "All your values are zero." if p.a.size > 1 and not p.a.any() else ""


def _off_by_one(p: _Pair) -> str:
    if p.a.size > 1 or p.raw_actual.dtype.kind not in "iu" or p.raw_expected.dtype.kind not in "iu":
        return ""
    off = float(p.a.ravel()[0] - p.e.ravel()[0])
    return {1.0: "It is one too large.", -1.0: "It is one too small."}.get(off, "")


def _nearly(p: _Pair) -> str:
    """Only the last digits are wrong."""
    if p.scale == 0 or not np.isfinite(p.a).all() or not (p.right.all() or p.rich):
        return ""
    largest, limit = float(np.abs(p.a - p.e).max()), 100 * p.rtol
    if largest > limit * p.scale:
        return ""
    words = "hundredth" if limit > 1e-3 else "hundred-thousandth"
    return f"Nearly right: nothing is off by more than a {words} of the largest value."


def _negated(p: _Pair) -> str:
    if not p.same(p.a, -p.e):
        return ""
    if p.telling_number:
        return "It has the wrong sign."
    return "Your values have the wrong sign: all are negated." if p.rich else ""


def _transposed(p: _Pair) -> str:
    if p.ndim < 2 or not p.rich:
        return ""
    for axes in itertools.permutations(range(p.ndim)):
        if axes != tuple(range(p.ndim)) and p.same(p.a, p.e.transpose(axes)):
            if p.ndim == 2:
                return "Your array is the transpose of the right one."
            moved = [i for i, axis in enumerate(axes) if i != axis]
            return f"Your array is the right one with its axes {_listed(moved)} exchanged."
    return ""


def _flipped(p: _Pair) -> str:
    if not p.rich or not p.ndim:
        return ""
    long = [axis for axis in range(p.ndim) if p.shape[axis] > 1]
    for count in range(1, len(long) + 1):
        for axes in itertools.combinations(long, count):
            if p.same(p.a, np.flip(p.e, axes)):
                return _flip_sentence(p.ndim, axes)
    return ""


def _flip_sentence(ndim: int, axes: tuple[int, ...]) -> str:
    if ndim == 1:
        return "Your values are the right ones in reverse order."
    if axes == (ndim - 2, ndim - 1):
        return "Your array is the right one, turned by half a circle: flipped along its last two axes."
    word = "axis" if len(axes) == 1 else "axes"
    return f"Your array is the right one, flipped along {word} {_listed(axes)}."


def _turned(p: _Pair) -> str:
    if p.ndim < 2 or not p.rich or p.shape[-1] != p.shape[-2]:
        return ""
    for quarters, way in ((1, "counter-clockwise"), (3, "clockwise")):
        if p.same(p.a, np.rot90(p.e, quarters, (-2, -1))):
            return f"Your array is the right one, turned {way} by a quarter of a circle."
    return ""


def _simple_factor(p: _Pair) -> str:
    ratio = _ratio(p)
    if ratio is None:
        return ""
    subject = "It is" if p.a.size == 1 else "Your values are"
    sign = " and the sign" if ratio < 0 else ""
    ratio = abs(ratio)
    for value, text, names in _factors(p):
        if p.a.size == 1 and not {value, 1 / value} & {2, *p.sizes.values()}:
            continue
        if math.isclose(ratio, value, rel_tol=min(10 * p.rtol, 1e-4)):
            why = f", which is {_listed(names, 'or')}" if names else ""
            return f"{subject} right up to a factor of {text}{sign}{why}."
    return ""


def _ratio(p: _Pair) -> float | None:
    """a/e where it is one number, and that is no accident."""
    if not (p.rich or p.telling_number):
        return None
    place = np.unravel_index(np.argmax(np.abs(p.e)), p.shape)
    ratio = float(p.a[place] / p.e[place])
    # Judged on the scale of the actual values: a factor of 1000 enlarges their rounding, too.
    if ratio == 0 or not math.isfinite(ratio) or not p.same(p.a / ratio, p.e) or math.isclose(ratio, 1, rel_tol=1e-9):
        return None
    return ratio


def _factors(p: _Pair) -> Iterator[tuple[float, str, list[str]]]:
    """(value, text, what it stands for), the plainest first."""
    named: dict[int, list[str]] = {}
    for name, size in p.sizes.items():
        named.setdefault(size, []).append(name)
    if p.ndim > 1:
        for axis, size in enumerate(p.shape):
            if not p.sizes and size > 2:  # a 2 has many reasons
                named.setdefault(size, []).append(f"the length of axis {axis}")
    for size in sorted({2, *named}):
        if size > 1:
            yield size, str(size), named.get(size, [])
            yield 1 / size, f"1/{size}", [f"one over {name}" for name in named.get(size, [])]
    for n in sorted(named):
        if n > 2:
            for power, root in ((1.0, ""), (0.5, "the root of ")):
                names = [f"{root}n/(n − 1) with n {name}: biased or unbiased variance" for name in named[n][:1]]
                yield (n / (n - 1)) ** power, f"{root}{n}/{n - 1}", names
                names = [f"{root}(n − 1)/n with n {name}: biased or unbiased variance" for name in named[n][:1]]
                yield ((n - 1) / n) ** power, f"{root}{n - 1}/{n}", names
            yield n**0.5, f"the root of {n}", [f"the root of {name}" for name in named[n][:1]]
            yield (
                n**-0.5,
                f"one over the root of {n}",
                [f"one over the root of {name}" for name in named[n][:1]],
            )
    for n in range(3, 13):
        yield n, str(n), []
        yield 1 / n, f"1/{n}", []


def _entrywise(p: _Pair) -> str:
    """A function of the right values, entry by entry."""
    if not (p.rich or p.telling_number):
        return ""
    subject = "It is" if p.a.size == 1 else "Your values are"
    right = "the right one" if p.a.size == 1 else "the right ones"
    with np.errstate(all="ignore"):
        if (p.e < 0).any() and p.same(p.a, np.abs(p.e)):
            return f"{subject} right up to the sign: none is negative." if p.a.size > 1 else ""
        if p.same(np.abs(p.a), np.abs(p.e)):
            return f"{subject} right up to signs: some are exchanged." if p.a.size > 1 else ""
        if p.same(p.a, p.e**2):
            return f"{subject} {right}, squared."
        if (p.e >= 0).all() and (p.a >= 0).all() and p.same(p.a**2, p.e):
            return f"{subject} the root of {right}."
        if (np.abs(p.e) > 1e-6 * p.scale).all() and (p.a != 0).all() and p.same(1 / p.a, p.e):
            return f"{subject} one over {right}."
        whole = p.same(p.e, np.rint(p.e))
        if not whole and (np.abs(p.e) >= 1).any() and (p.a == np.trunc(p.e)).all():
            return f"{subject} {right} with everything after the point cut off: an integer dtype, or `//`."
        if not whole and (np.abs(p.e) >= 1).any() and (p.a == np.rint(p.e)).all():
            return f"{subject} {right}, rounded to whole numbers."
    return ""


def _shifted(p: _Pair) -> str:
    for axis, n in enumerate(p.shape):
        for shift in (1, -1, 2, -2):
            if n <= 2 * abs(shift):
                continue
            to, start = (
                (slice(shift, None), slice(None, -shift)) if shift > 0 else (slice(None, shift), slice(-shift, None))
            )
            index = (slice(None),) * axis
            if p.kinds(p.e[(*index, start)]) < 3 or not p.same(p.a[(*index, to)], p.e[(*index, start)]):
                continue
            way = "towards the end" if shift > 0 else "towards the start"
            steps = "one place" if abs(shift) == 1 else "two places"
            round_ = ", circularly" if p.same(p.a, np.roll(p.e, shift, axis)) else ""
            along = f" along axis {axis}" if p.ndim > 1 else ""
            return f"Your values are the right ones, moved by {steps} {way}{along}{round_}."
    return ""


def _reordered(p: _Pair) -> str:
    """Whole slices in another order, or the same numbers in another memory order, or anywhere."""
    if p.kinds(p.e) < 4 or not p.same(np.sort(p.a, axis=None), np.sort(p.e, axis=None)):
        return ""
    for axis, n in enumerate(p.shape):
        if p.ndim > 1 and 2 <= n <= 64 and _matched(p, axis):
            return f"{_plural(p.ndim, axis)} are the right ones in another order."
    for axes in itertools.permutations(range(p.ndim)) if 2 <= p.ndim <= 4 else ():
        moved = p.e.transpose(axes)
        if p.same(p.a, moved.reshape(p.shape)) or p.same(p.a.reshape(moved.shape), moved):
            return (
                "These are the right numbers in another order in memory: a reshape stands where axes must be "
                "moved first."
            )
    if p.same(p.a, np.sort(p.e, axis=None).reshape(p.shape)):
        return "These are the right numbers, sorted."
    return "These are the right numbers, each once, but in other places."


def _matched(p: _Pair, axis: int) -> bool:
    """Whether the slices along an axis are the right ones in another order."""
    mine, theirs = np.moveaxis(p.a, axis, 0), list(np.moveaxis(p.e, axis, 0))
    for one in mine:
        found = next((i for i, other in enumerate(theirs) if p.same(one, other)), None)
        if found is None:
            return False
        del theirs[found]
    return True


def _one_slice(p: _Pair) -> str:
    """Wrong, or right, in the first or last slice along one axis alone; right in every second."""
    for axis, n in enumerate(p.shape):
        if n < 2:
            continue
        right = np.moveaxis(p.right, axis, 0).reshape(n, -1)
        whole, mostly_wrong = right.all(axis=1), right.mean(axis=1) < 0.5
        slices = np.moveaxis(p.e, axis, 0)
        word = _word(p.ndim, axis)
        for place in (0, -1):
            others = np.delete(np.arange(n), place)
            if whole[place] and mostly_wrong[others].all() and p.kinds(slices[place]) >= 2:
                return f"Only the {_ORDER[place]} {word} is right."
        for place in (0, -1):
            others = np.delete(np.arange(n), place)
            if not whole[place] and whole[others].all() and p.kinds(slices[others]) >= 2 and n > 2:
                return f"Everything is right except in the {_ORDER[place]} {word}."
        if n >= 4:
            for start, name in ((0, "beginning with the first"), (1, "beginning with the second")):
                even = np.arange(n) % 2 == start
                if whole[even].all() and mostly_wrong[~even].all() and p.kinds(slices[even]) >= 2:
                    return f"Only every second {word} is right, {name}."
        if n > 2 and np.count_nonzero(~whole) == 1 and p.kinds(slices[whole]) >= 2 and p.ndim > 1:
            return f"Everything is right except in one {word}, at index {int(np.argmin(whole))}."
    return ""


def _border(p: _Pair) -> str:
    """Right inside, wrong at the border of the last one or two axes; or the reverse."""
    axes = (p.ndim - 1,) if p.ndim == 1 else (p.ndim - 2, p.ndim - 1)
    if not p.ndim or p.ndim > 4:
        return ""
    depth = np.full(p.shape, np.iinfo(np.int64).max)
    for axis in axes:
        n = p.shape[axis]
        along = np.minimum(np.arange(n), np.arange(n)[::-1])
        depth = np.minimum(depth, along.reshape([-1 if i == axis else 1 for i in range(p.ndim)]))
    wide = {1: "one entry wide", 2: "two entries wide"}
    for width in range(1, 4):
        inside = depth >= width
        if not inside.any():
            break
        if p.right[inside].all() and not p.right[~inside].all() and p.kinds(p.e[inside]) >= 2:
            if width > 1 and not _touches(p, depth, width):
                continue
            return f"Everything is right except at the border, {wide.get(width, f'{width} entries wide')}."
        outside_right = p.right[~inside].all() and p.kinds(p.e[~inside]) >= 3
        if outside_right and p.right[inside].mean() < 0.5 and np.count_nonzero(inside) > 1:
            return f"Right only at the border, {wide.get(width, f'{width} entries wide')}; wrong inside."
    return ""


def _touches(p: _Pair, depth: np.ndarray, width: int) -> bool:
    """Whether the outermost entries are wrong, too: what is wrong only further in is no border effect."""
    return not p.right[depth == 0].all()


def _zeros(p: _Pair) -> str:
    wrong = ~p.right
    if p.kinds(p.e[p.right]) < 2:
        return ""
    if not p.a[wrong].any():
        return "What is wrong is zero where it should not be; everything else is right."
    if not p.e[wrong].any():
        return "What is wrong should be zero; everything else is right."
    return ""


def _same_everywhere(p: _Pair) -> str:
    if p.a.size > 2 and p.rich and p.near(p.a, np.full(p.shape, p.a.flat[0])).all():
        return "All your values are the same, and should not be."
    return ""


def _one_constant(p: _Pair) -> str:
    """A constant factor or offset, everywhere or for each slice along one axis."""
    if not p.rich:
        return ""
    if p.a.size > 2 and _constant(p, p.a - p.e):
        return "Your values are off by one constant: the same number is added to each."
    if p.a.size > 2 and _ratio(p) is not None:
        return "Your values are right up to one constant factor."
    for axis in range(p.ndim) if p.ndim > 1 else ():
        mine, right = np.moveaxis(p.a, axis, 0), np.moveaxis(p.e, axis, 0)
        if len(mine) < 2 or any(p.kinds(one) < 3 for one in right):
            continue
        if all(_constant(p, one - other) for one, other in zip(mine, right, strict=True)):
            return f"Each {_word(p.ndim, axis)} is off by a constant of its own, added to all of it."
        if all(_proportional(p, one, other) for one, other in zip(mine, right, strict=True)):
            return f"Each {_word(p.ndim, axis)} is right up to a factor of its own."
    return ""


def _constant(p: _Pair, values: np.ndarray) -> bool:
    return p.same(values, np.full(values.shape, values.flat[0]))


def _proportional(p: _Pair, one: np.ndarray, other: np.ndarray) -> bool:
    place = np.unravel_index(np.argmax(np.abs(other)), other.shape)
    ratio = one[place] / other[place]
    return bool(ratio != 0 and np.isfinite(ratio) and p.same(one / ratio, other))


_CHEAP_CLAIMS: tuple[Callable[[_Pair], str], ...] = (
    _not_finite,
    _all_zero,
    _negated,
    _simple_factor,
    _one_slice,
)
_CLAIMS: tuple[Callable[[_Pair], str], ...] = (
    _not_finite,
    _all_zero,
    _off_by_one,
    _negated,
    _transposed,
    _flipped,
    _turned,
    _simple_factor,
    _nearly,
    _entrywise,
    _shifted,
    _same_everywhere,
    _reordered,
    _one_slice,
    _border,
    _zeros,
    _one_constant,
)


# ---- Shapes


def _same_numbers_other_shape(actual: np.ndarray, expected: np.ndarray) -> str:
    p = _Pair(actual, expected)
    if not p.finite_expected:
        return ""
    squeezed = tuple(n for n in actual.shape if n != 1), tuple(n for n in expected.shape if n != 1)
    if squeezed[0] == squeezed[1]:
        extra = actual.ndim - expected.ndim
        right = " The numbers are right." if p.rich and p.same(p.a.ravel(), p.e.ravel()) else ""
        if extra > 0:
            return f"There {_are(extra)} of length 1 too many.{right}"
        return f"There {_are(-extra)} of length 1 missing.{right}" if extra < 0 else right.strip()
    if p.rich and p.same(p.a.ravel(), p.e.ravel()):
        return "The numbers are right and in the right order; only the shape is not."
    if actual.ndim == expected.ndim and actual.ndim <= 4:
        for axes in itertools.permutations(range(expected.ndim)):
            if p.rich and p.same(p.a, p.e.transpose(axes)):
                return "It is the right array with its axes in another order."
        if sorted(actual.shape) == sorted(expected.shape):
            return "The lengths are right, but stand at the wrong axes."
    return ""


def _are(count: int) -> str:
    return "is one axis" if count == 1 else f"are {count} axes"


def _cropped(actual: np.ndarray, expected: np.ndarray) -> str:
    """Whether one of the two arrays stands inside the other."""
    extra = [one - other for one, other in zip(actual.shape, expected.shape, strict=True)]
    if any(n > 0 for n in extra) and any(n < 0 for n in extra):
        return ""
    large, small = (actual, expected) if any(n > 0 for n in extra) else (expected, actual)
    p = _Pair(small, expected)
    if not np.isfinite(expected).all() or p.kinds(small.astype(np.float64)) < 3:
        return ""
    for where, share in (("in its middle", 0.5), ("at its start", 0.0), ("at its end", 1.0)):
        starts = [math.floor(share * abs(n)) for n in extra]
        inner = large[tuple(slice(s, s + n) for s, n in zip(starts, small.shape, strict=True))]
        if p.same(inner.astype(np.float64), small.astype(np.float64)):
            if large is actual:
                return f"The right values stand {where}: there is too much around them."
            where = where.replace("its", "the")
            return f"What is there is right: it stands {where} of the right array, and the rest is missing."
    return ""


# ---- Words


def _word(ndim: int, axis: int) -> str:
    """What a slice along an axis is called."""
    if ndim == 1:
        return "value"
    if ndim == 2:
        return ("row", "column")[axis]
    if ndim == 4 and axis > 1:
        return ("row", "column")[axis - 2]
    return f"entry along axis {axis}"


def _plural(ndim: int, axis: int) -> str:
    word = _word(ndim, axis)
    return f"The {word.replace('entry', 'entries')}" if word.startswith("entry") else f"The {word}s"


def _listed(values: object, last: str = "and") -> str:
    words = [str(value) for value in values]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"
