"""Lecture 6, beats 2 and 3: noise put behind batch norm, and the shift as gradients see it."""

from __future__ import annotations

import numpy as np

from ..cards import experiment
from ..data import load
from .why_batch_norm_networks import conv_net

KINDS = ("plain", "noisy BN", "BN")
STEPS, RATE, BATCH = 240, 0.1, 64
PROBE_EVERY, TEST_EVERY = 8, 20


def noisy_runs(seed: int = 0, kinds: tuple[str, ...] = KINDS) -> dict[str, dict]:
    """Train the networks, and watch the input of one ReLU in the middle.

    Returns {kind: {"steps", "accuracy": (T,), "mean": (P, channels), "std": (P, channels)}}; mean and std are
    those of each channel's pre-activation over one fixed batch, taken every PROBE_EVERY steps.
    """
    import torch

    from ..fitting import accuracy, fit, tensor

    data, found = load("digits"), {}
    probe = tensor(data.x_train[:128])
    for kind in kinds:
        net, rng = conv_net(kind, seed), np.random.default_rng(seed)
        relu = [part for part in net if isinstance(part, torch.nn.ReLU)][3]
        seen: dict[str, list] = {"steps": [], "accuracy": [], "mean": [], "std": []}

        def watch(step, _loss, net=net, relu=relu, seen=seen):
            if (step + 1) % PROBE_EVERY == 0:
                keep = relu.register_forward_pre_hook(lambda _, inputs: seen.update(last=inputs[0]))
                with torch.no_grad():
                    net(probe)
                keep.remove()
                spread, mean = torch.std_mean(seen.pop("last"), dim=(0, 2, 3))
                seen["mean"].append(mean.numpy())
                seen["std"].append(spread.numpy())
            if (step + 1) % TEST_EVERY == 0:
                seen["steps"].append(step + 1)
                seen["accuracy"].append(accuracy(net, data.x_test, data.y_test))

        rule = torch.optim.SGD(net.parameters(), lr=RATE)
        fit(net, data.x_train, data.y_train, rule, rng=rng, steps=STEPS, batch=BATCH, each_step=watch)
        found[kind] = {name: np.array(values) for name, values in seen.items()}
    return found


def drift(run: dict) -> float:
    """How far a channel's mean moves between two looks, in its own standard deviations; mean over all."""
    moved = np.abs(np.diff(run["mean"], axis=0)) / (run["std"][:-1] + 1e-12)
    return float(moved.mean())


def noisy_summary(runs: dict[str, dict]) -> dict[str, float]:
    """The card's measures from the runs."""
    found = {f"accuracy: {kind}": float(run["accuracy"][-1]) for kind, run in runs.items()}
    return found | {f"drift: {kind}": drift(run) for kind, run in runs.items()}


@experiment(
    name="noisy-batch-norm",
    claim="Random shifts and factors put behind batch norm make the distributions of layer inputs less stable "
    "than in a plain network, and the noisy network still trains faster than the plain one.",
    source="Santurkar, Tsipras, Ilyas and Madry 2018, figure 2, https://arxiv.org/abs/1805.11604",
    scaled_down="6 convolutions with 12 maps on 1297 digits of 8×8 pixels, 240 steps, one factor and shift per "
    "channel and step; the paper has VGG on CIFAR-10, and draws noise for every example, too",
    does_not_transfer="in the paper the noisy network is about as good as the clean one; here it stays behind it, "
    "so here the noise does cost something, but less than batch norm brings",
    measures={f"accuracy: {kind}": f"on test digits after {STEPS} steps" for kind in KINDS}
    | {f"drift: {kind}": f"mean move of a channel's mean within {PROBE_EVERY} steps, in its std" for kind in KINDS},
    needs="torch",
    bounds=(0.0, 1.0),
)
def noisy_batch_norm(seed: int = 0) -> dict[str, float]:
    """Final accuracies, and how much the watched distribution drifts. Needs torch."""
    return noisy_summary(noisy_runs(seed))


