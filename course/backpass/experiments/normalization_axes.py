"""Lecture 7, beats 2 to 6: contrast, labels that wash out, batch sizes, and a recurrent network."""

from __future__ import annotations

import numpy as np

from ..cards import experiment
from ..data import load
from .normalization_networks import NORMS, conv_net, dense_net, recurrent_net

CONTRASTS = (1.0, 0.5, 0.25, 0.1)
KINDS = ("none", "BN", "GN", "IN")
LEVELS = (0.2, 0.4, 0.6, 0.8, 1.0)
BATCHES = (2, 8, 32)
DENSE = ("none", "BN", "LN", "GN")
RECURRENT = ("none", "BN", "LN")


def contrast_runs(seed: int = 0) -> dict[str, dict]:
    """Accuracy at lower contrasts, and at reading the contrast itself.

    Returns {kind: {contrast: accuracy, ..., "as label": accuracy}}; for the latter every image is multiplied by
    one of five LEVELS, and the level is the label.
    """
    import torch

    from ..fitting import accuracy, fit

    data, found = load("digits"), {}
    for kind in KINDS:
        net, rng = conv_net(kind, seed), np.random.default_rng(seed)
        options = {"lr": 0.05, "momentum": 0.9} if kind == "none" else {"lr": 0.3}
        fit(net, data.x_train, data.y_train, torch.optim.SGD(net.parameters(), **options), rng=rng, steps=150, batch=64)
        found[kind] = {c: accuracy(net, c * data.x_test, data.y_test) for c in CONTRASTS}
        if kind in ("BN", "IN"):
            found[kind]["as label"] = _read_contrast(kind, seed, data)
    return found


def _read_contrast(kind: str, seed: int, data) -> float:
    import torch

    from ..fitting import accuracy, fit

    rng = np.random.default_rng(seed)
    levels = np.array(LEVELS, np.float32)
    train, test = (rng.integers(0, len(levels), len(images)) for images in (data.x_train, data.x_test))
    net = conv_net(kind, seed, classes=len(levels))
    x = data.x_train * levels[train][:, None, None]
    fit(net, x, train, torch.optim.SGD(net.parameters(), lr=0.1), rng=rng, steps=300, batch=64)
    return accuracy(net, data.x_test * levels[test][:, None, None], test)


@experiment(
    name="contrast-and-normalization",
    claim="Instance norm deletes contrast: a network with it reads digits of any contrast alike, and cannot learn "
    "the contrast itself.",
    source="Ulyanov, Vedaldi and Lempitsky 2016, Instance normalization, https://arxiv.org/abs/1607.08022",
    scaled_down="4 convolutions with 16 maps on digits of 8×8 pixels, 150 steps, 300 for the contrast as label; "
    "the paper stylises images",
    does_not_transfer="exact only for contrast that is one factor for a whole image, up to ε; real contrast varies "
    "over an image",
    measures={f"{kind}: contrast {c:g}": "accuracy on test digits" for kind in KINDS for c in CONTRASTS}
    | {
        f"{kind}: contrast as label": f"accuracy at telling {len(LEVELS)} contrasts apart, chance {1 / len(LEVELS):g}"
        for kind in ("BN", "IN")
    },
    needs="torch",
    bounds=(0.0, 1.0),
)
def contrast_and_normalization(seed: int = 0) -> dict[str, float]:
    """Accuracies by kind and contrast. Needs torch."""
    return contrast_summary(contrast_runs(seed))


def contrast_summary(runs: dict[str, dict]) -> dict[str, float]:
    """The card's measures from the runs."""
    found = {f"{kind}: contrast {c:g}": runs[kind][c] for kind in KINDS for c in CONTRASTS}
    return found | {f"{kind}: contrast as label": runs[kind]["as label"] for kind in ("BN", "IN")}


