"""Lecture 5: a sigmoid's input while training, learning rates, and what batch normalization costs."""

from __future__ import annotations

import time

import numpy as np

from ..cards import experiment
from ..data import load

IOFFE = "Ioffe and Szegedy 2015, https://arxiv.org/abs/1502.03167"

ARMS = ("without", "with batch norm")
EARLY, LATE = 100, 2000
RATES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
POOLED = 10  # batches whose inputs are pooled for one set of quantiles


def sigmoid_net(torch, normalized: bool):
    """Three hidden layers of 100 sigmoid units for 14x14 images, as in the paper's first experiment.

    torch: the module. The layers are named so that the input of the last sigmoid can be read.
    """
    nn = torch.nn
    net = nn.Sequential(nn.Flatten())
    for number, inputs in enumerate((196, 100, 100), 1):
        net.append(nn.Linear(inputs, 100, bias=not normalized))
        torch.nn.init.normal_(net[-1].weight, std=0.1)
        if normalized:
            net.append(nn.BatchNorm1d(100))
        net.add_module(f"sigmoid{number}", nn.Sigmoid())
    return net.append(nn.Linear(100, 10))


def watch_sigmoid(seed: int, normalized: bool, steps: int = LATE) -> dict[str, np.ndarray]:
    """Train one sigmoid net and watch what its last hidden layer receives. Needs torch.

    Returns step: (K,), quantiles: (K, 3, 100), the 15th, 50th and 85th percentile of each unit's input
    over ten batches; tested_at: (T,) and accuracy: (T,) between 0 and 1; seconds: (T,) of processor time
    spent on training until then.
    """
    import torch

    from ..fitting import accuracy, fit

    data = load("fashion14")
    torch.manual_seed(seed)
    net = sigmoid_net(torch, normalized)
    met: list[np.ndarray] = []

    def keep(_layer, inputs) -> None:
        if net.training:
            met.append(inputs[0].detach().numpy())

    hook = net.sigmoid3.register_forward_pre_hook(keep)
    found: dict[str, list] = {"step": [], "quantiles": [], "tested_at": [], "accuracy": [], "seconds": []}
    every = max(EARLY // 2, 1)
    clock = {"since": time.process_time(), "spent": 0.0}

    def look(step: int, _loss: float) -> None:
        done = step + 1
        if step == 0:  # the first step also loads parts of torch
            clock["since"] = time.process_time()
        if done % POOLED == 0:
            found["step"].append(done - POOLED // 2)
            found["quantiles"].append(np.percentile(np.concatenate(met), (15, 50, 85), axis=0))
            met.clear()
        if done % every == 0:
            clock["spent"] += time.process_time() - clock["since"]
            found["tested_at"].append(done)
            found["seconds"].append(clock["spent"])
            found["accuracy"].append(accuracy(net, data.x_test, data.y_test))
            net.train()
            clock["since"] = time.process_time()

    optimizer = torch.optim.SGD(net.parameters(), lr=0.5)
    rng = np.random.default_rng(seed)
    fit(net, data.x_train, data.y_train, optimizer, rng=rng, steps=steps, batch=60, each_step=look)
    hook.remove()
    return {name: np.array(values) for name, values in found.items()}


def drift(watched: dict[str, np.ndarray]) -> float:
    """How far the median of a unit's input moves during training, largest less smallest, mean over units."""
    medians = watched["quantiles"][:, 1]
    return float(np.ptp(medians, axis=0).mean())


@experiment(
    name="sigmoid-inputs",
    claim="With batch norm the inputs of a sigmoid move less while the network trains, and the network "
    "learns far earlier.",
    source=f"{IOFFE}, section 4.1 and figure 1",
    scaled_down="the same three layers of 100 sigmoids and the same batches of 60, on 14×14 Fashion-MNIST "
    "in place of MNIST, for 2000 steps in place of 50 000, learning rate 0.5",
    does_not_transfer="the gap at the end: the longer the plain network trains, the smaller it gets. That the "
    "inputs move less does not say that this is why it learns earlier: unit 6 is about that question",
    measures={
        **{f"accuracy at {EARLY}: {arm}": f"on the test images after {EARLY} steps" for arm in ARMS},
        **{f"accuracy at {LATE}: {arm}": f"on the test images after {LATE} steps" for arm in ARMS},
        **{f"drift: {arm}": "range of a unit's median input over the run, mean over 100 units" for arm in ARMS},
    },
    needs="torch",
    bounds=(0.0, np.inf),
)
def sigmoid_inputs(seed: int = 0) -> dict[str, float]:
    """Accuracies (0 to 1) and drifts (in units of the sigmoid's input) with and without batch norm."""
    return sigmoid_results({arm: watch_sigmoid(seed, arm != ARMS[0]) for arm in ARMS})


def sigmoid_results(watched: dict[str, dict[str, np.ndarray]]) -> dict[str, float]:
    """The card's measures from the two watched runs."""
    found = {}
    for arm, run in watched.items():
        for step in (EARLY, LATE):
            found[f"accuracy at {step}: {arm}"] = float(run["accuracy"][run["tested_at"] == step][0])
        found[f"drift: {arm}"] = drift(run)
    return found


def conv_net(torch, normalized: bool, depth: int = 12, maps: int = 16, pools: tuple[int, ...] = (2,)):
    """`depth` 3x3 convolutions with ReLU for 8x8 digits, He's initialization, and a linear layer.

    Max pooling, 2x2, follows the convolutions whose numbers, from 1, are in `pools`. The convolutions have
    a bias where no batch norm follows, so that the plain net is a fair control.
    """
    nn = torch.nn
    net = nn.Sequential()
    for number in range(depth):
        layer = nn.Conv2d(maps if number else 1, maps, 3, padding=1, bias=not normalized)
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        if not normalized:
            nn.init.zeros_(layer.bias)
        net.append(layer)
        if normalized:
            net.append(nn.BatchNorm2d(maps))
        net.append(nn.ReLU())
        if number + 1 in pools:
            net.append(nn.MaxPool2d(2))
    return net.extend([nn.Flatten(), nn.Linear((8 // 2 ** len(pools)) ** 2 * maps, 10)])


@experiment(
    name="learning-rates",
    claim="Batch norm makes a wide range of learning rates usable, and larger ones.",
    source=f"{IOFFE}, section 4.2.1 and figure 3",
    scaled_down="twelve convolutions of 16 maps on 8×8 digits, plain SGD, 100 steps of 50; the paper trains "
    "Inception on ImageNet for millions of steps",
    does_not_transfer="how many times larger: that depends on the network, its initialization and the number "
    "of steps. The plain net here is given biases and He's initialization",
    measures={f"{arm}: {rate:g}": "test accuracy at this learning rate" for arm in ARMS for rate in RATES},
    needs="torch",
    bounds=(0.0, 1.0),
)
def learning_rates(seed: int = 0) -> dict[str, float]:
    """Test accuracy (0 to 1) for each learning rate, with and without batch norm."""
    import torch

    from ..fitting import accuracy, fit

    data = load("digits")
    found = {}
    for arm in ARMS:
        for rate in RATES:
            torch.manual_seed(seed)
            net = conv_net(torch, arm != ARMS[0])
            optimizer = torch.optim.SGD(net.parameters(), lr=rate)
            rng = np.random.default_rng(seed)
            fit(net, data.x_train, data.y_train, optimizer, rng=rng, steps=100, batch=50)
            found[f"{arm}: {rate:g}"] = accuracy(net, data.x_test, data.y_test)
    return found


@experiment(
    name="batch-norm-price",
    claim="Batch norm adds few parameters and some time.",
    source="a rule of thumb found on slides: about 30 % more time per step",
    scaled_down="twelve convolutions of 16 maps on 8×8 digits in batches of 50, one processor core, median of 21 steps",
    does_not_transfer="the time: it depends on the processor, on the library's kernels, and on the layers "
    "around. The share of parameters depends on the width alone",
    measures={
        "time": "processor time of a training step with batch norm, divided by that without",
        "parameters": "trainable parameters with batch norm, divided by those without",
    },
    needs="torch",
    bounds=(0.0, np.inf),
)
def batch_norm_price(seed: int = 0) -> dict[str, float]:
    """Ratios, with batch norm to without."""
    import torch

    from ..fitting import fit

    data = load("digits")
    rng = np.random.default_rng(seed)
    nets, times = {}, {arm: [] for arm in ARMS}
    for arm in ARMS:
        torch.manual_seed(seed)
        nets[arm] = conv_net(torch, arm != ARMS[0])
    # In turns, so that a busy moment of the machine hits both.
    for _ in range(21):
        for arm, net in nets.items():
            optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
            start = time.process_time()
            fit(net, data.x_train, data.y_train, optimizer, rng=rng, steps=4, batch=50)
            times[arm].append(time.process_time() - start)
    plain, normalized = (float(np.median(times[arm])) for arm in ARMS)
    sizes = [sum(p.numel() for p in nets[arm].parameters()) for arm in ARMS]
    return {"time": normalized / plain, "parameters": sizes[1] / sizes[0]}
