"""Lecture 2: a kernel found by gradient descent, effective fields, uneven overlaps, and padding that tells where."""

from __future__ import annotations

import numpy as np

from ..cards import experiment
from ..data import load

SOBEL = np.array([[1.0, 0.0, -1.0], [2.0, 0.0, -2.0], [1.0, 0.0, -1.0]])

# What stands outside the image, by torch's names.
BORDERS = ("zeros", "replicate", "reflect", "circular")


def recover_kernel(
    seed: int, kernel=SOBEL, *, flipped: bool = False, steps: int = 400
) -> tuple[np.ndarray, np.ndarray]:
    """Fit one 3x3 kernel to pairs of digits and their responses under `kernel`.

    flipped: the responses are those of a true convolution, made by Fourier transforms. Returns (kernels after
    0, 1, ... steps: (steps + 1, 3, 3), loss before each step: (steps,)). Needs torch.
    """
    import torch

    from ..fitting import fit, tensor

    images = tensor(load("digits").x_train[:200])
    target = torch.as_tensor(kernel, dtype=torch.float32)
    if flipped:
        size = images.shape[-2:]
        waves = torch.fft.rfft2(images) * torch.fft.rfft2(target, size)
        # The first rows and columns wrapped round; the rest are the full windows.
        wanted = torch.fft.irfft2(waves, size)[..., 2:, 2:]
    else:
        wanted = torch.nn.functional.conv2d(images, target[None, None])
    torch.manual_seed(seed)
    net = torch.nn.Conv2d(1, 1, 3, bias=False)
    kernels = [net.weight.detach().numpy()[0, 0].copy()]
    losses = fit(
        net,
        images,
        wanted,
        torch.optim.SGD(net.parameters(), lr=0.15, momentum=0.9),
        rng=np.random.default_rng(seed),
        steps=steps,
        batch=200,
        loss=torch.nn.functional.mse_loss,
        each_step=lambda step, loss: kernels.append(net.weight.detach().numpy()[0, 0].copy()),
    )
    return np.array(kernels), np.array(losses)


@experiment(
    name="recover-kernel",
    claim="Shown only inputs and outputs of an edge filter, gradient descent finds the filter's nine weights; shown "
    "the outputs of a true convolution, it finds them turned by half a turn.",
    source="after LeCun et al. 1989, Backpropagation applied to handwritten zip code recognition: kernels are learned",
    scaled_down="one 3×3 kernel, 200 digits of 8×8 pixels, at most 400 steps with all of them",
    does_not_transfer="one linear layer has a single best kernel; the filters of a deep network are not unique",
    measures={
        "steps, as layers compute it": "until each weight is within 0.01 of the Sobel filter's",
        "steps, true convolution": "until each weight is within 0.01 of the Sobel filter turned by half a turn",
    },
    needs="torch",
    bounds=(0.0, np.inf),
)
def recover(seed: int = 0) -> dict[str, float]:
    """Steps until nine weights are recovered, for both operations; infinite if they are not. Needs torch."""

    def steps(target, flipped):
        errors = np.abs(recover_kernel(seed, flipped=flipped)[0] - target).max((1, 2))
        return float(np.argmax(errors < 0.01)) if (errors < 0.01).any() else np.inf

    return {
        "steps, as layers compute it": steps(SOBEL, flipped=False),
        "steps, true convolution": steps(SOBEL[::-1, ::-1], flipped=True),
    }


def centre_gradient(layers: int = 20, seed: int = 0, *, maps: int = 16, draws: int = 4, relu: bool = False):
    """How strongly the middle output unit of a random network depends on each pixel. Needs torch.

    layers of 3x3 kernels with `maps` maps each, without padding; the squared gradient, averaged over input
    maps and over `draws` networks. Returns (2 * layers + 1, 2 * layers + 1), summing to 1.
    """
    import torch

    generator, side = torch.Generator().manual_seed(seed), 2 * layers + 1
    total = torch.zeros(side, side)
    for _ in range(draws):
        x = torch.randn(1, maps, side, side, generator=generator).requires_grad_()
        y = x
        for _ in range(layers):
            weight = torch.randn(maps, maps, 3, 3, generator=generator) * (2 if relu else 1) ** 0.5 / (9 * maps) ** 0.5
            y = torch.nn.functional.conv2d(y, weight)
            y = y.relu() if relu else y
        upstream = torch.randn(y.shape, generator=generator)
        (gradient,) = torch.autograd.grad(y, x, upstream)
        total += gradient[0].square().sum(0)
    return (total / total.sum()).numpy().astype(np.float64)


def width_of(share: np.ndarray, inside: float = 0.95) -> int:
    """The side of the smallest centred square that holds a part of the influence. share: (S, S), sums to 1."""
    middle = len(share) // 2
    for reach in range(middle + 1):
        box = slice(middle - reach, middle + reach + 1)
        if share[box, box].sum() >= inside - 1e-12:
            break
    return 2 * reach + 1


def spread_of(share: np.ndarray) -> float:
    """The standard deviation of the influence along one axis, in pixels, the mean of both axes."""
    offsets = np.arange(len(share)) - len(share) // 2
    return float(np.mean([np.sqrt((share.sum(axis) * offsets**2).sum()) for axis in (0, 1)]))


