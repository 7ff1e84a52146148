"""Lecture 1: six names, and what each of them computes."""

from __future__ import annotations

import warnings

import numpy as np

from ..tables import Documented, Table, computed

IMPULSE, PROBE = np.array([0.0, 0, 1, 0, 0]), np.array([1.0, 2, 3])
SHORT, PAIR = np.array([1.0, 2, 3]), np.array([1.0, 1])

MATLAB = "MathWorks, pages conv and conv2: flips, default shape full; mathworks.com/help/matlab/ref/conv2.html"
FILTER2 = "MathWorks, page filter2: correlation, default shape same; mathworks.com/help/matlab/ref/filter2.html"
OCTAVE = "GNU Octave, conv.m, shape same: the first of the kept entries is number ceil((K - 1) / 2), from 0"
KERAS = "Keras, Conv1D and Conv2D: padding valid by default, and the kernel is not flipped; keras.io/api/layers"
SCIPY = "SciPy, signal.convolve (full) and ndimage.convolve (mode reflect, centre K // 2); docs.scipy.org"
TORCH = "PyTorch, nn.Conv1d: cross-correlation, padding 0 by default; pytorch.org/docs"


def convolution_names() -> Table:
    """Lecture 1: six calls that all carry the name or do the work, each with its defaults."""
    return Table(
        (
            "call, with its defaults",
            "turns the kernel",
            "0 0 1 0 0 under 1 2 3",
            "1 2 3 under 1 1, mode same",
        ),
        (
            _row(
                "numpy.convolve",
                lambda: np.convolve(IMPULSE, PROBE),
                lambda: np.convolve(SHORT, PAIR, "same"),
            ),
            _row(
                "numpy.correlate",
                lambda: np.correlate(IMPULSE, PROBE),
                lambda: np.correlate(SHORT, PAIR, "same"),
            ),
            _row(
                "scipy.signal.convolve",
                *_scipy_signal(),
                missing=(True, [0, 0, 1, 2, 3, 0, 0], [1, 3, 5], SCIPY),
            ),
            _row(
                "scipy.ndimage.convolve1d",
                *_scipy_ndimage(),
                missing=(True, [0, 1, 2, 3, 0], [3, 5, 3], SCIPY),
            ),
            _row("torch.nn.functional.conv1d", *_torch(), missing=(False, [3, 2, 1], [3, 5, 3], TORCH)),
            _documented("keras.layers.Conv1D", "no", "[3, 2, 1]", "[3, 5, 3]", KERAS, KERAS),
            _documented("MATLAB conv, conv2", "yes", "[0, 0, 1, 2, 3, 0, 0]", "[3, 5, 3]", MATLAB, OCTAVE),
            _documented("MATLAB filter2", "no", "[0, 3, 2, 1, 0]", "", FILTER2, FILTER2),
        ),
        caption="The same word, different operations. An impulse that prints 1 2 3 has met a turned kernel.",
    )


def _row(name: str, impulse, same, missing=None) -> tuple:
    """Computed cells; without the library what its documents say."""
    try:
        printed = np.asarray(impulse())
    except ImportError:
        turns, response, pair, reference = missing
        texts = ("yes" if turns else "no", str(response), str(pair))
        return (name, *(Documented(text, reference) for text in texts))
    marks = printed[printed != 0]
    turned = "yes" if np.allclose(marks, PROBE) else "no"
    return name, turned, _whole(printed), computed(lambda: _whole(same()), Documented("", ""))


def _documented(name: str, turns: str, impulse: str, same: str, reference: str, same_reference: str) -> tuple:
    last = Documented(same, same_reference) if same else "–"
    return name, Documented(turns, reference), Documented(impulse, reference), last


def _whole(values) -> str:
    return str([round(float(value)) for value in np.asarray(values).ravel()])


def _scipy_signal():
    def call(x, w, **options):
        from scipy.signal import convolve

        return convolve(x, w, **options)

    return lambda: call(IMPULSE, PROBE), lambda: call(SHORT, PAIR, mode="same")


def _scipy_ndimage():
    def call(x, w, **options):
        from scipy.ndimage import convolve1d

        return convolve1d(x, w, **options)

    # It has no mode "same": its output always has the signal's length; zeros outside is mode "constant".
    return lambda: call(IMPULSE, PROBE), lambda: call(SHORT, PAIR, mode="constant")


def _torch():
    def call(x, w, **options):
        import torch

        one = [torch.as_tensor(v)[None, None] for v in (x, w)]
        with warnings.catch_warnings():
            # It warns that an even kernel with padding="same" may copy its input.
            warnings.simplefilter("ignore")
            return torch.nn.functional.conv1d(*one, **options).numpy()

    return lambda: call(IMPULSE, PROBE), lambda: call(SHORT, PAIR, padding="same")
