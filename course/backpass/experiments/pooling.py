"""Lecture 3: what survives a shift, what pooling does to sparse features, and where a network looked."""

from __future__ import annotations

import numpy as np

from ..cards import experiment
from ..data import load
from .convolution import pasted

# Four ways to halve the sides of a map.
DOWNSAMPLING = {
    "strided convolution": "every second place is computed",
    "max": "the largest of 2×2",
    "average": "the mean of 2×2",
    "max, then blur": "the largest of 2×2 at every place, a 3×3 binomial blur, then every second place",
}
STAGES = {
    "detector": "responses after the ReLU, no pooling",
    "max 2, stride 2": "the largest of 2×2",
    "max 3, stride 1": "the largest of 3×3, at every place",
    "max 3, stride 2": "the largest of 3×3, at every second place",
    "average 2, stride 2": "the mean of 2×2",
}


def _smaller(torch, kind: str):
    """A module that halves the sides of (N, C, H, W) on a torus."""

    class MaxThenBlur(torch.nn.Module):
        """Zhang's anti-aliased pooling: a maximum at every place, and a blur in front of the subsampling."""

        def forward(self, x):
            for axis in (2, 3):
                x = torch.maximum(x, x.roll(-1, axis))
            for axis in (2, 3):
                x = (x.roll(1, axis) + 2 * x + x.roll(-1, axis)) / 4
            return x[:, :, ::2, ::2]

    return {
        "strided convolution": torch.nn.Identity(),
        "max": torch.nn.MaxPool2d(2),
        "average": torch.nn.AvgPool2d(2),
        "max, then blur": MaxThenBlur(),
    }[kind]


def shrinking_network(torch, kind: str, maps: int = 12):
    """Two 3x3 convolutions, each followed by one of DOWNSAMPLING, a third, the mean of each map, ten classes.

    torch: the module. Inputs (N, 1, 16, 16) on a torus: what leaves on one side comes in on the other.
    """
    nn, layers = torch.nn, []
    for inputs in (1, maps):
        stride = 2 if kind == "strided convolution" else 1
        layers += [nn.Conv2d(inputs, maps, 3, stride=stride, padding=1, padding_mode="circular"), nn.ReLU()]
        layers.append(_smaller(torch, kind))
    layers += [nn.Conv2d(maps, 2 * maps, 3, padding=1, padding_mode="circular"), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2 * maps, 10))


def clothes():
    """Fashion-14 on 16x16 pixels: (x_train, y_train, x_test, y_test)."""
    data, border = load("fashion14"), ((0, 0), (1, 1), (1, 1))
    return np.pad(data.x_train, border), data.y_train, np.pad(data.x_test, border), data.y_test


def _kept(torch, net, images, shift: int) -> float:
    """The share of images whose predicted class a circular shift along either axis leaves as it is."""
    net.eval()
    x = torch.as_tensor(images)[:, None]
    with torch.no_grad():
        before = net(x).argmax(1)
        moved = [net(x.roll(shift, axis)).argmax(1) for axis in (2, 3)]
    return float(torch.stack([after == before for after in moved]).float().mean())


@experiment(
    name="shift-consistency",
    claim="Max pooling does not make a network robust to small shifts; a blur in front of the subsampling does.",
    source="Zhang 2019, Making convolutional networks shift-invariant again, https://arxiv.org/abs/1904.11486, "
    "and Azulay and Weiss 2019, https://arxiv.org/abs/1805.12177",
    scaled_down="Fashion-MNIST at 14×14 on a torus of 16×16 pixels, three 3×3 layers, 300 steps; "
    "circular shifts of 1 to 3 pixels along one axis",
    does_not_transfer="in the paper the blur raises the accuracy, too; here it does not. Images are tiny, so "
    "that a shift by a pixel is a large one",
    measures={f"{what}: {kind}": how for what in ("kept", "accuracy") for kind, how in DOWNSAMPLING.items()},
    needs="torch",
    bounds=(0.0, 1.0),
)
def shift_consistency_of_networks(seed: int = 0, steps: int = 300) -> dict[str, float]:
    """Shares of predictions kept under shifts, and accuracies, by the way of downsampling. Needs torch."""
    import torch

    from ..fitting import accuracy, fit

    x, y, x_test, y_test = clothes()
    # About centred inputs: the short training gets further.
    x, x_test = x - np.float32(0.2), x_test - np.float32(0.2)
    found = {}
    for kind in DOWNSAMPLING:
        torch.manual_seed(seed)
        net = shrinking_network(torch, kind)
        optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
        fit(net, x, y, optimizer, rng=np.random.default_rng(seed), steps=steps, batch=64)
        found[f"kept: {kind}"] = float(np.mean([_kept(torch, net, x_test[:1000], shift) for shift in (1, 2, 3)]))
        found[f"accuracy: {kind}"] = accuracy(net, x_test, y_test)
    return {f"{what}: {kind}": found[f"{what}: {kind}"] for what in ("kept", "accuracy") for kind in DOWNSAMPLING}


