"""Training small torch networks: one loop for all experiments. Importing this needs torch."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

# Small networks run several times slower on two threads than on one.
torch.set_num_threads(1)


def tensor(values) -> torch.Tensor:
    """An array as a tensor; a plane axis is added to images (N, H, W), which become (N, 1, H, W)."""
    made = torch.as_tensor(values)
    return made[:, None] if made.ndim == 3 else made


def fit(
    net: torch.nn.Module,
    x,
    labels,
    optimizer: torch.optim.Optimizer,
    *,
    rng: np.random.Generator,
    steps: int,
    batch: int,
    loss: Callable = torch.nn.functional.cross_entropy,
    each_step: Callable[[int, float], None] | None = None,
) -> list[float]:
    """Take `steps` steps on batches in random order; returns the loss of each batch before its step.

    Parameters
    ----------
    net : its training mode is switched on
    x : (N, ...) array or tensor; images (N, H, W) become (N, 1, H, W)
    labels : (N,)
    optimizer : of the net's parameters
    rng : orders the batches; every example is seen once before one is seen again
    steps, batch : whole numbers; the last batch of a round through the data may be smaller
    loss : loss(net's output, labels) -> scalar tensor
    each_step : each_step(step, loss) is called after each step, counted from 0
    """
    x, labels = tensor(x), torch.as_tensor(labels)
    net.train()
    losses: list[float] = []
    while len(losses) < steps:
        for some in torch.as_tensor(rng.permutation(len(x))).split(batch)[: steps - len(losses)]:
            optimizer.zero_grad()
            value = loss(net(x[some]), labels[some])
            value.backward()
            optimizer.step()
            losses.append(float(value.detach()))
            if each_step is not None:
                each_step(len(losses) - 1, losses[-1])
    return losses


def accuracy(net: torch.nn.Module, x, labels, *, training: bool = False, batch: int | None = None) -> float:
    """The share of right answers, between 0 and 1, in evaluation mode.

    training=True leaves training mode on (and statistics are updated); `batch` is then the number of
    examples that the net sees together.
    """
    before = net.training
    net.train(training)
    x, labels = tensor(x), torch.as_tensor(labels)
    size = batch or len(x)
    with torch.no_grad():
        right = sum(
            int((net(some).argmax(1) == truth).sum())
            for some, truth in zip(x.split(size), labels.split(size), strict=True)
        )
    net.train(before)
    return right / len(x)


def mean_loss(net: torch.nn.Module, x, labels, *, loss: Callable = torch.nn.functional.cross_entropy) -> float:
    """The loss on all examples at once, in evaluation mode. loss: as in `fit`."""
    before = net.training
    net.eval()
    with torch.no_grad():
        value = float(loss(net(tensor(x)), torch.as_tensor(labels)))
    net.train(before)
    return value
