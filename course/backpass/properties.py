"""Named properties that results must have: asked by hidden checks and by recorded cases alike.

Each property takes values (the student's results, as they came, and inputs) and plain options, and returns
None where it holds, else `Broken` with the sentence that the student reads. A tag says which known mistake
broke it: a mistake declared with shown_by="keep_rate:swapped" is named by it, which is the only way where
draws are random.

Values are passed whole: a case records what is the student's result and what is an input, and could not
follow a difference or a quotient computed in between. So properties do that arithmetic themselves.

Statistical properties allow `sigmas` standard errors, by default 6: a right answer fails once in 500 million
draws.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from backpass import resampling
from backpass.closeness import close

Axis = int | tuple[int, ...] | None


@dataclass(frozen=True)
class Broken:
    """A property that does not hold. tag: the known mistake that broke it, or ""."""

    sentence: str
    tag: str = ""


def _of_fitting_values(question: Callable[..., Broken | None]) -> Callable[..., Broken | None]:
    """Values that do not fit together are the asker's fault: a TypeError, whatever NumPy raises."""

    @functools.wraps(question)
    def asked(*values: Any, **options: Any) -> Broken | None:
        try:
            return question(*values, **options)
        except (ValueError, IndexError) as error:
            raise TypeError(f"{question.__name__} cannot be asked of these values: {error}") from error

    return asked


# ---- Linear maps and their adjoints (units 1, 2, 3, 5, 7, 9)


@_of_fitting_values
def adjoint(Lx: Any, y: Any, x: Any, LTy: Any, *, rtol: float = 1e-7) -> Broken | None:
    """⟨Lx, y⟩ = ⟨x, Lᵀy⟩: `Lx` is the forward value of a linear map at x, `LTy` its backward value at y."""
    if np.shape(Lx) != np.shape(y) or np.shape(x) != np.shape(LTy):
        return Broken("the shapes do not fit: y has the forward's shape, and the gradient has the input's.")
    forward, backward = _inner(Lx, y), _inner(x, LTy)
    scale = _norm(Lx) * _norm(y) + _norm(x) * _norm(LTy)
    if abs(forward - backward) <= _loosened(rtol, Lx, y, x, LTy) * max(scale, 1e-12):
        return None
    tag = "negated" if _near(forward, -backward, rtol) else ""
    return Broken(
        "the backward pass is not the adjoint of the forward pass: ⟨Lx, y⟩ and ⟨x, Lᵀy⟩ differ. Each entry "
        "of x must get back, from each entry of y, exactly the weight that it went forward with.",
        tag,
    )


@_of_fitting_values
def linear(f_x: Any, f_y: Any, f_both: Any, *, a: float = 1.0, b: float = 1.0, rtol: float = 1e-7) -> Broken | None:
    """f(a·x + b·y) = a·f(x) + b·f(y), given the three values."""
    return _agree(
        f_both,
        a * _array(f_x) + b * _array(f_y),
        rtol,
        "the map is not linear: f(ax + by) is not af(x) + bf(y).",
    )


@_of_fitting_values
def gradient_along(
    y_plus: Any, y_minus: Any, h: float, dy: Any, dx: Any, v: Any, *, rtol: float = 1e-5
) -> Broken | None:
    """⟨dy, (f(x + hv) − f(x − hv)) / 2h⟩ = ⟨dx, v⟩: a gradient against the own forward, in direction v.

    For random layers: call the forward with generators of equal seeds. It shows that the pair is consistent
    only.
    """
    slope = _inner(dy, (_array(y_plus) - _array(y_minus)) / (2 * h))
    return _slopes(slope, _inner(dx, v), _norm(dx) * _norm(v), rtol)


@_of_fitting_values
def gradients_along(
    y_plus: Any,
    y_minus: Any,
    h: float,
    dy: Any,
    gradients: Sequence,
    directions: Sequence,
    *,
    rtol: float = 1e-5,
) -> Broken | None:
    """As gradient_along, for several arguments moved at once: gradients and directions are lists."""
    slope = _inner(dy, (_array(y_plus) - _array(y_minus)) / (2 * h))
    total = sum(_inner(g, v) for g, v in zip(gradients, directions, strict=True))
    scale = sum(_norm(g) * _norm(v) for g, v in zip(gradients, directions, strict=True))
    return _slopes(slope, total, scale, rtol)


def _slopes(slope: float, claimed: float, scale: float, rtol: float) -> Broken | None:
    if abs(slope - claimed) <= rtol * max(abs(slope), abs(claimed), scale * 1e-2, 1e-9):
        return None
    return Broken("the gradient does not fit the forward pass: a small step does not change the result as it says.")


# ---- Equalities between results


@_of_fitting_values
def equal(a: Any, b: Any, *, rtol: float | None = None, because: str = "", tag: str = "") -> Broken | None:
    """Two results agree. because: a sentence why they must."""
    return _agree(a, b, rtol, because or "two results that must be equal differ.", tag)


@_of_fitting_values
def not_equal(a: Any, b: Any, *, because: str = "", tag: str = "") -> Broken | None:
    """Two results differ somewhere, e.g. two draws from one generator."""
    same = np.shape(a) == np.shape(b) and bool(np.all(close(_array(a), _array(b))))
    return Broken(because or "two results that must differ are the same.", tag) if same else None