def washed_out(label: int, seed: int = 0, labels: int = 20, maps: int = 8, side: int = 12) -> dict[str, np.ndarray]:
    """One flat label map, label everywhere, on its way; each value is (maps, side, side).

    "convolved": a 3x3 convolution of the one-hot map, borders replicated; "instance norm": that, normalised;
    "SPADE": an activation that was normalised first and is then modulated by two convolutions of the map.
    """
    import torch
    from torch.nn.functional import instance_norm

    made = torch.Generator().manual_seed(seed)

    def conv():
        weight = torch.randn(maps, labels, 3, 3, generator=made) / 3
        return lambda x: torch.conv2d(torch.nn.functional.pad(x, (1, 1, 1, 1), mode="replicate"), weight)

    segments = torch.zeros(1, labels, side, side)
    segments[:, label] = 1
    first, scale, shift = conv(), conv(), conv()
    activation = torch.randn(1, maps, side, side, generator=made)
    convolved = first(segments)
    modulated = instance_norm(activation) * (1 + scale(segments)) + shift(segments)
    stages = {"convolved": convolved, "instance norm": instance_norm(convolved), "SPADE": modulated}
    return {name: value[0].numpy() for name, value in stages.items()}


@experiment(
    name="labels-wash-out",
    claim="A flat label map that goes through a convolution and instance norm comes out as nothing; one that "
    "modulates after the normalisation stays.",
    source="Park, Liu, Wang and Zhu 2019, Semantic image synthesis with spatially-adaptive normalization, section 3 "
    "and figure 3, https://arxiv.org/abs/1903.07291",
    scaled_down="one layer with random weights, a map of 12×12 with one label everywhere",
    does_not_transfer="a map with several labels keeps the borders between them; and zero padding would mark the rim",
    measures={
        "label's mark, convolved": "largest difference of the outputs for labels 3 and 15",
        "label's mark, instance norm": "the same behind instance norm",
        "label's mark, SPADE": "the same behind SPADE",
    },
    needs="torch",
    bounds=(0.0, float("inf")),
)
def labels_wash_out(seed: int = 0) -> dict[str, float]:
    """How far the outputs for two labels differ. Needs torch."""
    first, second = washed_out(3, seed), washed_out(15, seed)
    return {f"label's mark, {name}": float(np.abs(first[name] - second[name]).max()) for name in first}