@experiment(
    name="unchanged-after-shift",
    claim="After a shift by one pixel most responses of a detector have changed; after max pooling fewer have, "
    "and many still.",
    source="after Goodfellow, Bengio and Courville 2016, Deep Learning, figure 9.8",
    scaled_down="500 Fashion-MNIST images at 14×14, eight random 3×3 kernels and a ReLU; a shift by one pixel "
    "along a row",
    does_not_transfer="how many stay depends on kernels and images; a share of equal numbers says little about "
    "how far the others moved",
    measures=STAGES,
    needs="torch",
    bounds=(0.0, 1.0),
)
def unchanged_after_shift(seed: int = 0) -> dict[str, float]:
    """The share of values that stay exactly the same where either is not zero, by stage. Needs torch."""
    import torch

    functional = torch.nn.functional
    images = torch.as_tensor(clothes()[2][:500], dtype=torch.float64)[:, None]
    kernels = torch.randn(8, 1, 3, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)

    def detector(x):
        # The images have 256 grey levels; rounding makes sums of the same pixels equal bit by bit.
        return functional.conv2d(functional.pad(x, (1, 1, 1, 1), mode="circular"), kernels).relu().round(decimals=9)

    pools = {
        "detector": lambda x: x,
        "max 2, stride 2": lambda x: functional.max_pool2d(x, 2),
        "max 3, stride 1": lambda x: functional.max_pool2d(x, 3, stride=1),
        "max 3, stride 2": lambda x: functional.max_pool2d(x, 3, stride=2),
        "average 2, stride 2": lambda x: functional.avg_pool2d(x, 2).round(decimals=9),
    }
    found = {}
    for name, pool in pools.items():
        before, after = pool(detector(images)), pool(detector(images.roll(1, 3)))
        alive = (before > 0) | (after > 0)
        found[name] = float((before == after)[alive].double().mean())
    return found


def separability(p: float, q: float, size, kind: str):
    """How far apart two kinds of images stand after pooling `size` features that fire with chance p or q.

    Difference of the means over the sum of the deviations, after Boureau et al. 2010; kind: "max" or "average";
    size: a number or an array of numbers.
    """
    size = np.asarray(size, float)
    if kind == "average":
        means, deviations = (p, q), [np.sqrt(rate * (1 - rate) / size) for rate in (p, q)]
    else:
        # The chance that none fires: kept itself, since 1 - it would round to 1.
        means = [(1 - rate) ** size for rate in (p, q)]
        deviations = [np.sqrt(mean * (1 - mean)) for mean in means]
    return np.abs(means[0] - means[1]) / (deviations[0] + deviations[1])


@experiment(
    name="pooling-sparse-features",
    claim="For features that fire rarely, the maximum separates best at one size of the pool; an average separates "
    "the better, the more it pools.",
    source="Boureau, Ponce and LeCun 2010, A theoretical analysis of feature pooling in visual recognition, ICML",
    scaled_down="nothing: the formulas of independent features that are 0 or 1",
    does_not_transfer="neighbouring features of real images are neither independent nor binary",
    measures={
        "best size for max, 0.2 against 0.1": "number of features in the pool",
        "max, at its best": "difference of the means over the sum of the deviations",
        "max, 64 features": "the same",
        "average, 64 features": "the same",
        "best size for max, 0.02 against 0.01": "rarer features want larger pools",
    },
    random=False,
)
def pooling_sparse_features(seed: int = 0) -> dict[str, float]:
    """Separability of two kinds of images after pooling, from the formulas."""
    sizes = np.arange(1, 2000)
    common, rare = (separability(p, p / 2, sizes, "max") for p in (0.2, 0.02))
    return {
        "best size for max, 0.2 against 0.1": float(sizes[common.argmax()]),
        "max, at its best": float(common.max()),
        "max, 64 features": float(separability(0.2, 0.1, 64, "max")),
        "average, 64 features": float(separability(0.2, 0.1, 64, "average")),
        "best size for max, 0.02 against 0.01": float(sizes[rare.argmax()]),
    }