@_of_fitting_values
def same_draws(first: Any, second: Any) -> Broken | None:
    """Generators of equal seeds give equal results (tag global_state: another source is in use)."""
    sentence = (
        "the same seed gave two different results: randomness must come from the `rng` that is passed in, "
        "and from nowhere else."
    )
    return _agree(first, second, None, sentence, "global_state")


@_of_fitting_values
def scaled(a: Any, b: Any, factor: float, *, because: str = "", rtol: float | None = None) -> Broken | None:
    """a = factor · b."""
    return _agree(a, factor * _array(b), rtol, because or "one result is not the right multiple of the other.")


@_of_fitting_values
def invariant(f_x: Any, f_moved: Any, *, because: str = "", rtol: float | None = None) -> Broken | None:
    """f(x) = f(moved x)."""
    return _agree(f_x, f_moved, rtol, because or "the result changes where it must stay the same.")


# ---- Sums, means, norms, symmetries


@_of_fitting_values
def sums_to(x: Any, total: Any, axis: Axis = None, *, rtol: float = 1e-7, because: str = "") -> Broken | None:
    """The sums of x over `axis` equal `total` (a number or an array)."""
    x = _array(x)
    size = np.sum(np.abs(x), axis=_axes(axis))
    off = np.abs(np.sum(x, axis=_axes(axis)) - _array(total))
    if np.all(off <= _loosened(rtol, x) * np.maximum(size, np.abs(total)) + 1e-11):
        return None
    return Broken(because or "the sum is not what it must be.")


@_of_fitting_values
def zero_mean(x: Any, axis: Axis = None, *, rtol: float = 1e-7, because: str = "") -> Broken | None:
    """x has mean 0 over `axis`, up to rounding."""
    return sums_to(x, 0.0, axis, rtol=rtol, because=because or "the mean is not zero.")


@_of_fitting_values
def unit_variance(x: Any, axis: Axis = None, *, rtol: float = 1e-3, because: str = "") -> Broken | None:
    """x has biased variance 1 over `axis`; rtol leaves room for eps. Tag unbiased: it is (n − 1)/n."""
    x = _array(x)
    axes = _axes(axis)
    variance = np.var(x, axis=axes)
    if np.all(np.abs(variance - 1) <= rtol):
        return None
    n = x.size / variance.size
    unbiased = np.all(np.abs(variance - (n - 1) / n) <= rtol) and 1 / n > 2 * rtol
    sentence = because or "the variance is not one."
    if unbiased:
        sentence += " It is (n − 1)/n: the variance that you divide by is the unbiased one."
    return Broken(sentence, "unbiased" if unbiased else "")


@_of_fitting_values
def orthogonal(a: Any, b: Any, axis: Axis = None, *, rtol: float = 1e-7, because: str = "") -> Broken | None:
    """The inner products of a and b over `axis` are 0, relative to the norms."""
    a, b = _array(a), _array(b)
    axes = _axes(axis)
    inner = np.sum(a * b, axis=axes)
    norms = np.sqrt(np.sum(a * a, axis=axes) * np.sum(b * b, axis=axes))
    if np.all(np.abs(inner) <= _loosened(rtol, a, b) * norms + 1e-11):
        return None
    return Broken(because or "the inner product is not zero.")


@_of_fitting_values
def norm_is(x: Any, norm: Any, axis: Axis = None, *, rtol: float = 1e-7, because: str = "") -> Broken | None:
    """The Euclidean norms of x over `axis` equal `norm`."""
    norms = np.sqrt(np.sum(np.square(_array(x)), axis=_axes(axis)))
    return _agree(
        norms, np.broadcast_to(_array(norm), norms.shape), rtol, because or "the norm is not what it must be."
    )


@_of_fitting_values
def largest_singular_value(x: Any, value: float, *, rtol: float = 1e-6, because: str = "") -> Broken | None:
    """The matrix x, reshaped to (len(x), −1), has this spectral norm."""
    matrix = _array(x).reshape(len(x), -1)
    found = np.linalg.norm(matrix, 2)
    return None if _near(found, value, rtol) else Broken(because or "the spectral norm is not what it must be.")


@_of_fitting_values
def constant_over_axes(x: Any, axis: Axis, *, because: str = "", tag: str = "") -> Broken | None:
    """x does not change along `axis`."""
    x = _array(x)
    first = np.take(x, [0], axis=axis) if isinstance(axis, int) else x[_firsts(x.ndim, axis)]
    if np.all(close(x, np.broadcast_to(first, x.shape))):
        return None
    return Broken(because or f"the values change along axis {axis}, where they must be the same.", tag)


@_of_fitting_values
def rows_differ(x: Any, axis: int = 0, *, because: str = "", tag: str = "shared") -> Broken | None:
    """Not all slices of x along `axis` are the same (one mask for all samples)."""
    x = np.moveaxis(_array(x), axis, 0)
    if len(x) < 2 or not np.all(close(x, np.broadcast_to(x[:1], x.shape))):
        return None
    return Broken(because or f"all entries along axis {axis} are the same: one draw is shared by all.", tag)


@_of_fitting_values
def turn_symmetric(kernel: Any, *, because: str = "") -> Broken | None:
    """A square kernel is the same after a quarter turn."""
    kernel = _array(kernel)
    return _agree(np.rot90(kernel), kernel, None, because or "a quarter turn changes the kernel.")


@_of_fitting_values
def finite(x: Any, *, because: str = "", tag: str = "") -> Broken | None:
    """No nan and no inf."""
    x = _array(x)
    if np.all(np.isfinite(x)):
        return None
    what = "nan" if np.any(np.isnan(x)) else "inf"
    return Broken(because or f"there is {what} in the result.", tag)