@experiment(
    name="effective-field",
    claim="A unit can see a square that grows with the depth, but it looks at a blurred spot in the middle "
    "that grows only with the square root of the depth.",
    source="Luo et al. 2016, Understanding the effective receptive field in deep convolutional neural networks, "
    "https://arxiv.org/abs/1701.04128",
    scaled_down="20 layers of 3×3 kernels, 16 maps, random weights, no training, four networks averaged",
    does_not_transfer="training widens the effective field, as the paper reports; strides, dilation and shortcuts "
    "change it",
    measures={
        "theoretical field": "side of the square on which the unit depends at all (pixels)",
        "spread, linear": "standard deviation of the squared gradient along one axis (pixels)",
        "spread, ReLU": "the same with a ReLU after each layer",
        "inside 17×17, linear": "share of the squared gradient in the middle 17×17 of 41×41 pixels",
        "inside 17×17, ReLU": "the same with a ReLU after each layer",
    },
    needs="torch",
    bounds=(0.0, np.inf),
)
def effective_field(seed: int = 0) -> dict[str, float]:
    """Theoretical side, spread and concentration of the field of 20 random 3x3 layers. Needs torch."""
    linear, bent = (centre_gradient(20, seed, relu=relu) for relu in (False, True))
    return {
        "theoretical field": float(len(linear)),
        "spread, linear": spread_of(linear),
        "spread, ReLU": spread_of(bent),
        "inside 17×17, linear": float(linear[12:29, 12:29].sum()),
        "inside 17×17, ReLU": float(bent[12:29, 12:29].sum()),
    }


def overlap(kernel: int, stride: int, places: int = 8) -> np.ndarray:
    """How many stamps of `kernel` pixels, one every `stride` pixels, lie on each pixel of a line."""
    seen = np.zeros(stride * (places - 1) + kernel, int)
    for place in range(places):
        seen[place * stride : place * stride + kernel] += 1
    return seen


def unevenness(kernel: int, stride: int) -> float:
    """Largest over smallest number of stamps on a pixel, in two dimensions, away from the border; 1 is even."""
    inner = overlap(kernel, stride, places=4 * kernel)[2 * kernel : -2 * kernel]
    return float(inner.max() / inner.min()) ** 2


@experiment(
    name="uneven-overlap",
    claim="A transposed convolution whose kernel is no multiple of its stride touches some pixels more often "
    "than others, in a checkerboard.",
    source="Odena, Dumoulin and Olah 2016, Deconvolution and checkerboard artifacts, https://distill.pub/2016/deconv-checkerboard",
    scaled_down="nothing: the overlaps are counted",
    does_not_transfer="an even overlap does not forbid a checkerboard, weights can make one; and a network can learn "
    "weights that hide an uneven overlap",
    measures={
        f"{k}×{k} kernel, stride {s}": "most over fewest stamps on a pixel; 1 is even"
        for k, s in ((2, 2), (3, 2), (4, 2), (5, 2), (4, 3), (5, 3), (6, 3))
    },
    random=False,
)
def uneven_overlap(seed: int = 0) -> dict[str, float]:
    """Largest over smallest overlap of a transposed convolution, for kernels and strides."""
    pairs = ((2, 2), (3, 2), (4, 2), (5, 2), (4, 3), (5, 3), (6, 3))
    return {f"{k}×{k} kernel, stride {s}": unevenness(k, s) for k, s in pairs}


def dots(count: int, rng: np.random.Generator, side: int = 16) -> tuple[np.ndarray, np.ndarray]:
    """Grey noise with one bright dot of 2x2 pixels. Returns images (count, side, side), labels: 1 if on the right."""
    images = rng.normal(0.5, 0.1, (count, side, side)).astype(np.float32)
    rows = rng.integers(0, side - 1, count)
    columns = rng.integers(0, side // 2 - 1, count)
    right = rng.integers(0, 2, count)
    columns = np.where(right == 1, side - 2 - columns, columns)
    for image, row, column in zip(images, rows, columns, strict=True):
        image[row : row + 2, column : column + 2] += 2.0
    return images, right


def where_network(torch, border: str, maps: int = 8):
    """Three 5x5 convolutions with that border, the mean of each map, and a linear reading of the means."""
    nn, layers = torch.nn, []
    for inputs in (1, maps, maps):
        layers += [nn.Conv2d(inputs, maps, 5, padding=2, padding_mode=border), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(maps, 2))


@experiment(
    name="padding-tells-where",
    claim="Zeros around the image tell a convolutional network where things are; a border without an end does not.",
    source="after Islam, Jia and Bruce 2020, https://arxiv.org/abs/2001.08248, and Kayhan and van Gemert 2020, "
    "https://arxiv.org/abs/2003.07064",
    scaled_down="a bright dot in 16×16 pixels of noise, left or right; three 5×5 layers, then the mean of each map",
    does_not_transfer="in the papers the networks are large and trained on photographs; here the task itself asks "
    "for the position",
    measures={
        border: f"accuracy on left or right with the border “{border}”; guessing gives 0.5" for border in BORDERS
    },
    needs="torch",
    bounds=(0.0, 1.0),
)
def padding_tells_where(seed: int = 0, steps: int = 250) -> dict[str, float]:
    """Accuracy on left or right by border rule, between 0 and 1. Needs torch."""
    import torch

    from ..fitting import accuracy, fit

    found = {}
    for border in BORDERS:
        rng = np.random.default_rng(seed)
        x, right = dots(1600, rng)
        torch.manual_seed(seed)
        net = where_network(torch, border)
        fit(net, x, right, torch.optim.Adam(net.parameters(), lr=3e-3), rng=rng, steps=steps, batch=32)
        found[border] = accuracy(net, *dots(1000, rng))
    return found
