"""Lecture 9: what a network learnt on some digits is worth for others."""

from __future__ import annotations

import numpy as np

from ..cards import experiment
from ..data import load
from .architectures import small_network

SHOTS = (1, 5, 20)
WAYS = {
    "scratch": "all weights new",
    "frozen": "the features of digits 0 to 4, only the last layer is new and learns",
    "fine-tuned": "all weights start from digits 0 to 4, and all learn",
    "fine-tuned, old statistics": "likewise, batch norm stays in evaluation mode",
}


def _half(data, high: bool):
    """Training and test images of the digits 5 to 9 (high) or 0 to 4, with labels from 0 to 4."""
    train, test = data.y_train >= 5, data.y_test >= 5
    if not high:
        train, test = ~train, ~test
    off = 5 if high else 0
    return data.x_train[train], data.y_train[train] - off, data.x_test[test], data.y_test[test] - off


def learnt_features(seed: int = 0, steps: int = 250):
    """A network with batch norm that reads the digits 0 to 4. Needs torch."""
    import torch

    from ..fitting import fit

    x, y, _, _ = _half(load("digits"), high=False)
    torch.manual_seed(seed)
    net = small_network(torch, classes=5, normed=True)
    fit(net, x, y, torch.optim.Adam(net.parameters(), lr=5e-3), rng=np.random.default_rng(seed), steps=steps, batch=50)
    return net


def adapted(old, way: str, x, y, seed: int, steps: int = 60):
    """A network for new classes, made from an old one in one of WAYS. x: (N, 8, 8); y: (N,). Needs torch."""
    import torch

    from ..fitting import tensor

    torch.manual_seed(seed)
    net = small_network(torch, classes=5, normed=True)
    if way != "scratch":
        for layer, learnt in zip(net[:-1], old[:-1], strict=True):
            layer.load_state_dict(learnt.state_dict())
    learning = net[-1].parameters() if way == "frozen" else net.parameters()
    rule, rng = torch.optim.Adam(learning, lr=5e-3), np.random.default_rng(seed)
    x, y = tensor(x), torch.as_tensor(y)
    for _ in range(steps):
        # Frozen features keep their statistics, too: those are state, not weights, and no rule stops them.
        net.train(way in ("scratch", "fine-tuned"))
        some = torch.as_tensor(rng.permutation(len(x))[:25])
        rule.zero_grad()
        torch.nn.functional.cross_entropy(net(x[some]), y[some]).backward()
        rule.step()
    return net.eval()


@experiment(
    name="transfer",
    claim="What a network learnt on five digits is worth little for the other five: fine-tuning is level with a "
    "network from scratch, and frozen features are behind, with 1, 5 or 20 examples of each.",
    source="Yosinski, Clune, Bengio and Lipson 2014, How transferable are features, figure 2, "
    "https://arxiv.org/abs/1411.1792",
    scaled_down="digits 0 to 4 to digits 5 to 9, a small network with batch norm, 60 steps, three draws of examples "
    "for each entry; the paper divides ImageNet in two halves",
    does_not_transfer="the paper's gain, which does not reproduce at this scale: ImageNet's features took a million "
    "images to learn, and those of half of the digits are learnt again in seconds",
    measures={f"{way}, {n} each": what for n in SHOTS for way, what in WAYS.items()},
    needs="torch",
    bounds=(0.0, 1.0),
)
def transfer(seed: int = 0, shots=SHOTS) -> dict[str, float]:
    """Test accuracy on digits 5 to 9 by the number of examples of each. Needs torch."""
    from ..fitting import accuracy

    old, found = learnt_features(seed), {}
    x, y, x_test, y_test = _half(load("digits"), high=True)
    for n in shots:
        draws = []
        for draw in range(3):
            rng = np.random.default_rng([seed, n, draw])
            draws.append(np.concatenate([rng.permutation(np.flatnonzero(y == c))[:n] for c in range(5)]))
        for way in WAYS:
            right = [accuracy(adapted(old, way, x[some], y[some], seed), x_test, y_test) for some in draws]
            found[f"{way}, {n} each"] = float(np.mean(right))
    return found