@experiment(
    name="norms-and-batch-size",
    claim="Norms that do not look at the batch do not care about its size; batch norm with two examples fails.",
    source="Wu and He 2018, figure 1, https://arxiv.org/abs/1803.08494",
    scaled_down="dense networks with two hidden layers of 64, digits of 8×8 pixels, 3 epochs, rate 0.1 for batches of "
    "32 and in proportion to the square root of the size; the paper has ResNet-50 on ImageNet",
    does_not_transfer="in convolutions the same batch of 2 brings many positions, and batch norm does far better",
    measures={f"{kind}: batch {size}": "accuracy on test digits" for kind in DENSE for size in BATCHES},
    needs="torch",
    bounds=(0.0, 1.0),
)
def norms_and_batch_size(seed: int = 0) -> dict[str, float]:
    """Accuracies by norm and batch size. Needs torch."""
    import torch

    from ..fitting import accuracy, fit

    data, found = load("digits"), {}
    for kind in DENSE:
        for size in BATCHES:
            net, rng = dense_net(kind, seed), np.random.default_rng(seed)
            rule = torch.optim.SGD(net.parameters(), lr=0.1 * (size / 32) ** 0.5)
            # A last batch of one example would be refused by batch norm.
            usable = len(data.x_train) // size * size
            x, labels = data.x_train[:usable], data.y_train[:usable]
            fit(net, x, labels, rule, rng=rng, steps=3 * usable // size, batch=size)
            found[f"{kind}: batch {size}"] = accuracy(net, data.x_test, data.y_test)
    return found


@experiment(
    name="norms-on-convolutions",
    claim="On a small convolutional network every norm trains faster than none, in the mean; that standardised "
    "weights help group norm cannot be told from these runs.",
    source="Wu and He 2018, https://arxiv.org/abs/1803.08494; Qiao et al. 2019, https://arxiv.org/abs/1903.10520",
    scaled_down="4 convolutions with 16 maps on digits of 8×8 pixels, 100 steps with batches of 32, rate 0.1",
    does_not_transfer="the order of the norms depends on task, rate and length; a few points mean little",
    measures=dict.fromkeys(NORMS, "accuracy on test digits"),
    needs="torch",
    bounds=(0.0, 1.0),
)
def norms_on_convolutions(seed: int = 0) -> dict[str, float]:
    """Accuracies by norm. Needs torch."""
    import torch

    from ..fitting import accuracy, fit

    data, found = load("digits"), {}
    for kind in NORMS:
        net, rng = conv_net(kind, seed), np.random.default_rng(seed)
        rule = torch.optim.SGD(net.parameters(), lr=0.1)
        fit(net, data.x_train, data.y_train, rule, rng=rng, steps=100, batch=32)
        found[kind] = accuracy(net, data.x_test, data.y_test)
    return found


def recurrent_runs(seed: int = 0, steps: int = 200) -> dict[str, dict]:
    """An LSTM that reads digits row by row, with three normalisations of its gates' inputs.

    Returns {kind: {"training": accuracy in training mode, batches of 50, "evaluation": accuracy in evaluation mode,
    "alone": accuracy in training mode with batches of 2, "variance": (T,) of the gates' inputs at every step}}.
    """
    import torch

    from ..fitting import accuracy, fit, tensor

    data, found = load("digits"), {}
    for kind in RECURRENT:
        net, rng = recurrent_net(kind, seed), np.random.default_rng(seed)
        rule = torch.optim.Adam(net.parameters(), lr=1e-2)
        fit(net, data.x_train, data.y_train, rule, rng=rng, steps=steps, batch=64)
        states: list = []
        net.eval()
        with torch.no_grad():
            net(tensor(data.x_test), states)
        found[kind] = {
            "evaluation": accuracy(net, data.x_test, data.y_test),
            "variance": np.array([float(state.var(0).mean()) for state in states]),
        }
        # Last, since training mode moves the statistics.
        found[kind]["training"] = accuracy(net, data.x_test, data.y_test, training=True, batch=50)
        found[kind]["alone"] = accuracy(net, data.x_test, data.y_test, training=True, batch=2)
    return found


def recurrent_summary(runs: dict[str, dict]) -> dict[str, float]:
    """The card's measures from the runs."""
    return {f"{kind}: {mode}": runs[kind][mode] for kind in RECURRENT for mode in ("training", "evaluation", "alone")}


@experiment(
    name="recurrent-normalization",
    claim="In an LSTM, one set of batch norm statistics has to serve all time steps, whose distributions differ; layer "
    "norm has nothing to store and is the same in training and evaluation.",
    source="Ba, Kiros and Hinton 2016, section 3.1, https://arxiv.org/abs/1607.06450; Cooijmans et al. 2017, "
    "https://arxiv.org/abs/1603.09025",
    scaled_down="one layer of 32 units reads digits of 8×8 pixels row by row, 200 steps of Adam",
    does_not_transfer="eight steps of equal length are kind to batch norm; with statistics of its own for every step "
    "it can be made to work, as Cooijmans et al. show, as long as sequences are about equally long",
    measures={
        f"{kind}: {mode}": meaning
        for kind in RECURRENT
        for mode, meaning in {
            "training": "accuracy in training mode, batches of 50",
            "evaluation": "accuracy in evaluation mode",
            "alone": "accuracy in training mode, batches of 2",
        }.items()
    },
    needs="torch",
    bounds=(0.0, 1.0),
)
def recurrent_normalization(seed: int = 0) -> dict[str, float]:
    """Accuracies by normalisation and mode. Needs torch."""
    return recurrent_summary(recurrent_runs(seed))
