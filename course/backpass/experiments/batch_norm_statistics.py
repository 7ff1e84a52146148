"""Lecture 5: small batches, training and evaluation mode, and lagging statistics."""

from __future__ import annotations

import numpy as np

from ..cards import experiment
from ..data import load
from .batch_norm import conv_net

SIZES = (2, 4, 8, 32)
KINDS = ("batch norm, dense", "layer norm, dense", "group norm, dense", "batch norm, convolutional")
STREAMS = (1, 2, 4, 16)
MOMENTA = (0.001, 0.01, 0.1, 0.5)


def small_net(torch, kind: str):
    """Three normalized layers for 8x8 digits: 64 units each, or 16 maps each."""
    nn = torch.nn
    if kind == "batch norm, convolutional":
        return conv_net(torch, True, depth=3)
    make = {
        "batch norm, dense": nn.BatchNorm1d,
        "layer norm, dense": nn.LayerNorm,
        "group norm, dense": lambda width: nn.GroupNorm(8, width),
    }[kind]
    net = nn.Sequential(nn.Flatten())
    for inputs in (64, 64, 64):
        net.extend([nn.Linear(inputs, 64, bias=False), make(64), nn.ReLU()])
    return net.append(nn.Linear(64, 10))


@experiment(
    name="small-batches",
    claim="With few examples in a batch, batch norm fails in dense layers, while layer and group norm do not "
    "care. A convolution averages over positions, too, and does not fail.",
    source="after Wu and He 2018, figure 1, https://arxiv.org/abs/1803.08494",
    scaled_down="8×8 digits, three hidden layers, four rounds through the data, learning rate proportional to the "
    "batch (0.1 at 32); the paper trains ResNet-50 on ImageNet",
    does_not_transfer="in the paper a convolutional network with batch norm does lose accuracy at batch 2; "
    "here it does not. On ImageNet the task is harder and the training far longer",
    measures={f"{kind}: {size}": "test accuracy, trained in batches of this size" for kind in KINDS for size in SIZES},
    needs="torch",
    bounds=(0.0, 1.0),
)
def small_batches(seed: int = 0) -> dict[str, float]:
    """Test accuracy (0 to 1) for each kind of network and batch size."""
    import torch

    from ..fitting import accuracy, fit

    data = load("digits")
    whole = len(data.x_train) // 32 * 32  # every batch is full: a batch of one has no deviation
    x, labels = data.x_train[:whole], data.y_train[:whole]
    found = {}
    for kind in KINDS:
        for size in SIZES:
            torch.manual_seed(seed)
            net = small_net(torch, kind)
            optimizer = torch.optim.SGD(net.parameters(), lr=0.1 * size / 32, momentum=0.9)
            rng = np.random.default_rng(seed)
            fit(net, x, labels, optimizer, rng=rng, steps=4 * whole // size, batch=size)
            found[f"{kind}: {size}"] = accuracy(net, data.x_test, data.y_test)
    return found


def trained_net(seed: int, steps: int = 200):
    """A small convolutional net with batch norm, trained on the digits. Needs torch."""
    import torch

    from ..fitting import fit

    data = load("digits")
    torch.manual_seed(seed)
    net = conv_net(torch, True, depth=6, pools=(1, 2))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    fit(net, data.x_train, data.y_train, optimizer, rng=np.random.default_rng(seed), steps=steps, batch=50)
    return net


def estimate_again(net, x, *, momentum: float | None = None, batch: int = 50, updates: int | None = None) -> None:
    """Forget the running statistics of a net's batch norm layers, and estimate them again; no labels are used.

    momentum None is torch's cumulative mean: all batches count alike, the "precise" statistics of Wu and
    Johnson 2021, but for the spread of the batch means. x: (N, H, W); updates: number of batches, at most.
    """
    import torch

    from ..fitting import tensor

    layers = [layer for layer in net.modules() if isinstance(layer, torch.nn.modules.batchnorm._BatchNorm)]
    kept = [layer.momentum for layer in layers]
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = momentum
    before = net.training
    net.train()
    with torch.no_grad():
        for some in tensor(x).split(batch)[:updates]:
            net(some)
    net.train(before)
    for layer, old in zip(layers, kept, strict=True):
        layer.momentum = old


@experiment(
    name="two-machines",
    claim="A network with batch norm is two machines. Left in training mode it depends on the company an image "
    "keeps; in evaluation mode it depends on statistics that must fit the inputs.",
    source="Wu and Johnson 2021, https://arxiv.org/abs/2105.07576, sections 3 and 5",
    scaled_down="six convolutions of 16 maps on 8×8 digits, 200 steps; the paper has ImageNet and detection",
    does_not_transfer="the sizes of the losses; the order of the cases does",
    measures={
        "eval mode": "test accuracy with the running statistics",
        **{f"train mode, batch {size}": "test accuracy, normalized by the batch" for size in STREAMS},
        "train mode, sorted by class": "batches of 16, each of one class",
        "eval mode, half the contrast": "pixels times 0.5, running statistics of the full contrast",
        "half the contrast, estimated again": "the same, statistics estimated again without labels",
    },
    needs="torch",
    bounds=(0.0, 1.0),
)
def two_machines(seed: int = 0) -> dict[str, float]:
    """Test accuracy (0 to 1) in each mode and stream."""
    from ..fitting import accuracy

    data = load("digits")
    net = trained_net(seed)
    kept = {name: value.clone() for name, value in net.state_dict().items()}
    # The file groups its digits by writer; a stream in random order is the fair one.
    order = np.random.default_rng(seed).permutation(len(data.x_test))
    x, labels = data.x_test[order], data.y_test[order]
    found = {"eval mode": accuracy(net, x, labels)}
    for size in STREAMS:
        found[f"train mode, batch {size}"] = accuracy(net, x, labels, training=True, batch=size)
    by_class = np.argsort(labels, kind="stable")
    found["train mode, sorted by class"] = accuracy(net, x[by_class], labels[by_class], training=True, batch=16)
    net.load_state_dict(kept)
    found["eval mode, half the contrast"] = accuracy(net, 0.5 * x, labels)
    estimate_again(net, 0.5 * data.x_train)
    found["half the contrast, estimated again"] = accuracy(net, 0.5 * x, labels)
    return found


@experiment(
    name="lagging-statistics",
    claim="Running statistics lag behind. Ten updates are too few for a small momentum, and plain averages "
    "over the same batches need no momentum at all.",
    source="Wu and Johnson 2021, https://arxiv.org/abs/2105.07576, section 3.1",
    scaled_down="six convolutions of 16 maps on 8×8 digits, statistics forgotten and updated with 10 batches of 50",
    does_not_transfer="which momentum is enough depends on the number of updates: here there are only ten",
    measures={
        **{f"momentum {value:g}": "test accuracy after ten updates from mean 0, variance 1" for value in MOMENTA},
        "plain average": "test accuracy with the average over the same ten batches",
    },
    needs="torch",
    bounds=(0.0, 1.0),
)
def lagging_statistics(seed: int = 0) -> dict[str, float]:
    """Test accuracy (0 to 1) of one trained net under statistics that were estimated in different ways."""
    from ..fitting import accuracy

    data = load("digits")
    net = trained_net(seed)
    found = {}
    for value in (*MOMENTA, None):
        estimate_again(net, data.x_train, momentum=value, updates=10)
        name = "plain average" if value is None else f"momentum {value:g}"
        found[name] = accuracy(net, data.x_test, data.y_test)
    return found
