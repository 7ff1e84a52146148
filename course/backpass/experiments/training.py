"""Lecture 4: the scale of the data, of the update rule, and of the first weights."""

from __future__ import annotations

import numpy as np

from ..cards import experiment
from ..data import load

SCALINGS = {
    "raw": "age in years, salary as it is paid",
    "mean normalization": "(x − mean) / (max − min)",
    "min-max": "(x − min) / (max − min)",
    "z-score": "(x − mean) / standard deviation",
}
RULES = ("SGD", "momentum", "Nesterov", "Adagrad", "RMSprop", "Adadelta", "Adam", "Adamax", "NAdam")
INPUTS = ("even scales", "uneven scales")
GAINS = (0.001, 0.1, 0.5, 1.0, 2.0, 10.0, 100.0)
PATIENCE = 20_000


def age_and_salary(people: int = 200, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two features of very different size, and a target that depends on both. Returns x (N, 2), y (N,)."""
    rng = np.random.default_rng(seed)
    age, salary = rng.uniform(0, 65, people), rng.uniform(0, 10_000, people)
    y = 0.5 + 0.02 * age + 1.5e-4 * salary + 0.05 * rng.normal(size=people)
    return np.stack([age, salary], axis=1), y


def rescaled(x: np.ndarray, scaling: str) -> np.ndarray:
    """Each feature of x (N, D), by the name of one of the SCALINGS."""
    low, high, mean = x.min(0), x.max(0), x.mean(0)
    shift = {"raw": 0, "mean normalization": mean, "min-max": low, "z-score": mean}[scaling]
    size = {"raw": 1, "z-score": x.std(0)}.get(scaling, high - low)
    return (x - shift) / size


def curvature(x: np.ndarray) -> np.ndarray:
    """Eigenvalues, largest first, of the Hessian of half the mean squared error of a line with intercept."""
    with_one = np.column_stack([x, np.ones(len(x))])
    return np.linalg.eigvalsh(with_one.T @ with_one / len(x))[::-1]


def steps_needed(x: np.ndarray, y: np.ndarray, part: float = 1e-6) -> int:
    """Steps of gradient descent from zero, at half the largest stable rate, until the loss is within
    `part` of its first distance from the best; PATIENCE when that is not enough."""
    with_one = np.column_stack([x, np.ones(len(x))])
    best = np.linalg.lstsq(with_one, y, rcond=None)[0]
    rate, w = 1 / curvature(x)[0], np.zeros(3)

    def excess(w: np.ndarray) -> float:
        return float(((with_one @ (w - best)) ** 2).mean())

    goal = part * excess(w)
    for step in range(PATIENCE):
        if excess(w) <= goal:
            return step
        w = w - rate * with_one.T @ (with_one @ w - y) / len(y)
    return PATIENCE


@experiment(
    name="feature-scales",
    claim="How fast gradient descent can go is decided by the scales of the features.",
    source="LeCun, Bottou, Orr and Müller 1998, Efficient BackProp, section 4.3 and section 5",
    scaled_down="linear regression on two made features, age from 0 to 65 and salary from 0 to 10 000, "
    "and an intercept",
    does_not_transfer="deep networks are not quadratic: there the curvature changes as one goes",
    measures={
        f"{scaling}: {what}": meaning
        for scaling in SCALINGS
        for what, meaning in (
            ("condition number", "largest curvature divided by the smallest"),
            ("largest rate", "2 divided by the largest curvature; above it gradient descent diverges"),
            ("steps", f"to a millionth of the first excess loss at half that rate; at most {PATIENCE}"),
        )
    },
    random=False,
)
def feature_scales(seed: int = 0) -> dict[str, float]:
    """Condition number, largest stable learning rate and number of steps for each scaling."""
    x, y = age_and_salary()
    found = {}
    for scaling in SCALINGS:
        scaled = rescaled(x, scaling)
        values = curvature(scaled)
        found[f"{scaling}: condition number"] = float(values[0] / values[-1])
        found[f"{scaling}: largest rate"] = float(2 / values[0])
        found[f"{scaling}: steps"] = float(steps_needed(scaled, y))
    return found


def update_rule(torch, name: str, parameters):
    """A torch optimizer by its name in RULES, with the rate used for it in this lecture."""
    optim = torch.optim
    make = {
        "SGD": lambda p: optim.SGD(p, lr=0.1),
        "momentum": lambda p: optim.SGD(p, lr=0.1, momentum=0.9),
        "Nesterov": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
        "Adagrad": lambda p: optim.Adagrad(p, lr=0.03),
        "RMSprop": lambda p: optim.RMSprop(p, lr=0.003),
        "Adadelta": lambda p: optim.Adadelta(p, lr=1.0),
        "Adam": lambda p: optim.Adam(p, lr=0.003),
        "Adamax": lambda p: optim.Adamax(p, lr=0.01),
        "NAdam": lambda p: optim.NAdam(p, lr=0.003),
    }
    return make[name](parameters)


@experiment(
    name="update-rules",
    claim="When the inputs have very different scales, rules that divide by the size of past gradients lose little; "
    "plain descent loses more, and momentum, at its usual rate, fails.",
    source="Duchi, Hazan and Singer 2011 (Adagrad), JMLR 12; Kingma and Ba 2015 (Adam), https://arxiv.org/abs/1412.6980",
    scaled_down="digits, one hidden layer of 64 units, 200 steps of 50; one rate per rule, chosen on the even scales; "
    "uneven: each pixel is multiplied by a number between 1/100 and 100",
    does_not_transfer="the ranking among the rules that work: it depends on rates and on the time given",
    measures={f"{inputs}: {rule}": "test accuracy after 200 steps" for inputs in INPUTS for rule in RULES},
    needs="torch",
    bounds=(0.0, 1.0),
)
def update_rules(seed: int = 0) -> dict[str, float]:
    """Test accuracy (0 to 1) of each rule on evenly and on unevenly scaled pixels."""
    import torch

    from ..fitting import accuracy, fit

    data, found = load("digits"), {}
    factors = np.exp(np.random.default_rng(seed).uniform(-np.log(100), np.log(100), (8, 8))).astype(np.float32)
    for inputs in INPUTS:
        scale = factors if inputs == "uneven scales" else np.float32(1)
        mean = data.x_train.mean(0)
        x, x_test = (data.x_train - mean) * scale, (data.x_test - mean) * scale
        for rule in RULES:
            torch.manual_seed(seed)
            nn = torch.nn
            net = nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
            rng = np.random.default_rng(seed)
            fit(net, x, data.y_train, update_rule(torch, rule, net.parameters()), rng=rng, steps=200, batch=50)
            found[f"{inputs}: {rule}"] = accuracy(net, x_test, data.y_test)
    return found


def deep_net(torch, gain: float, normalized: bool, depth: int = 8, width: int = 64):
    """`depth` ReLU layers for the digits; He's initialization times `gain`, zero biases."""
    nn = torch.nn
    net = nn.Sequential(nn.Flatten())
    for _ in range(depth):
        layer = nn.Linear(64, width) if len(net) == 1 else nn.Linear(width, width)
        nn.init.normal_(layer.weight, std=gain * (2 / layer.in_features) ** 0.5)
        nn.init.zeros_(layer.bias)
        net.append(layer)
        if normalized:
            net.append(nn.BatchNorm1d(width))
        net.append(nn.ReLU())
    return net.append(nn.Linear(width, 10))


@experiment(
    name="initial-scale",
    claim="A deep ReLU network trains from He's scale and hardly from any other. With batch norm it trains from "
    "nearly all.",
    source="He et al. 2015, https://arxiv.org/abs/1502.01852, section 2.2; Ioffe and Szegedy 2015, "
    "https://arxiv.org/abs/1502.03167, section 3.3",
    scaled_down="eight layers of 64 units on 8×8 digits, SGD at 0.1, 200 steps of 50",
    does_not_transfer="how narrow the window is: it closes with depth",
    measures={
        f"{arm}: {gain:g}": "test accuracy from He's deviation times this"
        for arm in ("plain", "batch norm")
        for gain in GAINS
    },
    needs="torch",
    bounds=(0.0, 1.0),
)
def initial_scale(seed: int = 0) -> dict[str, float]:
    """Test accuracy (0 to 1) by the scale of the first weights, with and without batch norm."""
    import torch

    from ..fitting import accuracy, fit

    data, found = load("digits"), {}
    for arm in ("plain", "batch norm"):
        for gain in GAINS:
            torch.manual_seed(seed)
            net = deep_net(torch, gain, arm == "batch norm")
            optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
            rng = np.random.default_rng(seed)
            fit(net, data.x_train, data.y_train, optimizer, rng=rng, steps=200, batch=50)
            found[f"{arm}: {gain:g}"] = accuracy(net, data.x_test, data.y_test)
    return found
