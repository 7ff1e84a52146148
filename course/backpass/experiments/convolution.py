"""Lecture 1: equivariance errors, the price of a layer, and the ladder of priors."""

from __future__ import annotations

import math

import numpy as np

from ..cards import experiment
from ..data import load
from ..figures.planes import LAPLACIAN, OBLIQUE, Layer, relative_gap, scene, turned

LADDER = {
    "dense": "all inputs to all units, every weight free",
    "local": "each unit sees a 7×7 window, every weight free",
    "shared": "the same 7×7 kernels everywhere: a convolution",
    "shared, position dropped": "and only the strongest response of each map is read: global max",
}

# How the digits were placed in training, and at the test.
SETTINGS = {
    "control": "trained and tested in one place",
    "one place": "trained in one place, tested anywhere",
    "anywhere": "trained and tested anywhere",
}


@experiment(
    name="equivariance",
    claim="A convolution commutes with shifts, and neither with turns nor with zooms; borders and strides "
    "break even the shifts.",
    source="Goodfellow, Bengio and Courville 2016, Deep Learning, section 9.2",
    scaled_down="one 3×3 kernel, one digit enlarged to 32×32 pixels, bilinear turns and zooms",
    does_not_transfer="the sizes of the errors depend on image and kernel; which of them are zero does not",
    measures={
        "shift, circular border": "relative error of f(shift x) against shift f(x); 0 is exact equivariance",
        "shift by 2, stride 2": "the input moves by the stride, the output by one",
        "turn by 90°, Laplacian": "a kernel that looks alike from all four sides",
        "shift, zeros outside": "the image touches the border and leaves it",
        "shift by 1, stride 2": "against the better of the two output shifts, 0 and 1",
        "zoom by 1.5": "relative error of f(zoom x) against zoom f(x)",
        "turn by 45°": "relative error of f(turn x) against turn f(x)",
        "turn by 90°": "the same; no interpolation takes part in this one",
    },
    random=False,
)
def equivariance_errors(seed: int = 0) -> dict[str, float]:
    """How far f(g x) is from g f(x), for shifts, turns and zooms g. Dimensionless, 0 is exact."""
    plane = scene()
    layer, strided = Layer(OBLIQUE), Layer(OBLIQUE, stride=2)
    zeros, laplacian = Layer(OBLIQUE, border="zero"), Layer(LAPLACIAN)

    def gap(layer, before, after):
        return relative_gap(layer.see(before(plane)), after(layer.see(plane)))

    def shift(by):
        return lambda p: np.roll(p, by, axis=1)

    def turn(degrees):
        return lambda p: turned(p, degrees)

    def push(p):
        return np.pad(p, ((0, 0), (10, 0)))[:, :-10]

    return {
        "shift, circular border": gap(layer, shift(3), shift(3)),
        "shift by 2, stride 2": gap(strided, shift(2), shift(1)),
        "turn by 90°, Laplacian": gap(laplacian, turn(90), turn(90)),
        "shift, zeros outside": gap(zeros, push, push),
        "shift by 1, stride 2": min(gap(strided, shift(1), shift(0)), gap(strided, shift(1), shift(1))),
        "zoom by 1.5": gap(layer, lambda p: turned(p, 0.0, 1.5), lambda p: turned(p, 0.0, 1.5)),
        "turn by 45°": gap(layer, turn(45), turn(45)),
        "turn by 90°": gap(layer, turn(90), turn(90)),
    }


