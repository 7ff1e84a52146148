"""Lecture 2: one layer in four libraries: where the axes stand, and what `same` and `bias` mean by default."""

from __future__ import annotations

import numpy as np

from ..tables import Documented, Table, computed

KERAS = "Keras, Conv2D and Conv2DTranspose: channels_last by default, kernel (height, width, in, out), transposed "
KERAS += "(height, width, out, in), use_bias=True; keras.io/api/layers/convolution_layers"
KERAS_SAME = "TensorFlow, padding SAME: output ceil(size / stride), the extra zero at the end; tensorflow.org/api_docs"
JAX = "JAX, lax.conv_general_dilated: NCHW and OIHW by default, no bias argument; docs.jax.dev"
JAX_SAME = "JAX, lax.conv_general_dilated: for SAME an odd zero is added at the end; docs.jax.dev"


def layer_conventions() -> Table:
    """Lecture 2: shapes of input, weight and transposed weight, and what padding "same" does at stride 2."""
    return Table(
        ("", "PyTorch", "Keras", "JAX lax", "this course"),
        (
            (
                "input of 5 images, 2 planes, 7×6",
                computed(_torch_input, Documented("(5, 2, 7, 6)", "PyTorch, Conv2d; pytorch.org/docs")),
                Documented("(5, 7, 6, 2)", KERAS),
                Documented("(5, 2, 7, 6)", JAX),
                "(5, 2, 7, 6)",
            ),
            (
                "weight, 2 planes to 4 maps, 3 high, 1 wide",
                computed(
                    lambda: _torch_weight("Conv2d"), Documented("(4, 2, 3, 1)", "PyTorch, Conv2d; pytorch.org/docs")
                ),
                Documented("(3, 1, 2, 4)", KERAS),
                Documented("(4, 2, 3, 1)", JAX),
                "(4, 2, 3, 1)",
            ),
            (
                "the same, transposed",
                computed(
                    lambda: _torch_weight("ConvTranspose2d"),
                    Documented("(2, 4, 3, 1)", "PyTorch, ConvTranspose2d; pytorch.org/docs"),
                ),
                Documented("(3, 1, 4, 2)", KERAS),
                Documented("as you say", JAX),
                "(2, 4, 3, 1)",
            ),
            (
                "bias by default",
                computed(_torch_bias, Documented("yes", "PyTorch, Conv2d; pytorch.org/docs")),
                Documented("yes", KERAS),
                Documented("there is none", JAX),
                "no: bias=None",
            ),
            (
                'padding="same", stride 2',
                computed(_torch_same, Documented("refused", "PyTorch, Conv2d; pytorch.org/docs")),
                Documented("one zero more at the end", KERAS_SAME),
                Documented("one zero more at the end", JAX_SAME),
                "only numbers",
            ),
            (
                "1 2 3 4 under 1 1 1, same, stride 2",
                computed(_torch_padded, Documented("[3, 9], with padding=1", "PyTorch, Conv1d; pytorch.org/docs")),
                Documented(f"{_ends_first()}", KERAS_SAME),
                Documented(f"{_ends_first()}", JAX_SAME),
                "as PyTorch",
            ),
        ),
        caption="The same layer, other axes. The last row: with an even size, half a pixel decides who sees what.",
    )


def _ends_first() -> list[int]:
    """The windows of SAME at stride 2, as documented: 4 pixels need 1 zero, and it stands at the end."""
    line = np.array([1, 2, 3, 4, 0])
    return [int(line[start : start + 3].sum()) for start in (0, 2)]


def _torch_input() -> str:
    import torch

    x = torch.zeros(5, 2, 7, 6)
    torch.nn.Conv2d(2, 4, 1)(x)  # it raises where the planes stand elsewhere
    return str(tuple(x.shape))


def _torch_weight(name: str) -> str:
    import torch

    return str(tuple(getattr(torch.nn, name)(2, 4, (3, 1)).weight.shape))


def _torch_bias() -> str:
    import torch

    return "no" if torch.nn.Conv2d(1, 1, 1).bias is None else "yes"


def _torch_same() -> str:
    import torch

    try:
        torch.nn.Conv2d(1, 1, 3, stride=2, padding="same")
    except ValueError:
        return "refused"
    return "accepted"


def _torch_padded() -> str:
    import torch

    x, w = torch.arange(1.0, 5)[None, None], torch.ones(1, 1, 3)
    y = torch.nn.functional.conv1d(x, w, stride=2, padding=1)
    return f"{[int(v) for v in y.flatten()]}, with padding=1"
