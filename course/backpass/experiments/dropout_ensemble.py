"""Lecture 8: the mean of all thinned networks, exactly; averages over a few; and how sure they are."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from ..cards import experiment
from ..data import load
from ..figures.planes import turned
from .dropout import RATE, dense_network, drawn

UNITS = 5
KINDS = {
    "one layer": (1, True),
    "two layers": (2, True),
    "three layers": (3, True),
    "two layers, no ReLU": (2, False),
}
PASSES = (1, 2, 5, 10, 20, 50, 100)
TURNS = tuple(range(0, 181, 15))


class Masked:
    """Small networks whose masks can be set by hand: layers of `UNITS` units, a 0/1 mask after each.

    torch: the module. depth: number of masked layers; bent: with ReLU.
    """

    def __init__(self, torch, depth: int, bent: bool, inputs: int = 196):
        nn = torch.nn
        self.torch, self.depth, self.bent = torch, depth, bent
        widths = [inputs, *[UNITS] * depth]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(widths))
        self.head = nn.Linear(UNITS, 10)

    def logits(self, x, factors):
        """x: (N, inputs); factors: for each layer what its units are multiplied by, anything that broadcasts."""
        for layer, factor in zip(self.layers, factors, strict=True):
            x = layer(x)
            x = (self.torch.relu(x) if self.bent else x) * factor
        return self.head(x)

    def train(self, x, y, rng: np.random.Generator, steps: int = 600) -> None:
        """Learn with masks of probability one half, drawn anew for each example."""
        torch = self.torch
        rule = torch.optim.Adam([*self.layers.parameters(), *self.head.parameters()], lr=0.01)
        for _ in range(steps):
            some = torch.as_tensor(rng.integers(0, len(x), 50))
            masks = (torch.rand(self.depth, 50, UNITS) < 0.5).float()
            rule.zero_grad()
            torch.nn.functional.cross_entropy(self.logits(x[some], masks), y[some]).backward()
            rule.step()


def every_mask(torch, depth: int):
    """All 0/1 masks of `depth` layers of UNITS units: (2**(depth * UNITS), depth, UNITS)."""
    return torch.cartesian_prod(*[torch.tensor([0.0, 1.0])] * (depth * UNITS)).reshape(-1, depth, UNITS)


def all_thinned(net: Masked, x):
    """Log-probabilities of every thinned network, and of the one with halved weights, in float64.

    x: (N, inputs). Returns (masks, N, 10) and (N, 10).
    """
    torch = net.torch
    with torch.no_grad():
        factors = every_mask(torch, net.depth).transpose(0, 1)[:, :, None]
        thinned = torch.log_softmax(net.logits(x, factors).double(), -1)
        scaled = torch.log_softmax(net.logits(x, [0.5] * net.depth).double(), 1)
    return thinned, scaled


@experiment(
    name="dropout-ensemble",
    claim="With one masked layer before the softmax, halved weights give the renormalised geometric mean of all "
    "thinned networks. They do not give the arithmetic mean, nor either mean through a ReLU between masks.",
    source="Hinton et al. 2012, section on the mean network, https://arxiv.org/abs/1207.0580; Warde-Farley et al. "
    "2014, https://arxiv.org/abs/1312.6197",
    scaled_down="layers of five units, so that all 32 to 32,768 masks can be tried, on 24 test images; trained "
    "with p = 0.5 on 1000 Fashion-MNIST images",
    does_not_transfer="the sizes of the gaps depend on the network; which are zero does not. Wide layers average "
    "over more masks, and their gaps are smaller",
    measures={f"{kind}: geometric": "largest difference of a probability to the renormalised geometric mean"
              for kind in KINDS}
    | {f"{kind}: arithmetic": "likewise, to the arithmetic mean" for kind in KINDS}
    | {"sum before renormalising": "of the geometric means, one layer, averaged over images"},
    needs="torch",
    bounds=(0.0, np.inf),
)  # fmt: skip
def dropout_ensemble(seed: int = 0) -> dict[str, float]:
    """Largest differences between weight scaling and the two means over all masks. Needs torch."""
    import torch

    data, found = load("fashion14"), {}
    x, y, _ = drawn(data, 1000, np.random.default_rng(seed))
    images, labels = torch.as_tensor(x).flatten(1), torch.as_tensor(y)
    seen = torch.as_tensor(data.x_test[:24]).flatten(1)
    for kind, (depth, bent) in KINDS.items():
        torch.manual_seed(seed)
        net = Masked(torch, depth, bent)
        net.train(images, labels, np.random.default_rng(seed))
        thinned, scaled = all_thinned(net, seen)
        product = thinned.mean(0)
        geometric, arithmetic = product.softmax(1), thinned.exp().mean(0)
        # To six digits: what is left of an exact identity is single-precision rounding, and nothing to compare.
        found[f"{kind}: geometric"] = round(float((geometric - scaled.exp()).abs().max()), 6)
        found[f"{kind}: arithmetic"] = float((arithmetic - scaled.exp()).abs().max())
        if depth == 1:
            found["sum before renormalising"] = float(product.exp().sum(1).mean())
    return found


@experiment(
    name="dropout-averaging",
    claim="Averaging over thinned networks needs tens of passes to come up to one pass with scaled weights; after "
    "that the two are alike.",
    source="Srivastava et al. 2014, section 7.5, figure 11, https://jmlr.org/papers/v15/srivastava14a.html",
    scaled_down="500 Fashion-MNIST images of 14×14 pixels, two hidden layers of 128, p = 0.5; the paper has "
    "digits and wider layers",
    does_not_transfer="in the paper the average overtakes, slightly, from about 50 passes on; here, too, but by less "
    "than half a point, which is less than two seeds differ",
    measures={f"{passes} passes": "test accuracy of the arithmetic mean over so many passes" for passes in PASSES}
    | {"scaled weights": "test accuracy of one pass in evaluation mode"},
    needs="torch",
    bounds=(0.0, 1.0),
)
def dropout_averaging(seed: int = 0) -> dict[str, float]:
    """Test accuracy by the number of thinned networks that are averaged. Needs torch."""
    import torch

    from ..fitting import accuracy, fit

    data, rng = load("fashion14"), np.random.default_rng(seed)
    x, y, _ = drawn(data, 500, rng)
    torch.manual_seed(seed)
    net = dense_network(torch, p=0.5)
    fit(net, x, y, torch.optim.Adam(net.parameters(), lr=RATE), rng=rng, steps=400, batch=50)
    passes = predictions(net, data.x_test, max(PASSES))
    truth = torch.as_tensor(data.y_test)
    found = {f"{n} passes": float((passes[:n].mean(0).argmax(1) == truth).float().mean()) for n in PASSES}
    return found | {"scaled weights": accuracy(net, data.x_test, data.y_test)}


def predictions(net, x, passes: int):
    """Probabilities (passes, N, classes) of a torch network that goes on dropping units."""
    import torch

    net.train()
    with torch.no_grad():
        found = torch.stack([net(torch.as_tensor(x)).softmax(1) for _ in range(passes)])
    net.eval()
    return found


def digits_network(seed: int = 0):
    """A dense network with dropout, p = 0.5, that has learnt to read upright digits. Needs torch."""
    import torch

    from ..fitting import fit

    data = load("digits")
    torch.manual_seed(seed)
    net = dense_network(torch, p=0.5, inputs=64)
    rule = torch.optim.Adam(net.parameters(), lr=RATE)
    fit(net, data.x_train, data.y_train, rule, rng=np.random.default_rng(seed), steps=500, batch=50)
    return net.eval()


def turned_ones(degrees: float, digit: int = 1) -> np.ndarray:
    """All test digits of one kind, turned counter-clockwise about their middle: (M, 8, 8)."""
    data = load("digits")
    ones = data.x_test[data.y_test == digit]
    return np.stack([turned(one, degrees) for one in ones]).astype(np.float32)


def fan(net, degrees: float, digit: int = 1, passes: int = 50) -> dict:
    """What a network says of turned digits: the passes' probabilities and, per image, how sure they are.

    Returns {"passes": (T, M, 10), "entropy": (M,), "disagreement": (M,), "right": share of right answers}.
    """
    import torch

    torch.manual_seed(0)
    q = predictions(net, turned_ones(degrees, digit), passes)
    total = torch.special.entr(q.mean(0)).sum(1)
    within = torch.special.entr(q).sum(2).mean(0)
    right = float((q.mean(0).argmax(1) == digit).float().mean())
    return {"passes": q.numpy(), "entropy": total.numpy(), "disagreement": (total - within).numpy(), "right": right}


@experiment(
    name="rotating-one",
    claim="Passes with dropout disagree about an unfamiliar input; but not about every one. A digit 1 that lies on "
    "its side is misread with confidence.",
    source="Gal and Ghahramani 2016, figure 4, https://arxiv.org/abs/1506.02142",
    scaled_down="the 1s among 500 test digits of 8×8 pixels, a dense network of two layers of 128, 50 passes; the "
    "paper turns one MNIST digit, with a convolutional network",
    does_not_transfer="at which angle the doubt is largest, and whether it ever vanishes, depends on the digit and "
    "on what the network takes the turned digit for",
    measures={
        f"{value} at {angle}°": what
        for angle in (0, 30, 60, 90)
        for value, what in (
            ("entropy", "of the mean prediction, in nats, averaged over the digits"),
            ("right", "share of right answers"),
        )
    },
    needs="torch",
    bounds=(0.0, np.inf),
)
def rotating_one(seed: int = 0) -> dict[str, float]:
    """Entropy and share of right answers for 1s turned by 0 to 90 degrees. Needs torch."""
    net, found = digits_network(seed), {}
    for angle in (0, 30, 60, 90):
        seen = fan(net, angle)
        found[f"entropy at {angle}°"] = float(seen["entropy"].mean())
        found[f"right at {angle}°"] = seen["right"]
    return found


def four_units(p: float = 0.5) -> dict[str, np.ndarray]:
    """Four hidden units before a softmax over three classes: all 16 thinned networks, and their means. Needs torch.

    Returns {"masks": (16, 4), "share": (16,), "probabilities": (16, 3)} and, of shape (3,), "arithmetic",
    "product" (the geometric mean), "geometric" (the same, renormalised) and "scaled".
    """
    import torch

    torch.manual_seed(4)
    head = torch.nn.Linear(4, 3).double()
    hidden = torch.tensor([1.0, 3.0, 2.0, 0.5], dtype=torch.float64)
    masks = torch.cartesian_prod(*[torch.tensor([1.0, 0.0], dtype=torch.float64)] * 4)
    kept = masks.sum(1)
    share = (1 - p) ** kept * p ** (4 - kept)
    with torch.no_grad():
        logs = torch.log_softmax(3 * head(masks * hidden), 1)
        scaled = torch.softmax(3 * head((1 - p) * hidden), 0)
    product = share @ logs
    found = {"masks": masks, "share": share, "probabilities": logs.exp(), "arithmetic": share @ logs.exp()}
    found |= {"product": product.exp(), "geometric": product.softmax(0), "scaled": scaled}
    return {name: value.numpy() for name, value in found.items()}