def reading_network(torch, maps: int = 32):
    """Two convolutions with a max pooling between, the mean of each map, and ten classes; inputs (N, 1, 16, 16)."""
    nn = torch.nn
    see = nn.Sequential(
        nn.Conv2d(1, maps // 2, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(maps // 2, maps, 5, padding=2),
        nn.ReLU(),
    )
    return nn.Sequential(see, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(maps, 10))


def trained_reader(seed: int = 0, steps: int = 400):
    """A network that reads digits anywhere on a canvas, and test canvases: (net, images, labels). Needs torch."""
    import torch

    from ..fitting import fit

    data, rng = load("digits"), np.random.default_rng(seed)
    torch.manual_seed(seed)
    net = reading_network(torch)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    fit(net, pasted(data.x_train, rng), data.y_train, optimizer, rng=rng, steps=steps, batch=50)
    return net.eval(), pasted(data.x_test, rng)[:, 0], data.y_test


def evidence_maps(net, images) -> tuple[np.ndarray, np.ndarray]:
    """Where each image's predicted class has its evidence: maps (N, 8, 8), one value per 2x2 pixels, and predictions.

    images: (N, 16, 16).
    """
    import torch

    with torch.no_grad():
        maps = net[0](torch.as_tensor(images)[:, None])
        predicted = net[1:](maps).argmax(1)
        evidence = torch.nn.functional.conv2d(maps, net[3].weight[:, :, None, None])
    return evidence[torch.arange(len(maps)), predicted].numpy().astype(float), predicted.numpy()


@experiment(
    name="free-localisation",
    claim="A network that averages its maps before the classes was never told where the digit is, and its class's "
    "evidence lies on the digit.",
    source="Zhou et al. 2016, Learning deep features for discriminative localization, https://arxiv.org/abs/1512.04150",
    scaled_down="digits of 8×8 pixels anywhere on 16×16, two 5×5 layers with 16 and 32 maps, 400 steps",
    does_not_transfer="an empty background makes it easy; on photographs the map marks the most telling part, "
    "not the object",
    measures={
        "accuracy": "share of digits read correctly",
        "peak on the digit": "share of images whose strongest evidence lies in the digit's bounding box",
    },
    needs="torch",
    bounds=(0.0, 1.0),
)
def free_localisation(seed: int = 0) -> dict[str, float]:
    """Accuracy, and how often the strongest evidence lies on the digit. Needs torch."""
    net, images, labels = trained_reader(seed)
    evidence, predicted = evidence_maps(net, images)
    peaks = evidence.reshape(len(evidence), -1).argmax(1)
    inside = []
    for image, peak in zip(images, peaks, strict=True):
        rows, columns = np.nonzero(image)
        row, column = (2 * at + 0.5 for at in divmod(int(peak), evidence.shape[2]))
        inside.append(rows.min() <= row <= rows.max() and columns.min() <= column <= columns.max())
    return {"accuracy": float((predicted == labels).mean()), "peak on the digit": float(np.mean(inside))}


def slides_network(torch, kind: str = "batch norm"):
    """A small network for colour images of 32x32 pixels, as the source slides build it in Keras.

    kind: "batch norm" after each convolution, or "spatial dropout" in its place.
    """
    nn = torch.nn

    def between(maps: int):
        return nn.BatchNorm2d(maps) if kind == "batch norm" else nn.Dropout2d(0.2)

    layers = []
    for inputs, maps in ((3, 16), (16, 32)):
        layers += [nn.Conv2d(inputs, maps, 3), nn.ReLU(), between(maps), nn.MaxPool2d(2)]
    layers += [nn.Flatten(), nn.Linear(6 * 6 * 32, 32), nn.ReLU(), nn.Linear(32, 16), nn.ReLU(), nn.Linear(16, 10)]
    return nn.Sequential(*layers)


def traced(torch, net, shape: tuple[int, ...]) -> list[tuple[str, tuple[int, ...], int]]:
    """A sequential network's layers with the shapes that come out and the trained parameters in them.

    shape: of one input, without the batch. ReLUs, which change neither, are left out.
    """
    rows, x = [("input", shape, 0)], torch.zeros(2, *shape)
    for layer in net:
        x = layer(x)
        if not isinstance(layer, torch.nn.ReLU):
            count = sum(parameter.numel() for parameter in layer.parameters())
            rows.append((type(layer).__name__, tuple(x.shape[1:]), count))
    return rows
