"""Lecture 6, beats 4 and 5: how far a gradient can be trusted, and how large a first step may be."""

from __future__ import annotations

import numpy as np

from ..cards import experiment
from ..data import load
from .why_batch_norm_networks import conv_net, residual_net
from .why_batch_norm_shift import BATCH, RATE, STEPS

# Multiples of the learning rate at which the surface along the gradient is looked at.
MULTIPLES = (0.5, 1.0, 2.0, 4.0)
RATES = tuple(float(rate) for rate in np.geomspace(0.01, 3, 9).round(3))


def line_search(net, x, labels, rates) -> tuple[np.ndarray, np.ndarray, float]:
    """Losses (A,), gradient changes (A,) at w - rate * gradient, and the gradient's norm at w.

    A change is the norm of the difference from the gradient at w. The net is left as it was.
    """
    import torch

    loss = torch.nn.functional.cross_entropy
    everything = list(net.parameters())
    before = [p.detach().clone() for p in everything]

    def value_and_gradient():
        value = loss(net(x), labels)
        return float(value.detach()), torch.cat([g.flatten() for g in torch.autograd.grad(value, everything)])

    _, start = value_and_gradient()
    pieces = start.split([p.numel() for p in everything])
    losses, changes = [], []
    for rate in rates:
        with torch.no_grad():
            for p, old, piece in zip(everything, before, pieces, strict=True):
                p.copy_(old - rate * piece.view_as(p))
        value, gradient = value_and_gradient()
        losses.append(value)
        changes.append(float((gradient - start).norm()))
    with torch.no_grad():
        for p, old in zip(everything, before, strict=True):
            p.copy_(old)
    return np.array(losses), np.array(changes), float(start.norm())


def landscape_runs(seed: int = 0, every: int = 10) -> dict[str, dict]:
    """Loss and gradient along the gradient's direction while two networks train.

    Returns {kind: {"steps": (T,), "losses": (T, A), "changes": (T, A), "norm": (T,)}}, A = len(MULTIPLES).
    """
    import torch

    from ..fitting import fit, tensor

    data, found = load("digits"), {}
    x, labels = tensor(data.x_train[:BATCH]), torch.as_tensor(data.y_train[:BATCH])
    rates = [multiple * RATE for multiple in MULTIPLES]
    for kind in ("plain", "BN"):
        net, rng = conv_net(kind, seed), np.random.default_rng(seed)
        seen: dict[str, list] = {"steps": [], "losses": [], "changes": [], "norm": []}

        def look(step, _loss, net=net, seen=seen):
            if step % every == 0:
                losses, changes, norm = line_search(net, x, labels, rates)
                for name, value in zip(seen, (step, losses, changes, norm), strict=True):
                    seen[name].append(value)

        rule = torch.optim.SGD(net.parameters(), lr=RATE)
        fit(net, data.x_train, data.y_train, rule, rng=rng, steps=STEPS, batch=BATCH, each_step=look)
        found[kind] = {name: np.array(values) for name, values in seen.items()}
    return found


def landscape_summary(runs: dict[str, dict]) -> dict[str, float]:
    """The card's measures from the runs: medians over the looks, of the worst along the line."""
    found = {}
    for kind, run in runs.items():
        worst = run["changes"].max(1)
        found[f"gradient change: {kind}"] = float(np.median(worst))
        found[f"relative change: {kind}"] = float(np.median(worst / run["norm"]))
        found[f"loss range: {kind}"] = float(np.median(np.ptp(run["losses"], axis=1)))
    return found


@experiment(
    name="gradient-predictiveness",
    claim="Along the direction of a step, the gradient of a network with batch norm changes less: a step can be "
    "trusted further.",
    source="Santurkar, Tsipras, Ilyas and Madry 2018, figure 4, https://arxiv.org/abs/1805.11604",
    scaled_down="6 convolutions with 12 maps on digits of 8×8 pixels, a fixed batch of 64, steps of 0.5 to 4 times "
    "the learning rate, every 10 steps; the paper has VGG on CIFAR-10",
    does_not_transfer="the paper's range of the loss along the step, which batch norm narrows there, does not "
    "favour it here: a plain network that hardly moves has a flat loss",
    measures={
        f"{what}: {kind}": meaning
        for kind in ("plain", "BN")
        for what, meaning in {
            "gradient change": "largest change of the gradient along the step, its norm; median over the looks",
            "relative change": "the same, divided by the gradient's own norm",
            "loss range": "highest less lowest loss along the step; median over the looks",
        }.items()
    },
    needs="torch",
    bounds=(0.0, float("inf")),
)
def gradient_predictiveness_card(seed: int = 0) -> dict[str, float]:
    """Medians over the looks. Needs torch."""
    return landscape_summary(landscape_runs(seed))


def first_steps(seed: int = 0, rates: tuple[float, ...] = RATES) -> dict[str, dict]:
    """One step from initialisation with each learning rate, in a residual network without and with batch norm.

    Returns {"plain" or "BN": {"start": loss before, "losses": (A,) after, "sizes": (A, blocks + 1)}}; a size is
    the root mean square of the activations that leave a block, after the step.
    """
    import torch

    from ..fitting import tensor

    data, found = load("digits"), {}
    chosen = np.random.default_rng(seed).permutation(len(data.x_train))[:128]
    x, labels = tensor(data.x_train[chosen]), torch.as_tensor(data.y_train[chosen])
    loss = torch.nn.functional.cross_entropy
    for kind in ("plain", "BN"):
        net = residual_net(kind == "BN", seed)
        everything = list(net.parameters())
        before = [p.detach().clone() for p in everything]
        value = loss(net(x), labels)
        gradients = torch.autograd.grad(value, everything)
        losses, sizes = [], []
        blocks = [net[0], *(part for part in net if hasattr(part, "branch"))]
        for rate in rates:
            with torch.no_grad():
                for p, old, gradient in zip(everything, before, gradients, strict=True):
                    p.copy_(old - rate * gradient)
                losses.append(float(loss(net(x), labels)))
                h, row = x, []
                for block in blocks:
                    h = block(h)
                    row.append(float(h.square().mean().sqrt()))
            sizes.append(row)
        found[kind] = {"start": float(value.detach()), "losses": np.array(losses), "sizes": np.array(sizes)}
    return found


@experiment(
    name="first-step",
    claim="From initialisation, a network with batch norm bears steps that blow up the same network without it.",
    source="Bjorck, Gomes, Selman and Weinberger 2018, figures 2 and 3, https://arxiv.org/abs/1806.02375",
    scaled_down="8 residual blocks with 12 maps, 128 digits of 8×8 pixels, one step, 4 starts; the paper has "
    "a ResNet-110 on CIFAR-10 and follows its first updates",
    does_not_transfer="the paper's further finding, that with small learning rates both networks end equally well, "
    "needs long training; in our short runs batch norm is ahead at small rates, too",
    measures={
        f"harmful steps: {kind}": f"share of {len(RATES)} rates up to {RATES[-1]:g} and of 4 starts that raise the loss"
        for kind in ("plain", "BN")
    },
    needs="torch",
    bounds=(0.0, 1.0),
)
def first_step(seed: int = 0) -> dict[str, float]:
    """How often a first step does harm. Needs torch."""
    starts = [first_steps(4 * seed + start) for start in range(4)]
    return {
        f"harmful steps: {kind}": float(np.mean([run[kind]["losses"] > run[kind]["start"] for run in starts]))
        for kind in ("plain", "BN")
    }
