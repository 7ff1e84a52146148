"""Lecture 7: what each norm ignores, what it depends on, and what its names mean in two libraries."""

from __future__ import annotations

from collections.abc import Callable

from ..tables import Documented, Table, computed

BA = "Ba, Kiros and Hinton 2016, table 1; https://arxiv.org/abs/1607.06450"
KERAS = "Keras, pages LayerNormalization, GroupNormalization and SpectralNormalization; keras.io/api/layers"
SURVEY = "the papers named in lecture 7; installing torch computes this table"

CHANGES = {
    "all weights times 3": ("yes", "yes", "yes"),
    "the same row added to every weight vector": ("no", "no", "yes"),
    "one weight vector times 3": ("yes", "yes", "no"),
    "all examples times 3": ("yes", "no", "yes"),
    "the same vector added to all examples": ("yes", "no", "no"),
    "one example times 3": ("no", "no", "yes"),
}


def invariances() -> Table:
    """Which changes of weights or data leave the output of a normalised linear layer as it was."""
    rows = []
    for change, known in CHANGES.items():
        cells = (
            computed(lambda c=change, k=kind: _survives(c, k), Documented(text, BA))
            for kind, text in zip(("BN", "WN", "LN"), known, strict=True)
        )
        rows.append((change, *cells))
    return Table(
        ("what is changed", "batch norm", "weight norm", "layer norm"),
        rows,
        caption="Does the output stay the same? Computed with torch in float64, ε as good as 0.",
    )


def _survives(change: str, kind: str) -> str:
    import torch

    made = torch.Generator().manual_seed(0)

    def draw(*shape):
        return torch.randn(*shape, generator=made, dtype=torch.float64)

    weight, x, extra = draw(5, 7), draw(6, 7), draw(7)
    changed_weight, changed_x = {
        "all weights times 3": (3 * weight, x),
        "the same row added to every weight vector": (weight + extra, x),
        "one weight vector times 3": (torch.cat([3 * weight[:1], weight[1:]]), x),
        "all examples times 3": (weight, 3 * x),
        "the same vector added to all examples": (weight, x + extra),
        "one example times 3": (weight, torch.cat([3 * x[:1], x[1:]])),
    }[change]

    def layer(w, inputs):
        h = inputs @ w.T
        if kind == "BN":
            return torch.nn.functional.batch_norm(h, None, None, training=True, eps=1e-12)
        if kind == "LN":
            return torch.nn.functional.layer_norm(h, h.shape[1:], eps=1e-12)
        return h / w.norm(dim=1)

    return "yes" if torch.allclose(layer(weight, x), layer(changed_weight, changed_x), atol=1e-8) else "no"


ACTS = {
    "batch norm": "activations",
    "layer norm": "activations",
    "instance norm": "activations",
    "group norm": "activations",
    "local response norm": "activations",
    "weight norm": "weights",
    "weight standardisation": "weights",
    "spectral norm": "weights",
}


def chooser() -> Table:
    """For every norm: what it acts on, whether other examples matter, what it stores, and what it deletes."""
    known = {
        "batch norm": ("yes", "no", "3", "no"),
        "layer norm": ("no", "yes", "0", "yes"),
        "instance norm": ("no", "yes", "0", "yes"),
        "group norm": ("no", "yes", "0", "yes"),
        "local response norm": ("no", "yes", "0", "no"),
        "weight norm": ("no", "yes", "0", "no"),
        "weight standardisation": ("no", "yes", "0", "no"),
        "spectral norm": ("no", "yes", "2", "no"),
    }
    questions: tuple[Callable[[str], str], ...] = (_meets, _same, _stored, _deletes)
    rows = []
    for name, acts in ACTS.items():
        cells = (
            computed(lambda ask=ask, n=name: ask(n), Documented(text, SURVEY))
            for ask, text in zip(questions, known[name], strict=True)
        )
        rows.append((name, acts, *cells))
    heads = (
        "norm",
        "acts on",
        "other examples matter in training",
        "the same in training and evaluation",
        "buffers that it stores",
        "an image at half contrast gives the same",
    )
    return Table(heads, rows, caption="One convolution with each norm, tried out: 4 images, 8 channels.")