@_of_fitting_values
def between(x: Any, low: float, high: float, *, because: str = "", tag: str = "") -> Broken | None:
    """low <= x <= high everywhere."""
    x = _array(x)
    if np.all((x >= low) & (x <= high)):
        return None
    return Broken(because or f"there are values outside [{low:g}, {high:g}].", tag)


@_of_fitting_values
def probabilities(x: Any, axis: int = -1) -> Broken | None:
    """Not negative, and summing to one along `axis`. Tag wrong_axis: they sum to one along another axis."""
    x = _array(x)
    if not np.all(np.isfinite(x)):
        return Broken("there is nan or inf among the probabilities.", "nan")
    if np.any(x < 0):
        return Broken("there is a negative probability.")
    if np.all(close(x.sum(axis=axis), np.ones(np.delete(x.shape, axis)))):
        return None
    for other in range(x.ndim):
        if other != axis % x.ndim and np.all(close(x.sum(axis=other), np.ones(np.delete(x.shape, other)))):
            return Broken(
                f"the probabilities sum to one along axis {other}, and should along axis {axis}.",
                "wrong_axis",
            )
    return Broken(f"the probabilities do not sum to one along axis {axis}.")


@_of_fitting_values
def ordered(low: Any, middle: Any, high: Any, *, because: str = "") -> Broken | None:
    """low <= middle <= high, e.g. an interval around an effect."""
    if np.all(_array(low) <= _array(middle)) and np.all(_array(middle) <= _array(high)):
        return None
    return Broken(because or "the values are not in order.")


# ---- Random draws (units 4, 6, 8, 9)


@_of_fitting_values
def within_sigma(
    value: Any,
    expected: float,
    sigma: float,
    *,
    instead: Mapping[str, float] | None = None,
    because: str = "",
    sigmas: float = 6.0,
) -> Broken | None:
    """A random number lies within `sigmas` standard errors `sigma` of what is expected.

    instead: tag -> the value that a known mistake gives; the nearest one within reach is named.
    """
    value = float(np.asarray(value))
    if abs(value - expected) <= sigmas * sigma:
        return None
    sentence = because or "the value is too far from what it must be for chance to explain it."
    return Broken(sentence, _nearest(value, sigma * sigmas, instead))


@_of_fitting_values
def mean_and_variance(
    x: Any,
    mean: float,
    variance: float,
    *,
    instead: Mapping[str, float] | None = None,
    kurtosis: float = 3.0,
    sigmas: float = 6.0,
) -> Broken | None:
    """Independent draws have this mean and this variance.

    instead: tag -> the variance that a known mistake gives. kurtosis: of the wanted distribution (normal 3,
    uniform 1.8), for the standard error of the variance.
    """
    x = _array(x).ravel()
    if not np.all(np.isfinite(x)):
        return Broken("there is nan or inf among the draws.", "nan")
    found = float(np.mean((x - mean) ** 2))
    relative = math.sqrt(max(kurtosis - 1, 0.5) / x.size)
    if abs(found - variance) > sigmas * relative * variance:
        which = "larger" if found > variance else "smaller"
        tag = _nearest_variance(found, relative * sigmas, instead)
        return Broken(f"the variance of the draws is {which} than it must be.", tag)
    if abs(float(np.mean(x)) - mean) > sigmas * math.sqrt(variance / x.size):
        return Broken("the mean of the draws is not what it must be.", "mean")
    return None


@_of_fitting_values
def uniform_draws(
    x: Any, low: float, high: float, *, instead: Mapping[str, float] | None = None, sigmas: float = 6.0
) -> Broken | None:
    """Draws are uniform on [low, high]. instead: tag -> half the width that a known mistake gives.

    Tag normal: the variance is right, the bounds are not kept.
    """
    x = _array(x).ravel()
    centre, half = (low + high) / 2, (high - low) / 2
    reach = float(np.max(np.abs(x - centre)))
    # The largest of n draws misses the bound by about a half of 1/n of the width.
    wide = reach <= half * (1 + 1e-6)
    full = reach >= half * (1 - 2 * sigmas / x.size)
    shape = mean_and_variance(x, centre, half**2 / 3, kurtosis=1.8, sigmas=sigmas)
    if wide and full and shape is None:
        return None
    for tag, other in (instead or {}).items():
        if reach <= other * (1 + 1e-6) and reach >= other * (1 - 2 * sigmas / x.size):
            return Broken("the draws fill another interval than they must.", tag)
    if not wide and shape is None:
        return Broken(
            "the variance is right, but values lie outside the interval: the draws are not uniform.", "normal"
        )
    if not wide:
        return Broken("there are values outside the interval from which they must be drawn.")
    return Broken("the draws do not fill their interval evenly.")


@_of_fitting_values
def spread_over_calls(counts_of: Sequence, *, because: str = "", tag: str = "exact") -> Broken | None:
    """Over several results the number of zeros is not always the same (tag exact: it is ⌊pN⌋ each time).

    Tags nothing_dropped (it is 0 each time) and repeated (all results are the same) come first.
    """
    results = [_array(one) for one in counts_of]
    counts = {int(np.count_nonzero(one == 0)) for one in results}
    if len(counts) > 1:
        return None
    if counts == {0}:
        return Broken("nothing was dropped.", "nothing_dropped")
    if all(np.array_equal(one, results[0]) for one in results):
        return Broken("every call drops the same entries: each call must draw anew.", "repeated")
    return Broken(
        because or "every call drops exactly the same number of entries: each entry must be drawn on its own.",
        tag,
    )


