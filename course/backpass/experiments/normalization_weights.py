"""Lecture 7, beats 7 to 9: normalised weights, the start that data choose, and Lipschitz constants."""

from __future__ import annotations

import numpy as np

from ..cards import experiment
from ..data import load
from ..microscope import examine


def first_outputs(from_data: bool, seed: int = 0, depth: int = 8, width: int = 64) -> np.ndarray:
    """Standard deviations of the units behind each of `depth` weight-normalised tanh layers; (depth,).

    from_data: whether gain and bias are chosen, layer by layer, so that one batch of digits gives every unit mean 0
    and standard deviation 1 before the tanh; otherwise the gains are 1 and the biases 0, and v has entries of std 0.05.
    """
    import torch

    made = torch.Generator().manual_seed(seed)
    h = torch.as_tensor(load("digits").x_train[:256]).flatten(1)
    spreads = []
    for _ in range(depth):
        layer = torch.nn.Linear(h.shape[1], width)
        torch.nn.init.normal_(layer.weight, std=0.05, generator=made)
        torch.nn.init.zeros_(layer.bias)
        if from_data:
            layer = torch.nn.utils.parametrizations.weight_norm(layer)
            with torch.no_grad():
                spread, mean = torch.std_mean(layer(h), 0)
                layer.parametrizations.weight.original0 /= spread[:, None]
                layer.bias.copy_(-mean / spread)
        with torch.no_grad():
            before = layer(h)
            spreads.append(float(before.std(0).mean()))
            h = torch.tanh(before)
    return np.array(spreads)


@experiment(
    name="data-dependent-start",
    claim="Weight norm fixes the length of weights, not the scale of outputs; a start chosen from one batch sets both.",
    source="Salimans and Kingma 2016, section 3, https://arxiv.org/abs/1602.07868",
    scaled_down="8 tanh layers of 64 units, one batch of 256 digits, no training",
    does_not_transfer="the start is right for the first batch only; nothing keeps the outputs standardised later",
    measures={
        "layer 8, small random weights": "standard deviation of a unit before the tanh",
        "layer 8, start from data": "the same, gains and biases set from the batch",
    },
    needs="torch",
)
def data_dependent_start(seed: int = 0) -> dict[str, float]:
    """Spread behind the last layer, without and with the start from data. Needs torch."""
    return {
        "layer 8, small random weights": float(first_outputs(False, seed)[-1]),
        "layer 8, start from data": float(first_outputs(True, seed)[-1]),
    }


def slopes(spectral: bool, seed: int = 0, steps: int = 600) -> tuple[np.ndarray, float]:
    """Norms of the leading logit's gradient at 500 test digits, and the accuracy.

    A dense network 64-64-64-10 is trained, with or without torch's spectral norm on every layer. For each image
    the gradient of its largest logit is taken with respect to the pixels.
    """
    import torch
    from torch import nn

    from ..fitting import accuracy, fit, tensor

    torch.manual_seed(seed)
    wrap = nn.utils.parametrizations.spectral_norm if spectral else lambda layer: layer
    net = nn.Sequential(
        nn.Flatten(),
        wrap(nn.Linear(64, 64)),
        nn.ReLU(),
        wrap(nn.Linear(64, 64)),
        nn.ReLU(),
        wrap(nn.Linear(64, 10)),
    )
    data = load("digits")
    rule = torch.optim.Adam(net.parameters(), lr=3e-3)
    fit(net, data.x_train, data.y_train, rule, rng=np.random.default_rng(seed), steps=steps, batch=64)
    right = accuracy(net, data.x_test, data.y_test)
    net.eval()
    x = tensor(data.x_test).requires_grad_()
    (gradient,) = torch.autograd.grad(net(x).max(1).values.sum(), x)
    return gradient.flatten(1).norm(dim=1).numpy(), right


@experiment(
    name="spectral-norm",
    claim="Spectral norm on every layer bounds how fast a network's output can change, at a price in accuracy.",
    source="Miyato, Kataoka, Koyama and Yoshida 2018, https://arxiv.org/abs/1802.05957",
    scaled_down="a classifier of digits with two hidden layers of 64, 600 steps; the paper has discriminators of GANs",
    does_not_transfer="a classifier is not a discriminator, and says nothing on how well a GAN trains",
    measures={
        "steepest: without": "largest norm of the gradient of the leading logit, over 500 digits",
        "steepest: with": "the same with spectral norm; at most 1 up to the error of power iteration",
        "accuracy: without": "on test digits",
        "accuracy: with": "on test digits",
    },
    needs="torch",
)
def spectral_norm_card(seed: int = 0) -> dict[str, float]:
    """Steepest slopes and accuracies. Needs torch."""
    found = {}
    for name, spectral in (("without", False), ("with", True)):
        norms, right = slopes(spectral, seed)
        found |= {f"steepest: {name}": float(norms.max()), f"accuracy: {name}": right}
    return found


def kernel_and_operator(seed: int = 0, channels: int = 3, side: int = 8) -> dict[str, float]:
    """Four numbers that are called the spectral norm of a 3x3 convolution with random weights.

    "one power step" and "reshaped kernel" belong to the weight reshaped to (O, I * 9); "operator" is the largest
    singular value of the convolution on a circular side x side image, from its whole matrix; "bound" is 3 times
    that of the reshaped kernel.
    """
    import torch

    made = torch.Generator().manual_seed(seed)
    weight = torch.randn(channels, channels, 3, 3, generator=made, dtype=torch.float64)
    flat = weight.flatten(1)

    def layer(x):
        around = torch.nn.functional.pad(torch.as_tensor(x)[None], (1, 1, 1, 1), mode="circular")
        return torch.conv2d(around, weight)[0].numpy()

    start = torch.randn(channels, generator=made, dtype=torch.float64)
    once = flat.T @ start
    largest = float(torch.linalg.matrix_norm(flat, 2))
    return {
        "one power step": float((flat @ (once / once.norm())).norm()),
        "reshaped kernel": largest,
        "operator": float(examine(layer, (channels, side, side)).singular_values[0]),
        "bound": 3 * largest,
    }


@experiment(
    name="kernel-is-not-operator",
    claim="The largest singular value of the reshaped kernel is not the norm of the convolution; it is at most "
    "the square root of the kernel's area away.",
    source="Sedghi, Gupta and Long 2019, https://arxiv.org/abs/1805.10408; the bound: Tsuzuku, Sato and Sugiyama 2018, "
    "https://arxiv.org/abs/1802.04034",
    scaled_down="3 to 3 channels, kernel 3×3, circular image of 8×8 pixels, random weights",
    does_not_transfer="how far the two are apart depends on the kernel; trained ones can be nearer or further",
    measures={
        "one power step": "estimate after one step of power iteration from a random vector",
        "reshaped kernel": "largest singular value of the weight as an O × (I·9) matrix",
        "operator": "largest singular value of the convolution's own matrix",
        "bound": "3 times that of the reshaped kernel",
    },
    needs="torch",
)
def kernel_is_not_operator(seed: int = 0) -> dict[str, float]:
    """The four numbers. Needs torch."""
    return kernel_and_operator(seed)
