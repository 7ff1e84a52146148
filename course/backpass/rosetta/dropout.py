"""Lecture 8: to drop a fifth of the units, what do you write, and what becomes of the rest?"""

from __future__ import annotations

import numpy as np

from ..tables import Documented, Table

UNITS = 20_000

KERAS = "Keras 3, layers.Dropout: rate, the fraction to drop; the rest is scaled by 1/(1 − rate); keras.io/api/layers"
KERAS_SHAPE = "Keras 3, layers.Dropout: noise_shape; layers.SpatialDropout2D uses (N, 1, 1, C); keras.io/api/layers"
TF1 = (
    "TensorFlow 1, tf.nn.dropout(x, keep_prob): kept with keep_prob and scaled by 1/keep_prob; tensorflow.org/api_docs"
)
TORCH = "PyTorch, nn.Dropout and nn.Dropout2d: p, probability of an element (a map) to be zeroed; pytorch.org/docs"
JMLR = "Srivastava et al. 2014, section 4: p is the probability to be retained; weights are multiplied by p at the test"
HINTON = (
    "Hinton et al. 2012, arXiv:1207.0580: each hidden unit omitted with probability 0.5; weights halved at the test"
)


def dropout_names() -> Table:
    """How to drop a fifth, in five places: the call, the share that is lost, what becomes of a kept 1."""
    return Table(
        ("to drop a fifth", "dropped", "a kept 1 becomes", "in evaluation", "the number names what is"),
        (
            ("torch.nn.Dropout(p=0.2)", *_torch(0.2)),
            _documented("keras.layers.Dropout(rate=0.2)", "1.25", "unchanged", "dropped", KERAS),
            _documented("tf.nn.dropout(x, keep_prob=0.8), TensorFlow 1", "1.25", "unchanged", "kept", TF1),
            _documented("Srivastava et al. 2014: p = 0.8", "1", "weights times 0.8", "kept", JMLR),
            _documented("Hinton et al. 2012 (for a half)", "1", "weights times 0.5", "dropped", HINTON, share="0.5"),
        ),
        caption="The same layer; this course writes p as torch does. With torch's number given to an interface that "
        "keeps, four fifths are lost.",
    )


def mask_shapes() -> Table:
    """Which axes share one draw: the number of draws for 2 images of 3 maps of 4 × 4, and how to ask for it."""
    return Table(
        ("the mask's shape", "different draws", "PyTorch", "Keras: noise_shape (channels last)"),
        (
            ("(N, C, H, W)", _draws("Dropout"), "nn.Dropout", Documented("None", KERAS_SHAPE)),
            ("(N, C, 1, 1)", _draws("Dropout2d"), "nn.Dropout2d", Documented("(N, 1, 1, C)", KERAS_SHAPE)),
            ("(N, C)", _draws("Dropout", flat=True), "nn.Dropout", Documented("None", KERAS_SHAPE)),
        ),
        caption="One layer, other masks: where the mask has a 1, the draw is shared.",
    )


def _documented(name: str, kept: str, evaluation: str, number: str, reference: str, share: str = "0.2") -> tuple:
    return name, *(Documented(text, reference) for text in (share, kept, evaluation, number))


def _torch(p: float) -> tuple:
    try:
        import torch
    except ImportError:
        return tuple(Documented(text, TORCH) for text in (f"{p:g}", f"{1 / (1 - p):g}", "unchanged", "dropped"))
    torch.manual_seed(0)
    layer = torch.nn.Dropout(p)
    y = layer(torch.ones(UNITS)).numpy()
    same = bool((layer.eval()(torch.ones(3)) == 1).all())
    lost = float(np.mean(y == 0))
    number = "dropped" if abs(lost - p) < abs(lost - (1 - p)) else "kept"
    return f"{lost:.2f}", f"{y.max():.2f}", "unchanged" if same else "changed", number


def _draws(layer: str, flat: bool = False):
    """The number of places at which a mask of this layer is drawn on its own, found from many masks."""
    expected = {"Dropout": 96, "Dropout2d": 6}[layer] if not flat else 6
    try:
        import torch
    except ImportError:
        return Documented(str(expected), TORCH)
    torch.manual_seed(0)
    shape = (2, 3) if flat else (2, 3, 4, 4)
    masks = torch.stack([getattr(torch.nn, layer)(0.5)(torch.ones(shape)).flatten() for _ in range(40)])
    # Places with one draw agree in all masks; so the different columns are the draws.
    return len(np.unique(masks.numpy(), axis=1).T)