@_of_fitting_values
def fates_differ(results: Sequence, *, because: str = "", tag: str = "together") -> Broken | None:
    """In some of the results a part of the entries is 0 and a part is not (stochastic depth per sample)."""
    if any(0 < np.count_nonzero(_array(one)) < _array(one).size for one in results):
        return None
    sentence = "in every call either everything was dropped or nothing: one draw decides for the whole batch."
    return Broken(because or sentence, tag)


@_of_fitting_values
def keep_rate(
    x: Any,
    y: Any,
    p: float,
    unit: Axis = (),
    *,
    instead: Mapping[str, float] | None = None,
    sigmas: float = 6.0,
) -> Broken | None:
    """Inverted dropout: entries of y are 0 with probability p, and else x / (1 − p). x has no zeros.

    unit: the axes over which one draw is shared, e.g. (2, 3) for whole maps, (1, 2, 3) for whole samples.
    instead: tag -> the share of kept entries that a known mistake gives.
    Tags: nan, nothing_dropped, uneven (one draw is not shared over `unit`; uneven_12: it is over axes 1 and 2),
    swapped (p is the probability to keep), reversed (the same share, with the right scale), shared (the same
    mask all along axis 0; shared_1: along axis 1), rate, unscaled, scaled_by_keep (x · (1 − p)), by_p (x / p),
    by_share (divided by the share that happened to be kept), wrong_scale.
    """
    x, y = _array(x), _array(y)
    if not np.all(np.isfinite(y)):
        return Broken("there is nan or inf in the result.", "nan")
    kept = y != 0
    if np.all(kept) and p > 0:
        return Broken("nothing was dropped.", "nothing_dropped")
    scale = _common_ratio(y[kept], x[kept])
    axes = tuple(axis % x.ndim for axis in (unit if isinstance(unit, tuple) else (unit,)))
    draws = kept[_firsts(x.ndim, axes)]
    if not np.array_equal(np.broadcast_to(draws, kept.shape), kept):
        alike = "".join(str(axis) for axis in range(x.ndim) if _shared_along(kept, axis))
        return Broken(
            f"one draw must decide over all of axes {axes}; here entries of one group were treated apart.",
            f"uneven_{alike}" if alike else "uneven",
        )
    rate = float(np.mean(draws))
    margin = sigmas * math.sqrt(max(p * (1 - p), 1e-12) / draws.size)
    right_rate, swapped_rate = abs(rate - (1 - p)) <= margin, abs(rate - p) <= margin
    shared = _shared(draws)
    if shared is not None and draws.size > 8:
        return Broken(f"the same mask was used all along axis {shared}: each must be drawn on its own.", _along(shared))
    known = "" if right_rate else _nearest(rate, margin, {"swapped": p} | dict(instead or {}))
    if known == "swapped" and swapped_rate:
        right_scale = scale is not None and _near(scale, 1 / (1 - p), 1e-4)
        return Broken(
            "p is the probability to drop an entry; here about a share of p was kept.",
            "reversed" if right_scale else "swapped",
        )
    if not right_rate:
        return Broken("the share of dropped entries is not p.", known or "rate")
    return _scale_of_kept(scale, p, float(np.mean(kept)))


def _scale_of_kept(scale: float | None, p: float, share: float) -> Broken | None:
    if scale is None:
        return Broken("what is kept is not one multiple of x.", "wrong_scale")
    if _near(scale, 1 / (1 - p), 1e-4):
        return None
    if _near(scale, 1.0, 1e-4):
        return Broken("what is kept is not divided by 1 − p, so the expected value shrinks.", "unscaled")
    if _near(scale, 1 - p, 1e-4):
        return Broken("what is kept is multiplied by 1 − p; it must be divided by it.", "scaled_by_keep")
    others = {"by_p": 1 / p, "by_share": 1 / share}
    tag = next((tag for tag, other in others.items() if _near(scale, other, 1e-4)), "wrong_scale")
    return Broken("what is kept has another scale than 1/(1 − p).", tag)


@_of_fitting_values
def inactive(x: Any, y: Any, p: float, *, training: Any = None) -> Broken | None:
    """In evaluation y is x. training: what the layer makes of x in training.

    Tags: exchanged (it is training that gives x), active (entries are dropped or noisy), scaled (x · (1 − p)),
    scaled_up (x / (1 − p)). x has no zeros.
    """
    x, y = _array(x), _array(y)
    if np.all(close(y, x)):
        return None
    if training is not None and np.all(close(_array(training), x)):
        return Broken("training and evaluation are exchanged.", "exchanged")
    scale = _common_ratio(y, x)
    if scale is None:
        return Broken("entries are still dropped or noisy in evaluation, where x must pass as it is.", "active")
    tags = {"scaled": 1 - p, "scaled_up": 1 / (1 - p)}
    tag = next((tag for tag, other in tags.items() if _near(scale, other, 1e-4)), "")
    return Broken("x is scaled in evaluation, where it must pass as it is.", tag)


