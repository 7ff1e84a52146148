"""Lecture 6, beats 1, 8 and 9: remedies, few images, batch sizes, and what batch norm breaks."""

from __future__ import annotations

import copy

import numpy as np

from ..cards import experiment
from ..data import load
from .why_batch_norm_networks import conv_net, dense_net

ACTIVATIONS, SCALES, RATES = ("Sigmoid", "ReLU"), (0.01, 0.1, 1.0, 10.0), (0.01, 0.1, 1.0)
CONTRASTS = (1.0, 0.75, 0.5, 0.25, 0.1)
SIZES = (5, 10, 50, 100, 250)
ARMS = {
    "nothing": {"norm": False},
    "dropout": {"norm": False, "dropout": 0.5},
    "BN": {"norm": True},
    "BN, small rate": {"norm": True},
    "BN and dropout": {"norm": True, "dropout": 0.5},
}


def remedies_grid(seed: int = 0, steps: int = 150) -> dict[str, np.ndarray]:
    """Accuracies of a dense network for every activation, scale of the start and learning rate.

    Returns {"plain" or "BN": (activations, scales, rates)}, each between 0 and 1.
    """
    import torch

    from ..fitting import accuracy, fit

    data, found = load("digits"), {}
    for kind in ("plain", "BN"):
        cells = []
        for activation in ACTIVATIONS:
            for scale in SCALES:
                for rate in RATES:
                    net = dense_net(
                        (64, 48, 48, 48, 10),
                        norm=kind == "BN",
                        seed=seed,
                        activation=activation,
                        scale=scale,
                        running=False,
                    )
                    rule = torch.optim.SGD(net.parameters(), lr=rate)
                    rng = np.random.default_rng(seed)
                    fit(net, data.x_train, data.y_train, rule, rng=rng, steps=steps, batch=64)
                    cells.append(accuracy(net, data.x_test, data.y_test))
        found[kind] = np.array(cells).reshape(len(ACTIVATIONS), len(SCALES), len(RATES))
    return found


@experiment(
    name="remedies",
    claim="Without batch norm, careful initialisation, a small learning rate and rectifiers decide whether a "
    "network trains at all; with it they matter much less.",
    source="Ioffe and Szegedy 2015, sections 1 and 3.3, https://arxiv.org/abs/1502.03167",
    scaled_down="3 hidden layers of 48 units, digits of 8×8 pixels, 150 steps of SGD, 24 settings",
    does_not_transfer="a setting that fails in 150 steps may train in 15 000; the counts depend on the grid",
    measures={
        f"{what}: {kind}": meaning
        for kind in ("plain", "BN")
        for what, meaning in {
            "settings that train": "share of the 24 settings above 80 % accuracy",
            "best": "accuracy of the best setting",
            "best at a hundredth": "the best when all weights start a hundred times too small",
        }.items()
    },
    needs="torch",
    bounds=(0.0, 1.0),
)
def remedies(seed: int = 0) -> dict[str, float]:
    """Shares and best accuracies. Needs torch."""
    found = {}
    for kind, cells in remedies_grid(seed).items():
        found[f"settings that train: {kind}"] = float((cells > 0.8).mean())
        found[f"best: {kind}"] = float(cells.max())
        found[f"best at a hundredth: {kind}"] = float(cells[:, 0].max())
    return found