def shift_runs(seed: int = 0, every: int = 20) -> dict[str, dict]:
    """The gradient-based shift of Santurkar et al. (definition 2.1) along the training of two networks.

    At each look one step is imagined on a fixed batch. For layer i the gradient before it is compared with
    the gradient after the *earlier* layers alone took it. Returns {kind: {"steps": (T,), "cosine": (T, layers),
    "relative": (T, layers), "accuracy": number}}.
    """
    import torch

    from ..fitting import accuracy, fit, tensor

    data, found = load("digits"), {}
    x, labels = tensor(data.x_train[:BATCH]), torch.as_tensor(data.y_train[:BATCH])
    for kind in ("plain", "BN"):
        net, rng = conv_net(kind, seed), np.random.default_rng(seed)
        layers = [part for part in net if isinstance(part, torch.nn.Conv2d)]
        seen: dict[str, list] = {"steps": [], "cosine": [], "relative": []}

        def look(step, _loss, net=net, layers=layers, seen=seen):
            if step % every == 0:
                pairs = gradients_after_earlier_layers(net, layers, x, labels, RATE)
                seen["steps"].append(step)
                seen["cosine"].append([float(torch.cosine_similarity(a, b, dim=0)) for a, b in pairs])
                seen["relative"].append([float((a - b).norm() / a.norm()) for a, b in pairs])

        rule = torch.optim.SGD(net.parameters(), lr=RATE)
        fit(net, data.x_train, data.y_train, rule, rng=rng, steps=STEPS, batch=BATCH, each_step=look)
        found[kind] = {name: np.array(values) for name, values in seen.items()}
        found[kind]["accuracy"] = accuracy(net, data.x_test, data.y_test)
    return found


def gradients_after_earlier_layers(net, layers: list, x, labels, rate: float) -> list:
    """[(gradient, gradient after the earlier layers' step)] of the weights of layers[1:], each flattened.

    layers: modules of the net in order. A layer's step moves all its own parameters, and those of whatever
    stands between it and the next of `layers`. The net is left as it was.
    """
    import torch

    loss = torch.nn.functional.cross_entropy
    everything = list(net.parameters())
    before = [p.detach().clone() for p in everything]
    steps = torch.autograd.grad(loss(net(x), labels), everything)
    pairs = []
    for layer in layers[1:]:
        place = next(i for i, p in enumerate(everything) if p is layer.weight)
        with torch.no_grad():
            for p, start, step in list(zip(everything, before, steps, strict=True))[:place]:
                p.copy_(start - rate * step)
        (after,) = torch.autograd.grad(loss(net(x), labels), [layer.weight])
        pairs.append((steps[place].flatten(), after.flatten()))
        with torch.no_grad():
            for p, start in zip(everything, before, strict=True):
                p.copy_(start)
    return pairs


def shift_summary(runs: dict[str, dict]) -> dict[str, float]:
    """The card's measures from the runs."""
    found = {}
    for kind, run in runs.items():
        found[f"cosine: {kind}"] = float(run["cosine"].mean())
        found[f"relative change: {kind}"] = float(run["relative"].mean())
        found[f"accuracy: {kind}"] = float(run["accuracy"])
    return found


@experiment(
    name="gradient-shift",
    claim="Covariate shift can be measured as the change of a layer's gradient when the earlier layers take their "
    "step; the paper finds that batch norm does not reduce it.",
    source="Santurkar, Tsipras, Ilyas and Madry 2018, definition 2.1 and figure 3, https://arxiv.org/abs/1805.11604",
    scaled_down="6 convolutions with 12 maps on digits of 8×8 pixels; one imagined step on a fixed batch of 64, "
    "every 20 steps; the paper has VGG and a deep linear network of 25 layers",
    does_not_transfer="the finding does not reproduce here: the cosine is nearer to 1 with batch norm, and the "
    "relative change somewhat smaller. The networks are also at different places: one hardly trains, the other does",
    measures={
        f"{what}: {kind}": meaning
        for kind in ("plain", "BN")
        for what, meaning in {
            "cosine": "between a layer's gradient before and after the earlier layers' step; 1 is no shift",
            "relative change": "norm of the difference over the norm of the gradient; 0 is no shift",
            "accuracy": f"on test digits after {STEPS} steps",
        }.items()
    },
    needs="torch",
    bounds=(0.0, 1.0),
)
def gradient_shift(seed: int = 0) -> dict[str, float]:
    """Mean cosine and mean relative change over layers and looks. Needs torch."""
    return shift_summary(shift_runs(seed))