def batch_dependent() -> list[str]:
    """The names of the norms for which other examples matter in training. Needs torch."""
    return [name for name in ACTS if _meets(name) == "yes"]


def _block(name: str):
    """A convolution without bias and the norm, as a torch module with a fixed start."""
    import torch
    from torch import nn
    from torch.nn.utils import parametrizations

    from ..experiments.normalization_networks import conv_layer

    torch.manual_seed(0)
    conv = conv_layer(8, 8, standardized=name == "weight standardisation")
    wrap = {"weight norm": parametrizations.weight_norm, "spectral norm": parametrizations.spectral_norm}
    conv = wrap.get(name, lambda layer: layer)(conv)
    after = {
        "batch norm": lambda: nn.BatchNorm2d(8),
        "layer norm": lambda: nn.GroupNorm(1, 8),
        "instance norm": lambda: nn.InstanceNorm2d(8, affine=True),
        "group norm": lambda: nn.GroupNorm(4, 8),
        "local response norm": lambda: nn.LocalResponseNorm(5, alpha=1.0),
    }
    return nn.Sequential(conv, after.get(name, nn.Identity)())


def _images():
    import torch

    return 5 * torch.randn(4, 8, 6, 6, generator=torch.Generator().manual_seed(1))


def _out(block, x):
    import torch

    with torch.no_grad():
        return block(x)


def _meets(name: str) -> str:
    """Other images in the batch, the first one kept: does its output change?"""
    import torch

    x = _images()
    swapped = torch.cat([x[:1], 2 * x[1:] + 1])
    # Two fresh copies: a pass in training mode may move what a layer has stored.
    first, second = (_out(_block(name).train(), batch)[0] for batch in (x, swapped))
    return "no" if torch.allclose(first, second, atol=1e-4) else "yes"


def _same(name: str) -> str:
    import torch

    x, block = _images(), _block(name).train()
    training = _out(block, x)
    # Loose: spectral norm takes one more step of its power iteration in training.
    return "yes" if torch.allclose(training, _out(block.eval(), x), rtol=1e-2, atol=1e-2) else "no"


def _stored(name: str) -> str:
    return str(len(list(_block(name).buffers())))


def _deletes(name: str) -> str:
    """Evaluation mode, since in training mode batch norm would take its statistics from the dimmed images."""
    import torch

    x, block = _images(), _block(name).eval()
    return "yes" if torch.allclose(_out(block, x), _out(block, x / 2), atol=1e-2) else "no"


def conventions() -> Table:
    """What a call without further arguments normalises over, and the shape of its scale, in torch and Keras."""

    def shape(make: Callable) -> str:
        import torch

        return str(tuple(make(torch.nn).weight.shape))

    return Table(
        ("call for maps of 8 channels, 6×6", "averages over", "shape of its scale"),
        (
            ("torch LayerNorm((8, 6, 6))", "channels and positions",
             computed(lambda: shape(lambda nn: nn.LayerNorm((8, 6, 6))), Documented("(8, 6, 6)", "pytorch.org/docs"))),
            ("torch LayerNorm(8), channels last", "channels",
             computed(lambda: shape(lambda nn: nn.LayerNorm(8)), Documented("(8,)", "pytorch.org/docs"))),
            ("torch GroupNorm(1, 8)", "channels and positions",
             computed(lambda: shape(lambda nn: nn.GroupNorm(1, 8)), Documented("(8,)", "pytorch.org/docs"))),
            ("torch GroupNorm(8, 8)", "positions",
             computed(lambda: shape(lambda nn: nn.GroupNorm(8, 8)), Documented("(8,)", "pytorch.org/docs"))),
            ("Keras LayerNormalization()", Documented("channels (the last axis)", KERAS), Documented("(8,)", KERAS)),
            ("Keras GroupNormalization(groups=1)", Documented("channels and positions", KERAS),
             Documented("(8,)", KERAS)),
        ),
        caption="Layer norm of images: the same name, different axes, different numbers of parameters.",
    )  # fmt: skip
