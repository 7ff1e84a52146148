"""Lecture 6, beats 6 to 8: weights that grow, gradients that explode with depth, and noise from the batch."""

from __future__ import annotations

import math

import numpy as np

from ..cards import experiment
from ..data import load
from .why_batch_norm_networks import conv_net

GROWTH = math.pi / (math.pi - 1)
RATE = 0.5
DECAYS = {"no decay": 0.0, "weight decay 0.01": 0.01}
BATCHES = (2, 4, 8, 16, 32, 64, 128, 256)


def norm_traces(seed: int = 0, steps: int = 300) -> dict[str, dict]:
    """The norm of a convolution's weights before batch norm, step by step under plain SGD.

    Returns {name of the decay: {"norm": (steps + 1,), "radial": the largest |cosine| of weight and gradient}}.
    """
    import torch

    from ..fitting import fit

    data, found = load("digits"), {}
    for name, decay in DECAYS.items():
        net, rng = conv_net("BN", seed, layers=4), np.random.default_rng(seed)
        weight = [part for part in net if isinstance(part, torch.nn.Conv2d)][2].weight
        norms, cosines = [float(weight.detach().norm())], []

        def look(_step, _loss, weight=weight, norms=norms, cosines=cosines):
            norms.append(float(weight.detach().norm()))
            # The step is undone, since the gradient belongs to the weight before it.
            before = (weight.detach() + RATE * weight.grad).flatten()
            cosine = torch.cosine_similarity(before, weight.grad.flatten(), dim=0)
            cosines.append(abs(float(cosine)))

        rule = torch.optim.SGD(net.parameters(), lr=RATE, weight_decay=decay)
        fit(net, data.x_train, data.y_train, rule, rng=rng, steps=steps, batch=64, each_step=look)
        found[name] = {"norm": np.array(norms), "radial": max(cosines)}
    return found


@experiment(
    name="weight-growth",
    claim="Before batch norm, plain SGD can only lengthen a weight, which shrinks its effective learning rate; "
    "weight decay shortens it again.",
    source="van Laarhoven 2017, L2 regularization versus batch and weight normalization, "
    "https://arxiv.org/abs/1706.05350",
    scaled_down="one of 4 convolutions with 12 maps, digits of 8×8 pixels, 300 steps of SGD with rate 0.5",
    does_not_transfer="momentum and adaptive rules do not keep the step orthogonal to the weight, so with them the "
    "norm need not grow in every step",
    measures={
        "growth: no decay": "norm after 300 steps over norm at the start",
        "growth: weight decay 0.01": "the same with weight decay",
        "steps that shorten: no decay": "share of the steps after which the norm is smaller",
        "largest cosine of weight and gradient": "0 is orthogonal, 1 is parallel",
    },
    needs="torch",
)
def weight_growth(seed: int = 0) -> dict[str, float]:
    """Growth of the norm without and with weight decay. Needs torch."""
    traces = norm_traces(seed)
    plain = traces["no decay"]
    found = {f"growth: {name}": float(run["norm"][-1] / run["norm"][0]) for name, run in traces.items()}
    found["steps that shorten: no decay"] = float((np.diff(plain["norm"]) < -1e-6).mean())
    found["largest cosine of weight and gradient"] = plain["radial"]
    return found


def gradient_norms(kind: str, depth: int = 30, width: int = 256, batch: int = 256, seed: int = 0) -> np.ndarray:
    """Squared norms of the loss's gradient at every layer's pre-activation, at initialisation; (depth,).

    kind: "plain" is h -> W relu(h) with He's initialisation; "BN" is h -> W relu(BN(h)); "BN and skips" is
    h -> h + W relu(BN(h)); "sigmoid" and "sigmoid, BN" are h -> W sigmoid(h), h -> W sigmoid(BN(h)) with Glorot's
    variance 1/width. The loss is a random linear function of the last layer. Inputs are standard normal.
    """
    import torch

    made = torch.Generator().manual_seed(seed)
    variance = 1 if kind.startswith("sigmoid") else 2
    h = torch.randn(batch, width, generator=made)
    bend = torch.sigmoid if kind.startswith("sigmoid") else torch.relu
    seen = []
    for layer in range(depth + 1):
        # The input itself is no pre-activation, and is not among those that are measured.
        if layer == 1:
            h = h.detach().requires_grad_()
        if layer:
            h.retain_grad()
            seen.append(h)
        weight = torch.randn(width, width, generator=made) * (variance / width) ** 0.5
        inside = torch.nn.functional.batch_norm(h, None, None, training=True) if "BN" in kind else h
        branch = bend(inside) @ weight
        h = h + branch if kind.endswith("skips") else branch
    (h * torch.randn(h.shape, generator=made)).sum().backward()
    return np.array([float(there.grad.square().sum()) for there in seen])