@_of_fitting_values
def same_mask(x: Any, y: Any, dy: Any, dx: Any, *, later: Any = None, rtol: float = 1e-4) -> Broken | None:
    """The backward uses the forward's multiplicative noise: dx/dy = y/x entry by entry. x, dy have no zeros.

    later: what a forward of x that came between has returned. Tags: last_forward (its mask was used), new_mask
    (drawn again), unscaled (the mask without the scale), twice (the scale squared), ignored (dx = dy),
    wrong_scale.
    """
    x, y, dy, dx = map(_array, (x, y, dy, dx))
    if not (np.all(np.isfinite(y)) and np.all(np.isfinite(dx))):
        return Broken("there is nan or inf in the result.", "nan")
    forward, backward = y / x, dx / dy
    if np.allclose(backward, forward, rtol=rtol, atol=1e-6):
        return None
    # Where the forward kept everything, a gradient of dy has forgotten the scale, not the mask.
    if np.allclose(backward, 1.0, rtol=rtol) and np.ptp(forward) > 1e-6:
        return Broken("the gradient passes as if nothing had been dropped.", "ignored")
    if later is not None and np.allclose(backward, _array(later) / x, rtol=rtol, atol=1e-6):
        return Broken("the gradient uses the mask of the last forward, not that of its own.", "last_forward")
    kept = forward != 0
    if np.array_equal(backward != 0, kept):
        if np.allclose(backward, kept, rtol=rtol):
            return Broken("the gradient goes through the right entries, but without the forward's scale.", "unscaled")
        if np.allclose(backward, forward**2, rtol=rtol):
            return Broken("the forward's factors stand in the gradient twice.", "twice")
        if _common_ratio(backward[kept], forward[kept]) is not None:
            return Broken(
                "the gradient goes through the right entries, with another scale than the forward's.",
                "wrong_scale",
            )
    return Broken("the backward pass does not use the mask of the forward pass.", "new_mask")


@_of_fitting_values
def shared_noise(x: Any, y: Any, unit: Axis, *, because: str = "") -> Broken | None:
    """y/x is the same over the axes `unit` (one draw for them), and not the same along the others.

    Tags: apart (drawn for each entry), shared (shared along axis 0, where draws must differ; shared_1: along
    axis 1). x has no zeros.
    """
    ratio = _array(y) / _array(x)
    axes = tuple(axis % ratio.ndim for axis in (unit if isinstance(unit, tuple) else (unit,)))
    draws = ratio[_firsts(ratio.ndim, axes)]
    if not np.all(close(ratio, np.broadcast_to(draws, ratio.shape), 1e-4)):
        return Broken(because or f"one draw must serve all of axes {axes}; here entries of one group differ.", "apart")
    shared = _shared(draws, 1e-4)
    if shared is not None and draws.size > 1:
        return Broken(because or f"the same draw was used all along axis {shared}.", _along(shared))
    return None


@_of_fitting_values
def noise_is(
    x: Any, y: Any, variance: float, *, instead: Mapping[str, float] | None = None, sigmas: float = 6.0
) -> Broken | None:
    """y/x are independent normal draws of mean 1 and this variance (Gaussian dropout). x has no zeros.

    Tags: additive (y − x has the variance, not y/x), few_values (as of a mask), not_normal, those of
    mean_and_variance and of `instead`.
    """
    x, y = _array(x), _array(y)
    ratio = y / x
    broken = mean_and_variance(ratio, 1.0, variance, instead=instead, sigmas=sigmas)
    if broken and not broken.tag and mean_and_variance(y - x, 0.0, variance, sigmas=sigmas) is None:
        return Broken("the noise is added; it must be multiplied.", "additive")
    if broken:
        return broken
    if np.unique(np.round(ratio, 6)).size < ratio.size / 2:
        return Broken("the noise takes a few values only: it is a mask, and must be normal.", "few_values")
    # For normal draws |z| has the mean sqrt(2/π) and the variance 1 − 2/π.
    size = float(np.mean(np.abs(ratio - 1))) / math.sqrt(variance)
    if abs(size - math.sqrt(2 / math.pi)) > sigmas * math.sqrt((1 - 2 / math.pi) / ratio.size):
        return Broken("mean and variance of the noise are right, and it is not normal.", "not_normal")
    return None


@_of_fitting_values
def affine_noise(base: Any, y: Any, factor_range: float, shift_range: float) -> Broken | None:
    """y = factor · base + shift, one factor in 1 ± factor_range and one shift in ± shift_range per column.

    base: (N, D), the same layer without noise. Tags: none (y = base), per_entry (a column is no affine
    function of base), shared (all columns have the same noise), range (outside the bounds), no_factor,
    no_shift.
    """
    base, y = _array(base), _array(y)
    if np.all(close(y, base)):
        return Broken("there is no noise.", "none")
    centred = base - base.mean(axis=0)
    factor = np.sum(centred * y, axis=0) / np.sum(centred**2, axis=0)
    shift = y.mean(axis=0) - factor * base.mean(axis=0)
    if not np.all(close(y, factor * base + shift, 1e-5)):
        return Broken(
            "one factor and one shift per feature serve the whole batch; here samples have their own.",
            "per_entry",
        )
    if factor_range and np.all(close(factor, np.ones_like(factor), 1e-6)):
        return Broken("the factor is always one: only the shift is random.", "no_factor")
    if shift_range and np.all(np.abs(shift) <= 1e-9):
        return Broken("the shift is always zero: only the factor is random.", "no_shift")
    if y.shape[1] > 1 and np.ptp(factor) <= 1e-9 and np.ptp(shift) <= 1e-9:
        return Broken("all features have the same noise; each must have its own.", "shared")
    slack = 1e-6
    if np.any(np.abs(factor - 1) > factor_range + slack) or np.any(np.abs(shift) > shift_range + slack):
        swapped = np.all(np.abs(factor - 1) <= shift_range + slack) and np.all(np.abs(shift) <= factor_range + slack)
        return Broken("the noise leaves its range.", "swapped" if swapped else "range")
    return None