@experiment(
    name="few-images",
    claim="On 200 images batch norm and dropout do different things: what helps accuracy need not help the loss.",
    source="claims in teaching material that batch norm generalises better, or regularises similarly to dropout; "
    "Bjorck et al. 2018, https://arxiv.org/abs/1806.02375, put the gain down to larger learning rates",
    scaled_down="200 images of Fashion-MNIST at 14×14 pixels, 2 hidden layers of 100 units, 600 steps of SGD; rate "
    "0.2, the small rate 0.02, dropout 0.5",
    does_not_transfer="with more data or more training the order of the five changes: it is not a law",
    measures={
        f"{what}: {arm}": meaning
        for arm in ARMS
        for what, meaning in {
            "train": "accuracy on the 200 images",
            "test": "accuracy on 2000 others",
            "loss": "cross-entropy on 2000 others",
        }.items()
    },
    needs="torch",
)
def few_images(seed: int = 0) -> dict[str, float]:
    """Training accuracy, test accuracy and test loss of five arms. Needs torch."""
    import torch

    from ..fitting import accuracy, fit, mean_loss

    data, rng, found = load("fashion14"), np.random.default_rng(seed), {}
    chosen = rng.permutation(len(data.x_train))[:200]
    x, labels = data.x_train[chosen], data.y_train[chosen]
    for arm, options in ARMS.items():
        net = dense_net((196, 100, 100, 10), seed=seed, **options)
        rule = torch.optim.SGD(net.parameters(), lr=0.02 if arm == "BN, small rate" else 0.2)
        fit(net, x, labels, rule, rng=np.random.default_rng(seed), steps=600, batch=50)
        found[f"train: {arm}"] = accuracy(net, x, labels)
        found[f"test: {arm}"] = accuracy(net, data.x_test, data.y_test)
        found[f"loss: {arm}"] = mean_loss(net, data.x_test, data.y_test)
    return found


