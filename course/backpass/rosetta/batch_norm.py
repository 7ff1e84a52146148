"""Lecture 5: batch normalization by three conventions, and the ImageNet table of its paper."""

from __future__ import annotations

import inspect

from ..tables import Documented, Table, computed

KERAS = "Keras 3, layer BatchNormalization: arguments and update rule; keras.io/api/layers/normalization_layers"
KERAS_CODE = "Keras 3, batch_normalization.py: ops.moments, a biased variance, goes into moving_variance"
FUSED = "TensorFlow issue 55545: the fused kernel of tf.keras applied m/(m−1), the other one did not"
PAPER = "Ioffe and Szegedy 2015, algorithms 1 and 2, section 3.1; arxiv.org/abs/1502.03167"
RUNS = "Ioffe and Szegedy 2015, figure 3; arxiv.org/abs/1502.03167"
TORCH = "PyTorch, nn.BatchNorm1d and BatchNorm2d; pytorch.org/docs"

# Steps until Inception's accuracy (72.2 %), and the best accuracy: figure 3 of the paper. None: never reached.
IMAGENET = {
    "Inception": (31.0, 72.2),
    "BN-Baseline": (13.3, 72.7),
    "BN-x5": (2.1, 73.0),
    "BN-x30": (2.7, 74.8),
    "BN-x5-Sigmoid": (None, 69.8),
}


def _layer(**options):
    """A torch layer for one feature, in training mode."""
    import torch

    return torch.nn.BatchNorm1d(1, **options), lambda *values: torch.tensor(values).reshape(-1, 1)


def _default(name: str):
    def ask():
        import torch

        return inspect.signature(torch.nn.BatchNorm1d).parameters[name].default

    return ask


def _new_weight() -> float:
    """The share of the batch's mean, 1, that one update brings into the running mean, 0 at first."""
    layer, batch = _layer()
    layer(batch(0.0, 2.0))
    return round(layer.running_mean.item(), 6)


def _normalized() -> str:
    """Two values two apart: deviation 1 if the variance is biased, root 2 if it is not."""
    layer, batch = _layer(eps=1e-12)
    return "m (biased)" if abs(layer(batch(0.0, 2.0)).max().item() - 1) < 1e-6 else "m − 1"


def _running() -> str:
    layer, batch = _layer(momentum=1.0)
    layer(batch(0.0, 2.0))
    return "m − 1 (unbiased)" if abs(layer.running_var.item() - 2) < 1e-6 else "m (biased)"


def _root() -> str:
    """Deviation 0.01 and ε = 0.01: 1/√101 is about 0.1 inside the root, 1/2 outside."""
    layer, batch = _layer(eps=0.01)
    return "inside" if layer(batch(-0.01, 0.01)).max().item() < 0.3 else "outside"


def _cumulative() -> str:
    layer, batch = _layer(momentum=None)
    for mean in (1.0, 3.0):
        layer(batch(mean - 1, mean + 1))
    return f"momentum=None: {layer.running_mean.item():g} after means 1 and 3"


def _channel_axis() -> int:
    import torch

    layer = torch.nn.BatchNorm2d(3)
    layer(torch.zeros(2, 3, 4, 5))  # would raise for any other axis of size 3
    return 1


def conventions() -> Table:
    """What PyTorch, Keras and the paper do. PyTorch's column is computed where torch is installed."""

    def documented(text: str, reference: str) -> Documented:
        return Documented(text, reference)

    def torch_says(compute, text: str):
        return computed(compute, Documented(text, TORCH))

    return Table(
        ("question", "PyTorch", "Keras 3", "the paper"),
        (
            ("divisor of the variance that normalizes", torch_says(_normalized, "m (biased)"),
             documented("m (biased)", KERAS_CODE), documented("m (biased)", PAPER)),
            ("divisor of the variance that is kept", torch_says(_running, "m − 1 (unbiased)"),
             documented("m (biased); older fused kernels m − 1", FUSED), documented("m − 1 (unbiased)", PAPER)),
            ("argument momentum, its default", torch_says(_default("momentum"), "0.1"),
             documented("0.99", KERAS), documented("an average over batches", PAPER)),
            ("share of the new batch in one update", torch_says(_new_weight, "0.1"),
             documented("0.01: momentum weighs the old value", KERAS), documented("equal shares", PAPER)),
            ("a plain average instead", torch_says(_cumulative, "momentum=None"),
             documented("no switch", KERAS), documented("is what it does", PAPER)),
            ("ε, its default", torch_says(_default("eps"), "1e-05"), documented("0.001", KERAS),
             documented("a constant, not named", PAPER)),
            ("ε and the root", torch_says(_root, "inside"), documented("inside", KERAS), documented("inside", PAPER)),
            ("axis of the channels", torch_says(_channel_axis, "1"),
             documented("−1, the last; 3 of NHWC", KERAS), documented("all positions of a map together", PAPER)),
            ("γ and β are called", torch_says(lambda: ", ".join(_names()), "weight, bias"),
             documented("gamma, beta", KERAS), documented("γ, β", PAPER)),
            ("to leave them out", torch_says(lambda: f"affine={not _default('affine')()}", "affine=False"),
             documented("scale=False, center=False, each alone", KERAS), documented("–", PAPER)),
        ),
        caption="One layer, three conventions. A model that is moved by copying numbers alone is another model.",
    )  # fmt: skip


def _names() -> list[str]:
    layer, _ = _layer()
    return [name for name, _ in layer.named_parameters()]


def imagenet() -> Table:
    """The table of the paper's ImageNet runs, with the ratio to the first row computed."""
    first = IMAGENET["Inception"][0]
    rows = []
    for name, (steps, best) in IMAGENET.items():
        reached = Documented(f"{steps} million" if steps else "never", RUNS)
        faster = f"{first / steps:.1f} times" if steps else "–"
        rows.append((name, reached, faster, Documented(f"{best} %", RUNS)))
    heads = ("network", "steps to 72.2 %", "fewer than Inception", "best accuracy")
    return Table(heads, rows, caption="Inception on ImageNet, single crop.")