def _affine_fit(base: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """factor and shift of each column in y = factor · base + shift, or None where there are none."""
    centred = base - base.mean(axis=0)
    factor = np.sum(centred * y, axis=0) / np.sum(centred**2, axis=0)
    shift = y.mean(axis=0) - factor * base.mean(axis=0)
    return (factor, shift) if np.all(close(y, factor * base + shift, 1e-5)) else None


@_of_fitting_values
def noise_fills_ranges(base: Any, y: Any, factor_range: float, shift_range: float) -> Broken | None:
    """As affine_noise, and factors fill 1 ± factor_range, shifts ± shift_range evenly; base has many columns.

    Tags: around_zero (the factor varies around 0), one_sided, half_width, normal, swapped (of ranges).
    """
    fit = _affine_fit(_array(base), _array(y))
    if fit is None:
        return Broken("the noise is not one factor and one shift for each feature.")
    off, shift = fit[0] - 1, fit[1]
    reach, shift_reach = np.max(np.abs(off)), np.max(np.abs(shift))
    if np.max(np.abs(fit[0])) <= factor_range * (1 + 1e-6):
        return Broken("the factors vary around 0; they should vary around 1.", "around_zero")
    if reach <= shift_range < shift_reach <= factor_range or shift_reach <= factor_range < reach <= shift_range:
        return Broken("the factors have the range of the shifts, and the shifts that of the factors.", "swapped")
    if np.all(off >= 0) and np.all(shift >= 0):
        return Broken("the noise goes to one side only.", "one_sided")
    if reach <= factor_range / 2 and shift_reach <= shift_range / 2:
        return Broken("the noise fills only half of its range.", "half_width")
    if reach > factor_range and shift_reach > shift_range and _near(float(np.var(shift)), shift_range**2, 0.7):
        return Broken(
            "some of the noise lies outside its range, as if it were drawn from a normal distribution.",
            "normal",
        )
    for what, draws, half in (("factors", off, factor_range), ("shifts", shift, shift_range)):
        broken = uniform_draws(draws, -half, half)
        if broken:
            return Broken(f"the {what}: {broken.sentence}")
    return None


@_of_fitting_values
def noise_comes_last(
    base: Any, y: Any, gamma: Any, beta: Any, factor_range: float, shift_range: float
) -> Broken | None:
    """The noise comes after gamma and beta. Tag before_affine: it was applied to the normalised values."""
    fit = _affine_fit(_array(base), _array(y))
    if fit is None:
        return Broken("the noise is not one factor and one shift for each feature.")
    factor, shift = fit
    slack = 1 + 1e-6
    if np.all(np.abs(factor - 1) <= factor_range * slack) and np.all(np.abs(shift) <= shift_range * slack):
        return None
    inner = (shift - _array(beta) * (1 - factor)) / _array(gamma)
    before = np.all(np.abs(factor - 1) <= factor_range * slack) and np.all(np.abs(inner) <= shift_range * slack)
    return Broken("the noise leaves its range when gamma and beta are large.", "before_affine" if before else "")


@_of_fitting_values
def noise_goes_back(base: Any, y: Any, without: Sequence, gradients: Sequence) -> Broken | None:
    """Gradients through y = factor · base + shift are factor · those without noise.

    without, gradients: lists of equal length, dx first. Tags: unscaled (the factor is missing in all),
    parameters_unscaled (in all but the first), new_noise (another factor than the forward's).
    """
    fit = _affine_fit(_array(base), _array(y))
    if fit is None:
        return Broken("the noise is not one factor and one shift for each feature.")
    pairs = [(_array(a), _array(b)) for a, b in zip(without, gradients, strict=True)]
    scaled_right = [bool(np.all(close(b, fit[0] * a, 1e-5))) for a, b in pairs]
    unscaled = [bool(np.all(close(b, a, 1e-5))) for a, b in pairs]
    if all(scaled_right):
        return None
    if all(unscaled):
        return Broken("the gradients are those of the layer without noise.", "unscaled")
    if scaled_right[0] and all(unscaled[1:]):
        return Broken("dx knows the noise, and the parameters' gradients do not.", "parameters_unscaled")
    rows, dx = pairs[0]
    other = np.sum(rows * dx, axis=0) / np.sum(rows * rows, axis=0)
    new = np.all(close(dx, other * rows, 1e-5)) and not np.all(close(other, other[:1] + 0 * other, 1e-5))
    sentence = "the gradients do not go through the factor that the forward pass has drawn."
    return Broken(sentence, "new_noise" if new else "")


@_of_fitting_values
def deviation_is(
    value: Any, expected: float, trials: int, instead: Mapping[str, float] | None = None, sigmas: float = 6.0
) -> Broken | None:
    """A standard deviation estimated from `trials` nearly normal values.

    instead: tag -> what a known mistake gives. Tag zero: nothing varies.
    """
    value, relative = float(np.asarray(value)), sigmas / math.sqrt(2 * trials)
    if abs(value - expected) <= relative * expected:
        return None
    if abs(value) <= 1e-9 * expected:
        return Broken("the batch means do not vary at all.", "zero")
    which = "larger" if value > expected else "smaller"
    sentence = f"the deviation is {which} than it must be, and by more than chance explains."
    return Broken(sentence, _nearest_variance(value, relative, instead))


@_of_fitting_values
def blocks_dropped(x: Any, y: Any, block_size: int, *, sigmas: float = 6.0, p: float | None = None) -> Broken | None:
    """DropBlock: the zeros of y (N, C, H, W) are whole squares, the rest is x · numel/kept. x has no zeros.

    p, if given: the rate of seeds is p·H·W / (k²·(H−k+1)·(W−k+1)), within `sigmas` standard errors. Tags:
    nan, nothing_dropped, cut (squares are cut off at the border), not_blocks, shared (by all samples), shared_1
    (by all channels), rate_p (it is p), rate_area (it is p/k²), rate, unscaled, by_p (x / (1 − p)), by_sample
    (the scale is counted for each sample), wrong_scale.
    """
    x, y = _array(x), _array(y)
    if not np.all(np.isfinite(y)):
        return Broken("there is nan or inf in the result.", "nan")
    kept = y != 0
    if np.all(kept):
        return Broken("nothing was dropped.", "nothing_dropped")
    k = block_size
    if not np.array_equal(_squares(~kept, k), ~kept):
        border = ((0, 0), (0, 0), (k // 2, k // 2), (k // 2, k // 2))
        inner = _squares(np.pad(~kept, border, constant_values=True), k)
        cut = np.array_equal(inner[:, :, k // 2 : -(k // 2) or None, k // 2 : -(k // 2) or None], ~kept)
        return Broken(
            f"the dropped entries are not made of whole {k} × {k} squares inside the picture.",
            "cut" if cut else "not_blocks",
        )
    for axis, whose in ((0, "samples"), (1, "channels")):
        if _shared_along(kept, axis):
            return Broken(f"all {whose} have the same squares: seeds are drawn per sample and channel.", _along(axis))
    if p is not None:
        wrong = _rate_of_squares(kept, k, p, sigmas)
        if wrong is not None:
            return Broken("the rate at which squares are drawn is not p·H·W / (k²·(H−k+1)·(W−k+1)).", wrong)
    return _scale_of_squares(x, y, kept, p)


def _squares(dropped: np.ndarray, k: int) -> np.ndarray:
    """The entries that lie in whole k × k squares of dropped ones."""
    rows, columns = dropped.shape[2] - k + 1, dropped.shape[3] - k + 1
    places = [np.s_[:, :, i : i + rows, j : j + columns] for i in range(k) for j in range(k)]
    whole, covered = np.ones_like(dropped[places[0]]), np.zeros_like(dropped)
    for place in places:
        whole &= dropped[place]
    for place in places:
        covered[place] |= whole
    return covered


def _rate_of_squares(kept: np.ndarray, k: int, p: float, sigmas: float) -> str | None:
    """The tag of a wrong rate, None for a right one."""
    height, width = kept.shape[2:]
    rows, columns = height - k + 1, width - k + 1
    # A place is kept where none of the seeds that reach it fell: exact, since seeds are independent.
    reach = np.convolve(np.ones(rows), np.ones(k))[:, None] * np.convolve(np.ones(columns), np.ones(k))
    rates = {"": p * height * width / (k * k * rows * columns), "rate_p": p, "rate_area": p / (k * k)}
    expected = {tag: float(np.mean((1 - min(rate, 1.0)) ** reach)) for tag, rate in rates.items()}
    per_map = kept.mean(axis=(2, 3)).ravel()
    error = max(float(per_map.std(ddof=1)), 0.5 / (height * width)) / math.sqrt(per_map.size)
    found, right = float(per_map.mean()), expected.pop("")
    return None if abs(found - right) <= sigmas * error else _nearest(found, sigmas * error, expected) or "rate"


def _scale_of_squares(x: np.ndarray, y: np.ndarray, kept: np.ndarray, p: float | None) -> Broken | None:
    scale = _common_ratio(y[kept], x[kept])
    if scale is not None and _near(scale, kept.size / kept.sum(), 1e-4):
        return None
    if scale is not None and _near(scale, 1.0, 1e-4):
        return Broken("what is kept is not scaled by the number of entries over the number kept.", "unscaled")
    tag = "wrong_scale"
    if scale is None and all(
        _near(_common_ratio(b[k], a[k]) or 0.0, k.size / k.sum(), 1e-4)
        for a, b, k in zip(x, y, kept, strict=True)
        if np.any(k)
    ):
        tag = "by_sample"
    elif scale is not None and p is not None and _near(scale, 1 / (1 - p), 1e-4):
        tag = "by_p"
    return Broken(
        "what is kept has another scale than the number of entries over the number kept, in the whole array.", tag
    )


# ---- Resampling (unit 9)


@_of_fitting_values
def mean_difference(effect: Any, a: Any, b: Any) -> Broken | None:
    """effect = mean(a) − mean(b). Tags: swapped (mean(b) − mean(a), or its size), medians, resampled (only near it)."""
    a, b = _array(a), _array(b)
    right, found = float(a.mean() - b.mean()), float(np.asarray(effect))
    if _near(found, right, 1e-9):
        return None
    if _near(found, -right, 1e-9):
        return Broken("the effect is mean(b) − mean(a): a positive effect must mean that a is larger.", "swapped")
    if _near(found, float(np.median(a) - np.median(b)), 1e-9):
        return Broken("the effect is a difference of medians; the means are asked for.", "medians")
    error = math.sqrt(a.var() / a.size + b.var() / b.size)
    tag = "resampled" if abs(found - right) < error else ""
    return Broken("the effect is not mean(a) − mean(b) of the values as they were measured.", tag)


@_of_fitting_values
def bootstrap_interval(
    a: Any, b: Any, low: Any, high: Any, *, level: float, draws: int, sigmas: float = 6.0
) -> Broken | None:
    """low, high: quantiles (1 ∓ level)/2 of mean(a*) − mean(b*), where a* and b* are resampled independently.

    a and b have at most six values each, so that the distribution is known exactly; any quantile rule will do.
    Tags: reversed (low > high), collapsed (low = high), symmetric (about the effect: no quantiles), and those of
    backpass.resampling.known_mistakes.
    """
    a, b = _array(a), _array(b)
    ends = float(np.asarray(low)), float(np.asarray(high))

    def fits(distribution: resampling.Distribution, *quantiles: float) -> bool:
        windows = [distribution.around(q, draws, sigmas) for q in quantiles]
        slack = 1e-9 * (np.ptp(a) + np.ptp(b))
        return all(lo - slack <= end <= hi + slack for end, (lo, hi) in zip(ends, windows, strict=True))

    resampled = resampling.mean_of_resample(a, len(a)), resampling.mean_of_resample(b, len(b))
    if fits(resampling.difference(*resampled), (1 - level) / 2, (1 + level) / 2):
        return None
    if ends[0] > ends[1]:
        return Broken("low is above high.", "reversed")
    if ends[0] == ends[1]:
        return Broken("the interval has no width: the resamples do not differ.", "collapsed")
    sentence = "the interval is not that of the quantiles of resampled differences; chance does not explain it."
    tags = [tag for tag, made, *quantiles in resampling.known_mistakes(a, b, level) if fits(made(), *quantiles)]
    if not tags and _near(sum(ends), 2 * float(a.mean() - b.mean()), 1e-9):
        return Broken(sentence, "symmetric")
    return Broken(sentence, tags[0] if len(tags) == 1 else "")


@_of_fitting_values
def coverage(lows: Any, highs: Any, truth: float, *, at_least: float, at_most: float = 1.0) -> Broken | None:
    """The share of intervals [low, high] that contain `truth` lies in [at_least, at_most]."""
    share = float(np.mean((_array(lows) <= truth) & (truth <= _array(highs))))
    if at_least <= share <= at_most:
        return None
    few = share < at_least
    return Broken(f"too {'few' if few else 'many'} of the intervals contain the effect that was planted in the data.")


# ---- Helpers


def _array(value: Any) -> np.ndarray:
    return np.asarray(value, dtype=np.float64)


def _inner(a: Any, b: Any) -> float:
    return float(np.sum(_array(a) * _array(b)))


def _norm(a: Any) -> float:
    return float(np.sqrt(np.sum(np.square(_array(a)))))


def _near(a: float, b: float, rtol: float) -> bool:
    return abs(a - b) <= rtol * max(abs(a), abs(b), 1e-300)


def _loosened(rtol: float, *values: Any) -> float:
    """A tolerance fit for float32 where any value is of that dtype."""
    single = any(isinstance(v, np.ndarray) and v.dtype == np.float32 for v in values)
    return max(rtol, 1e-4) if single else rtol


def _axes(axis: Axis) -> Axis:
    return tuple(axis) if isinstance(axis, list) else axis


def _firsts(ndim: int, axes: tuple[int, ...] | list[int] | None) -> tuple[slice, ...]:
    """An index that takes the first entry along `axes` and keeps them, with length 1."""
    chosen = range(ndim) if axes is None else [axis % ndim for axis in axes]
    return tuple(slice(0, 1) if axis in chosen else slice(None) for axis in range(ndim))


def _agree(a: Any, b: Any, rtol: float | None, sentence: str, tag: str = "") -> Broken | None:
    if np.shape(a) == np.shape(b) and np.all(close(np.asarray(a), np.asarray(b), rtol)):
        return None
    return Broken(sentence, tag)


def _common_ratio(a: np.ndarray, b: np.ndarray) -> float | None:
    """a/b where it is one number throughout, else None."""
    if not a.size:
        return None
    ratio = a / b
    middle = float(np.median(ratio))
    return middle if np.allclose(ratio, middle, rtol=1e-4, atol=0) else None


def _shared_along(draws: np.ndarray, axis: int, rtol: float | None = None) -> bool:
    """Whether all slices of the draws along `axis` are equal (rtol: up to rounding)."""
    first = np.take(draws, [0], axis=axis)
    same = draws == first if rtol is None else close(draws, np.broadcast_to(first, draws.shape), rtol)
    return draws.shape[axis] > 1 and bool(np.all(same))


def _shared(draws: np.ndarray, rtol: float | None = None) -> int | None:
    """An axis along which all slices of the draws are equal."""
    return next((axis for axis in range(draws.ndim) if _shared_along(draws, axis, rtol)), None)


def _along(axis: int) -> str:
    """The tag of draws that are shared along an axis."""
    return f"shared_{axis}" if axis else "shared"


def _nearest(value: float, margin: float, instead: Mapping[str, float] | None) -> str:
    near = {tag: abs(value - other) for tag, other in (instead or {}).items() if abs(value - other) <= margin}
    return min(near, key=near.__getitem__) if near else ""


def _nearest_variance(found: float, relative: float, instead: Mapping[str, float] | None) -> str:
    near = {t: abs(found / v - 1) for t, v in (instead or {}).items() if v and abs(found / v - 1) <= relative}
    return min(near, key=near.__getitem__) if near else ""