def rate_per_layer(norms: np.ndarray) -> float:
    """The factor by which a squared norm grows from one layer to the one before; least squares on its logarithm."""
    layers = np.arange(len(norms))
    return float(np.exp(-np.polyfit(layers, np.log(norms), 1)[0]))


@experiment(
    name="gradient-explosion",
    claim="At initialisation a deep network of linear layers, batch norm and ReLU has gradients that grow towards "
    "the input, by π/(π−1) per layer in squared norm; skip connections cure it.",
    source="Yang, Pennington, Rao, Sohl-Dickstein and Schoenholz 2019, https://arxiv.org/abs/1902.08129",
    scaled_down="30 layers, random inputs, one draw of the weights per seed",
    does_not_transfer="the number holds at initialisation for large width and batch; training moves away from it",
    measures={
        "BN: width 128, batch 128": "growth of the squared gradient norm per layer",
        "BN: width 256, batch 256": "the same, nearer to the limit π/(π−1)",
        "plain: width 256, batch 256": "He's initialisation, no batch norm",
        "BN and skips: width 256, batch 256": "with residual connections",
        "sigmoid: width 256, batch 256": "a saturating network without batch norm; below 1 is vanishing",
        "sigmoid, BN: width 256, batch 256": "the same with batch norm",
    },
    needs="torch",
)
def gradient_explosion(seed: int = 0) -> dict[str, float]:
    """Rates per layer. Needs torch."""
    found = {}
    for name in (
        "BN: width 128, batch 128",
        "BN: width 256, batch 256",
        "plain",
        "BN and skips",
        "sigmoid",
        "sigmoid, BN",
    ):
        kind, _, sizes = name.partition(":")
        width = 128 if "128" in sizes else 256
        measure = name if sizes else f"{name}: width 256, batch 256"
        found[measure] = rate_per_layer(gradient_norms(kind, width=width, batch=width, seed=seed))
    return found


def logit_noise(seed: int = 0, trials: int = 60) -> dict[int, float]:
    """How much the logits of one image depend on its company: {batch size: standard deviation}.

    A network with batch norm is trained for a while and left in training mode. One image is then put into
    `trials` batches whose other members are drawn anew; the result is the root mean square over the logits.
    """
    import torch

    from ..fitting import fit, tensor

    data, rng = load("digits"), np.random.default_rng(seed)
    net = conv_net("BN", seed, layers=4)
    rule = torch.optim.SGD(net.parameters(), lr=0.1)
    fit(net, data.x_train, data.y_train, rule, rng=rng, steps=150, batch=64)
    pool, image = tensor(data.x_train), tensor(data.x_test[:1])
    found = {}
    for size in BATCHES:
        rows = []
        for _ in range(trials):
            company = pool[rng.choice(len(pool), size - 1, replace=False)]
            with torch.no_grad():
                rows.append(net(torch.cat([image, company]))[0].numpy())
        found[size] = float(np.sqrt(np.var(rows, axis=0, ddof=1).mean()))
    return found


def slope(spread: dict[int, float], smallest: int = 8) -> float:
    """The slope of log spread against log batch size, from the batch size `smallest` on."""
    sizes = [size for size in spread if size >= smallest]
    return float(np.polyfit(np.log(sizes), np.log([spread[size] for size in sizes]), 1)[0])


@experiment(
    name="batch-noise",
    claim="In training mode an image's output depends on its batch; this noise falls as one over the square root "
    "of the batch size.",
    source="Ioffe and Szegedy 2015, section 3.4, https://arxiv.org/abs/1502.03167, name the effect; the exponent is "
    "that of a mean of independent values",
    scaled_down="4 convolutions with 12 maps, digits of 8×8 pixels, one image, 60 batches of each size",
    does_not_transfer="below 8 images the statistics are so coarse that the square root no longer holds",
    measures={
        "slope": "of log standard deviation against log batch size, from 8 images on; −1/2 is expected",
        "spread at 8": "standard deviation of the logits between batches of 8",
        "spread at 256": "the same for batches of 256",
    },
    needs="torch",
)
def batch_noise(seed: int = 0) -> dict[str, float]:
    """Slope and spreads. Needs torch."""
    spread = logit_noise(seed)
    return {"slope": slope(spread), "spread at 8": spread[8], "spread at 256": spread[256]}