def transform_price(side: int, kernel: int) -> int:
    """Real multiplications of a convolution by fast Fourier transforms; side and kernel in pixels.

    Three two-dimensional radix-2 transforms of size P x P, P the next power of two: windows that lie
    inside the image never wrap around, so the image's own side is enough. Each takes (P^2 / 2) log2(P^2)
    complex multiplications, the product P^2 more; a complex multiplication counts as four real ones.
    Real-input and mixed-radix transforms save a constant factor that this does not count.
    """
    padded = 2 ** math.ceil(math.log2(max(side, kernel)))
    points = padded**2
    return 4 * (3 * points // 2 * int(math.log2(points)) + points)


def direct_price(side: int, kernel: int) -> int:
    """Real multiplications of the same convolution, product by product, for every full window."""
    return kernel**2 * (side - kernel + 1) ** 2


@experiment(
    name="fft-crossover",
    claim="Beyond a certain kernel size, convolution by Fourier transforms takes fewer multiplications.",
    source="Mathieu, Henaff and LeCun 2014, Fast training of convolutional networks through FFTs, "
    "https://arxiv.org/abs/1312.5851",
    scaled_down="counted for one image and one kernel; the paper times whole layers on a GPU",
    does_not_transfer="a count is not a time: memory, vector units and reuse of a kernel's transform over a "
    "batch decide in practice, and libraries choose by measuring",
    measures={f"side {side}": "smallest kernel for which the transforms multiply less" for side in (32, 96, 224)},
    random=False,
)
def fft_crossover(seed: int = 0) -> dict[str, float]:
    """The smallest kernel (in pixels) for which transforms need fewer multiplications, by image side."""
    found = {}
    for side in (32, 96, 224):
        cheaper = (k for k in range(1, side) if transform_price(side, k) < direct_price(side, k))
        found[f"side {side}"] = float(next(cheaper))
    return found


def ladder_networks(torch) -> dict:
    """Four networks with the same hidden units, 32 maps of 10x10, and ever fewer free weights.

    torch: the module. Returns {name of the rung: torch.nn.Module}; inputs (N, 1, 16, 16), windows 7x7.
    The last rung reads the largest entry of each map only.
    """
    nn, maps, places, window = torch.nn, 32, 100, 49

    class Local(nn.Module):
        """Each unit has its own window and its own weights."""

        def __init__(self):
            super().__init__()
            spread = (2 * torch.rand(places, window, maps) - 1) / window**0.5
            self.weight = nn.Parameter(spread)
            self.bias = nn.Parameter(torch.zeros(places, 1, maps))

        def forward(self, x):
            windows = nn.functional.unfold(x, 7).permute(2, 0, 1)
            return torch.baddbmm(self.bias, windows, self.weight).permute(1, 2, 0)

    def read(inputs):
        return nn.Flatten(), nn.Linear(inputs, 10)

    return {
        "dense": nn.Sequential(nn.Flatten(), nn.Linear(256, maps * places), nn.ReLU(), *read(maps * places)),
        "local": nn.Sequential(Local(), nn.ReLU(), *read(maps * places)),
        "shared": nn.Sequential(nn.Conv2d(1, maps, 7), nn.ReLU(), *read(maps * places)),
        "shared, position dropped": nn.Sequential(
            nn.Conv2d(1, maps, 7), nn.ReLU(), nn.AdaptiveMaxPool2d(1), *read(maps)
        ),
    }


def pasted(images: np.ndarray, rng: np.random.Generator | None) -> np.ndarray:
    """Digits (N, 8, 8) on canvases (N, 1, 16, 16): in the middle, or anywhere when rng is given."""
    corners = np.full((len(images), 2), 4) if rng is None else rng.integers(0, 9, (len(images), 2))
    canvas = np.zeros((len(images), 1, 16, 16), np.float32)
    for image, plane, (row, column) in zip(images, canvas, corners, strict=True):
        plane[0, row : row + 8, column : column + 8] = image
    return canvas


@experiment(
    name="prior-ladder",
    claim="Trained on digits in one place, a network reads them anywhere when it shares its kernels and "
    "drops the position. Fewer weights alone do not buy that.",
    source="after LeCun 1989, Generalization and network design strategies, report CRG-TR-89-4",
    scaled_down="1000 digits of 8×8 pixels on a 16×16 canvas, one hidden layer; the "
    "report has digits and networks of its own",
    does_not_transfer="with every digit in its trained place at the test, too (the control), the four come "
    "close to each other: the ladder is about positions, not about digits",
    measures={f"{setting}: {rung}": what for setting in SETTINGS for rung, what in LADDER.items()},
    needs="torch",
    bounds=(0.0, 1.0),
)
def prior_ladder(seed: int = 0) -> dict[str, float]:
    """Accuracy of the four networks in the three settings, between 0 and 1. Needs torch."""
    import torch

    from ..fitting import accuracy, fit

    data, rng = load("digits"), np.random.default_rng(seed)
    chosen = rng.permutation(len(data.x_train))[:1000]
    images, labels = data.x_train[chosen], data.y_train[chosen]
    in_place, moved = pasted(data.x_test, None), pasted(data.x_test, rng)
    found = {}
    for trained in ("one place", "anywhere"):
        x = pasted(images, None if trained == "one place" else rng)
        torch.manual_seed(seed)
        for rung, net in ladder_networks(torch).items():
            fit(net, x, labels, torch.optim.Adam(net.parameters(), lr=3e-3), rng=rng, steps=200, batch=50)
            if trained == "one place":
                found[f"control: {rung}"] = accuracy(net, in_place, data.y_test)
            found[f"{trained}: {rung}"] = accuracy(net, moved, data.y_test)
    return found