def budgets(seed: int = 0, epochs: int = 3, steps: int = 78) -> dict[str, dict[int, float]]:
    """Accuracy with batch norm for every batch size: {"same epochs": {size: accuracy}, "same steps": {...}}."""
    import torch

    from ..fitting import accuracy, fit

    data = load("digits")
    found: dict[str, dict[int, float]] = {"same epochs": {}, "same steps": {}}
    for budget, results in found.items():
        for size in SIZES:
            net, rng = conv_net("BN", seed, layers=3, running=True), np.random.default_rng(seed)
            count = -(-len(data.x_train) // size) * epochs if budget == "same epochs" else steps
            rule = torch.optim.SGD(net.parameters(), lr=0.2)
            fit(net, data.x_train, data.y_train, rule, rng=rng, steps=count, batch=size)
            results[size] = accuracy(net, data.x_test, data.y_test)
    return found


@experiment(
    name="batch-size-and-steps",
    claim="At a fixed learning rate and a fixed number of epochs, small batches win because they make more steps; "
    "with equal steps the order turns round.",
    source="a slide's comparison of batch sizes 5 to 250 over 30 epochs; on scaling the rate with the batch: Goyal et "
    "al. 2017, https://arxiv.org/abs/1706.02677",
    scaled_down="3 convolutions with 12 maps and batch norm, 1297 digits, rate 0.2; 3 epochs, or 78 steps",
    does_not_transfer="where the curves cross depends on the learning rate and on how long one trains",
    measures={
        f"{budget}: {size}": "accuracy on test digits, in evaluation mode"
        for budget in ("same epochs", "same steps")
        for size in SIZES
    },
    needs="torch",
    bounds=(0.0, 1.0),
)
def batch_size_and_steps(seed: int = 0) -> dict[str, float]:
    """Accuracies by budget and batch size. Needs torch."""
    return {f"{budget}: {size}": value for budget, row in budgets(seed).items() for size, value in row.items()}


def contrast_runs(seed: int = 0) -> dict[str, dict[float, float]]:
    """Accuracy at several contrasts: {"plain" or "BN" or "BN, new statistics": {contrast: accuracy}}.

    The new statistics are taken from dimmed training images, without their labels and without any step.
    """
    import torch

    from ..fitting import accuracy, fit, tensor

    data, found = load("digits"), {}
    for kind in ("plain", "BN"):
        net = conv_net(kind, seed, layers=3, running=True)
        options = {"lr": 0.1, "momentum": 0.9} if kind == "plain" else {"lr": 0.3}
        rule = torch.optim.SGD(net.parameters(), **options)
        rng = np.random.default_rng(seed)
        fit(net, data.x_train, data.y_train, rule, rng=rng, steps=300, batch=64)
        found[kind] = {c: accuracy(net, c * data.x_test, data.y_test) for c in CONTRASTS}
    found["BN, new statistics"] = {}
    for contrast in CONTRASTS:
        mended = copy.deepcopy(net)
        for part in mended:
            if isinstance(part, torch.nn.BatchNorm2d):
                part.reset_running_stats()
                part.momentum = None  # the plain average over all that is seen
        mended.train()
        with torch.no_grad():
            for some in tensor(contrast * data.x_train).split(256):
                mended(some)
        found["BN, new statistics"][contrast] = accuracy(mended, contrast * data.x_test, data.y_test)
    return found


@experiment(
    name="contrast-repair",
    claim="Images with less contrast ruin a network whose batch norm keeps the statistics of training; statistics "
    "taken anew, without labels, repair it.",
    source="after Schneider et al. 2020, https://arxiv.org/abs/2006.16971, who adapt the statistics to corruptions",
    scaled_down="3 convolutions with 12 maps, digits of 8×8 pixels, 300 steps, the plain network with momentum; "
    "the paper has ImageNet-C",
    does_not_transfer="contrast is the kindest of shifts, since it is undone by statistics alone; others are not",
    measures={
        f"{kind}: contrast {contrast:g}": "accuracy on test digits"
        for kind in ("plain", "BN", "BN, new statistics")
        for contrast in CONTRASTS
    },
    needs="torch",
    bounds=(0.0, 1.0),
)
def contrast_repair(seed: int = 0) -> dict[str, float]:
    """Accuracies by network and contrast. Needs torch."""
    return {f"{kind}: contrast {c:g}": value for kind, row in contrast_runs(seed).items() for c, value in row.items()}


@experiment(
    name="frozen-statistics",
    claim="A network that learned with large batches and is tuned further with batches of two suffers when its "
    "statistics go on moving, and less when they are frozen.",
    source="Wu and Johnson 2021, section 4, https://arxiv.org/abs/2105.07576",
    scaled_down="2 hidden layers of 64 units, digits of 8×8 pixels, 300 steps with batches of 64 and 150 with batches "
    "of 2; the paper has detectors and other tasks on top of ImageNet",
    does_not_transfer="in a convolution every image brings all its positions, and two images do much less harm",
    measures={
        "before": "accuracy on test digits before tuning",
        "moving": "after tuning with batch norm in training mode",
        "frozen": "after tuning with statistics frozen; gamma and beta still learn",
    },
    needs="torch",
    bounds=(0.0, 1.0),
)
def frozen_statistics(seed: int = 0) -> dict[str, float]:
    """Accuracies before and after tuning with batches of two. Needs torch."""
    import torch

    from ..fitting import accuracy, fit

    data = load("digits")
    net = dense_net((64, 64, 64, 10), norm=True, seed=seed)
    rule = torch.optim.SGD(net.parameters(), lr=0.1)
    fit(net, data.x_train, data.y_train, rule, rng=np.random.default_rng(seed), steps=300, batch=64)
    found = {"before": accuracy(net, data.x_test, data.y_test)}
    for policy in ("moving", "frozen"):
        tuned = copy.deepcopy(net)
        rule = torch.optim.SGD(tuned.parameters(), lr=0.05)
        if policy == "frozen":
            freeze(tuned)
        fit(tuned, data.x_train, data.y_train, rule, rng=np.random.default_rng(seed), steps=150, batch=2)
        found[policy] = accuracy(tuned, data.x_test, data.y_test)
    return found


def freeze(net) -> None:
    """Keep the batch norms of a torch net in evaluation mode, whatever train() says; gamma and beta still learn."""
    import torch

    for part in net.modules():
        if isinstance(part, torch.nn.modules.batchnorm._BatchNorm):
            part.train = lambda mode=True, part=part: part
            part.training = False
