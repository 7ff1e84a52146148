"""Lecture 9: depth with and without a way around, more data from the same data, and networks seen from inside."""

from __future__ import annotations

import numpy as np

from ..cards import experiment
from ..data import load
from .dropout import drawn

DEPTHS = (4, 12, 28)
RECIPES = {
    "none": {},
    "flip": {"flip": True},
    "shear and zoom": {"shear": 0.2, "zoom": 0.2},
    "all three": {"flip": True, "shear": 0.2, "zoom": 0.2},
}


def deep_network(torch, kind: str, depth: int, width: int = 8):
    """A convolution, then (depth - 1) // 2 pairs of 3x3 convolutions with batch norm, then a dense layer.

    kind: "plain" or "residual"; the pairs differ only in the sum with their input.
    """
    nn = torch.nn

    class Pair(nn.Module):
        def __init__(self):
            super().__init__()
            convolution = lambda: nn.Conv2d(width, width, 3, padding=1, bias=False)  # noqa: E731
            self.way = nn.Sequential(
                convolution(), nn.BatchNorm2d(width), nn.ReLU(), convolution(), nn.BatchNorm2d(width)
            )

        def forward(self, x):
            return torch.relu(self.way(x) + x if kind == "residual" else self.way(x))

    first = [nn.Conv2d(1, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
    pairs = [Pair() for _ in range((depth - 1) // 2)]
    return nn.Sequential(*first, *pairs, nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(4 * width, 10))


def with_exact_statistics(net, x) -> None:
    """Measure all running statistics of a torch network again, as plain means over batches of x; no labels."""
    import torch

    from ..fitting import tensor

    for layer in net.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.reset_running_stats()
            layer.momentum = None
    net.train()
    with torch.no_grad():
        for some in tensor(x).split(100):
            net(some)
    net.eval()


@experiment(
    name="degradation",
    claim="Deeper plain networks get worse on the training data itself; with a way around each pair of "
    "convolutions they do not.",
    source="He, Zhang, Ren and Sun 2016, Deep residual learning, figures 1 and 4, https://arxiv.org/abs/1512.03385",
    scaled_down="8×8 digits, 8 maps, batch norm after every convolution, 120 steps of momentum at one rate for all; "
    "the paper has CIFAR-10 and ImageNet, up to 152 layers, trained to the end",
    does_not_transfer="the paper's depths: here 28 plain layers fail because 120 steps are few, there 56 after "
    "64,000 steps. What is alike is that the training loss is the worse one",
    measures={f"{kind}, {depth} layers: {value}": what for kind in ("plain", "residual") for depth in DEPTHS
              for value, what in (("training loss", "mean of the last 20 steps"),
                                  ("accuracy", "on the test digits, statistics measured again"))},
    needs="torch",
    bounds=(0.0, np.inf),
)  # fmt: skip
def degradation(seed: int = 0) -> dict[str, float]:
    """Training loss and test accuracy by depth, plain and residual. Needs torch."""
    found = {}
    for kind in ("plain", "residual"):
        for depth in DEPTHS:
            losses, right = depth_run(kind, depth, seed)
            found[f"{kind}, {depth} layers: training loss"] = float(np.mean(losses[-20:]))
            found[f"{kind}, {depth} layers: accuracy"] = right
    return found


def depth_run(kind: str, depth: int, seed: int = 0, steps: int = 120) -> tuple[list[float], float]:
    """The loss at every step, and the test accuracy, of one deep network. Needs torch."""
    import torch

    from ..fitting import accuracy, fit

    data = load("digits")
    torch.manual_seed(seed)
    net = deep_network(torch, kind, depth)
    rule = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
    losses = fit(net, data.x_train, data.y_train, rule, rng=np.random.default_rng(seed), steps=steps, batch=50)
    with_exact_statistics(net, data.x_train)
    return losses, accuracy(net, data.x_test, data.y_test)


def affine(images, shear=0.0, zoom=0.0, turn=0.0, flip=False) -> np.ndarray:
    """Images (N, H, W) through affine maps, by torch's affine_grid and grid_sample; zeros outside.

    shear: tangent; zoom: 0.2 is a fifth larger; turn: degrees; each a number or one per image, as is flip.
    """
    import torch

    count = len(images)
    shear, zoom, turn, flip = (np.broadcast_to(np.asarray(v, float), count) for v in (shear, zoom, turn, flip))
    angle, mirrored = np.deg2rad(turn), np.where(flip > 0, -1.0, 1.0)
    cosine, sine = np.cos(angle), np.sin(angle)
    # From places of the output to places of the input: mirror, shear, turn, then 1 / size.
    rows = [[mirrored * cosine, shear * cosine - sine], [mirrored * sine, shear * sine + cosine]]
    theta = np.zeros((count, 2, 3))
    theta[:, :, :2] = np.array(rows).transpose(2, 0, 1) / (1 + zoom)[:, None, None]
    planes = torch.as_tensor(np.asarray(images, np.float32))[:, None]
    where = torch.nn.functional.affine_grid(torch.as_tensor(theta, dtype=torch.float32), planes.shape, False)
    return torch.nn.functional.grid_sample(planes, where, align_corners=False)[:, 0].numpy()


def small_network(torch, channels: int = 12, inputs: int = 8, classes: int = 10, normed: bool = False):
    """Two 3x3 convolutions, a pooling after the first, the mean over places, one dense layer."""
    nn = torch.nn
    norm = (lambda: nn.BatchNorm2d(channels)) if normed else nn.Identity
    return nn.Sequential(
        nn.Conv2d(1, channels, 3, padding=1), norm(), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(channels, channels, 3, padding=1), norm(), nn.ReLU(),
        nn.AdaptiveMaxPool2d(2), nn.Flatten(), nn.Linear(4 * channels, classes)
    )  # fmt: skip


def augmented_run(recipe: str, seed: int = 0, count: int = 100, steps: int = 300, name: str = "digits"):
    """A network trained on `count` images, each changed anew in every step by a recipe of RECIPES. Needs torch."""
    import torch

    data, rng = load(name), np.random.default_rng(seed)
    x, y, _ = drawn(data, count, rng)
    options, labels = RECIPES[recipe], torch.as_tensor(y)
    torch.manual_seed(seed)
    net = small_network(torch)
    rule = torch.optim.Adam(net.parameters(), lr=5e-3)
    for _ in range(steps):
        some = rng.integers(0, count, 50)
        changes = {name: rng.uniform(-1, 1, 50) * size for name, size in options.items() if name != "flip"}
        if options.get("flip"):
            changes["flip"] = rng.random(50) < 0.5
        rule.zero_grad()
        seen = affine(x[some], **changes) if changes else x[some]
        torch.nn.functional.cross_entropy(net(torch.as_tensor(seen)[:, None]), labels[some]).backward()
        rule.step()
    return net.eval()


@experiment(
    name="augmentation",
    claim="Changes that keep the label help; on digits a horizontal flip does not keep it, and costs accuracy.",
    source="the recipe of a seminar report on CIFAR-10 (horizontal flip, shear 0.2, zoom 0.2), on other data; "
    "Simard, Steinkraus and Platt 2003, section 2, on affine changes of digits, "
    "https://doi.org/10.1109/ICDAR.2003.1227801",
    scaled_down="100 digits of 8×8 pixels, a small network, 300 steps",
    does_not_transfer="the flip is right for most photographs, as in the report; it is wrong for digits. And the gain "
    "of the other two shrinks with the number of images",
    measures=dict.fromkeys(RECIPES, "test accuracy"),
    needs="torch",
    bounds=(0.0, 1.0),
)
def augmentation(seed: int = 0) -> dict[str, float]:
    """Test accuracy by recipe. Needs torch."""
    from ..fitting import accuracy

    data = load("digits")
    return {name: accuracy(augmented_run(name, seed), data.x_test, data.y_test) for name in RECIPES}


@experiment(
    name="augmentation-fashion",
    claim="On clothes the same recipe keeps the label; with 300 small images and short training it gains nothing all "
    "the same, and costs some accuracy.",
    source="the recipe of a seminar report on CIFAR-10 (horizontal flip, shear 0.2, zoom 0.2), on other data",
    scaled_down="300 Fashion-MNIST images of 14×14 pixels, a small network, 300 steps",
    does_not_transfer="the gain that augmentation brings to large networks trained for long: it does not reproduce at "
    "this scale",
    measures={"none": "test accuracy", "all three": "test accuracy", "gained": "all three less none, same images"},
    needs="torch",
    bounds=(-1.0, 1.0),
)
def augmentation_fashion(seed: int = 0) -> dict[str, float]:
    """Test accuracy on Fashion-MNIST with and without the recipe. Needs torch."""
    from ..fitting import accuracy

    data = load("fashion14")
    none, changed = (
        accuracy(augmented_run(recipe, seed, 300, name="fashion14"), data.x_test, data.y_test)
        for recipe in ("none", "all three")
    )
    return {"none": none, "all three": changed, "gained": changed - none}


def read_by_class(net, recipe: dict) -> dict[str, np.ndarray]:
    """How the test digits of each class are read after a change: share right (10,), and the commonest answer (10,)."""
    import torch

    data = load("digits")
    with torch.no_grad():
        said = net(torch.as_tensor(affine(data.x_test, **recipe))[:, None]).argmax(1).numpy()
    groups = [said[data.y_test == c] for c in range(10)]
    return {
        "right": np.array([np.mean(g == c) for c, g in enumerate(groups)]),
        "answer": np.array([np.bincount(g, minlength=10).argmax() for g in groups]),
    }


# ---- Looking inside


def looked_at_network(seed: int = 0, steps: int = 250):
    """A network for Fashion-MNIST whose last maps are averaged over places, so that they can be mapped. Needs torch."""
    import torch

    from ..fitting import fit

    data, nn = load("fashion14"), torch.nn
    torch.manual_seed(seed)
    net = nn.Sequential(
        nn.Conv2d(1, 12, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(12, 16, 3, padding=1), nn.ReLU(),
        nn.Conv2d(16, 24, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(24, 10)
    )  # fmt: skip
    if steps:
        rule = torch.optim.Adam(net.parameters(), lr=5e-3)
        x, y = data.x_train[:3000], data.y_train[:3000]
        fit(net, x, y, rule, rng=np.random.default_rng(seed), steps=steps, batch=50)
    return net.eval()


def views(net, image: np.ndarray, size: int = 4) -> dict:
    """Three maps of what one image (H, W) tells a network of `looked_at_network`, for the class that it chooses.

    Returns {"class", "probability", "activation": (7, 7), "occlusion": (H-size+1, W-size+1), "saliency": (H, W)}.
    """
    import torch

    x = torch.as_tensor(image)[None, None].clone().requires_grad_()
    scores = net(x)
    chosen = int(scores.argmax())
    scores[0, chosen].backward()
    height, width = image.shape
    with torch.no_grad():
        last = net[:-3](x)
        # A dense layer after a mean over places is a 1x1 convolution before it.
        maps = torch.nn.functional.conv2d(last, net[-1].weight[:, :, None, None])
        hidden = x.detach().repeat((height - size + 1) * (width - size + 1), 1, 1, 1)
        for number, plane in enumerate(hidden):
            top, left = divmod(number, width - size + 1)
            plane[:, top : top + size, left : left + size] = 0
        fall = scores[0, chosen].detach() - net(hidden)[:, chosen]
    return {
        "class": chosen,
        "probability": float(scores.detach().softmax(1)[0, chosen]),
        "activation": maps[0, chosen].numpy(),
        "occlusion": fall.reshape(height - size + 1, -1).numpy(),
        "saliency": x.grad[0, 0].abs().numpy(),
    }


def alike(one, other, count: int = 300) -> np.ndarray:
    """How alike the layers of two networks are on test images: linear CKA between all pairs of ReLU outputs.

    Computed from the centred Gram matrices of the examples, K = X X^T: <K, L> / (|K| |L|). (layers, layers)
    """
    import torch

    grams = []
    for net in (one, other):
        x = torch.as_tensor(load("fashion14").x_test[:count])[:, None]
        found = []
        with torch.no_grad():
            for layer in net:
                x = layer(x)
                if isinstance(layer, torch.nn.ReLU):
                    rows = x.flatten(1).double()
                    rows = rows - rows.mean(0)
                    gram = rows @ rows.T
                    found.append(gram / gram.norm())
        grams.append(found)
    return np.array([[float((k * m).sum()) for m in grams[1]] for k in grams[0]])


@experiment(
    name="alike-layers",
    claim="The same layer of two networks that started differently is more alike than two layers of one network "
    "that stand far apart.",
    source="Kornblith, Norouzi, Lee and Hinton 2019, Similarity of neural network representations revisited, "
    "figures 2 and 3, https://arxiv.org/abs/1905.00414",
    scaled_down="three convolutions on 14×14 Fashion-MNIST, 300 test images; the paper has ten layers on CIFAR-10",
    does_not_transfer="how alike the first layers are says little here: untrained ones are as alike, because "
    "random filters of the same image keep much of it",
    measures={
        "same layer, other start": "mean linear CKA over the three layers, trained networks",
        "first and last, same network": "trained",
        "same layer, untrained": "mean over the three layers of two untrained networks",
        "last layer, other start": "trained",
        "last layer, untrained and trained": "the last layers of a network before and after training",
    },
    needs="torch",
    bounds=(0.0, 1.0),
)
def alike_layers(seed: int = 0) -> dict[str, float]:
    """Linear CKA between layers of trained and of untrained networks. Needs torch."""
    one, other = looked_at_network(seed), looked_at_network(seed + 1000)
    raw, raw_other = looked_at_network(seed, 0), looked_at_network(seed + 1000, 0)
    across = alike(one, other)
    return {
        "same layer, other start": float(np.diag(across).mean()),
        "first and last, same network": float(alike(one, one)[0, -1]),
        "same layer, untrained": float(np.diag(alike(raw, raw_other)).mean()),
        "last layer, other start": float(across[-1, -1]),
        "last layer, untrained and trained": float(alike(raw, one)[-1, -1]),
    }
