"""Lecture 9: a report on batch norm, refereed with data: its control, schedule, test set, steps and single runs."""

from __future__ import annotations

import numpy as np

from ..cards import experiment
from ..data import load

ARMS = {
    "batch norm": "convolutions without bias, batch norm after each, as in the report",
    "control of the report": "the same without batch norm: no bias either, initialisation of Glorot",
    "with bias": "the control, given its bias",
    "fair control": "bias, and the initialisation of He",
}
RATES = (0.01, 0.03, 0.1)
BATCHES = (5, 10, 50, 100, 250)
REPORT = (
    "a public seminar report that compares batch norm with none in an Inception network on CIFAR-10, with its "
    "notebook; Ioffe and Szegedy 2015, section 4.2, https://arxiv.org/abs/1502.03167"
)


def mini_inception(torch, arm: str, width: int = 4):
    """A convolution, three small Inception blocks, the mean over places, a dense layer; built as ARMS says."""
    nn = torch.nn

    def unit(inputs, outputs, size):
        normed = arm == "batch norm"
        bias = arm in ("with bias", "fair control")
        layer = nn.Conv2d(inputs, outputs, size, padding=size // 2, bias=bias)
        (nn.init.kaiming_normal_ if arm == "fair control" else nn.init.xavier_uniform_)(layer.weight)
        if bias:
            nn.init.zeros_(layer.bias)
        return nn.Sequential(layer, nn.BatchNorm2d(outputs) if normed else nn.Identity(), nn.ReLU())

    class Block(nn.Module):
        def __init__(self, inputs):
            super().__init__()
            self.branches = nn.ModuleList([
                unit(inputs, width, 1),
                nn.Sequential(unit(inputs, width, 1), unit(width, width, 3)),
                nn.Sequential(unit(inputs, width, 1), unit(width, width, 5)),
                nn.Sequential(nn.MaxPool2d(3, 1, 1), unit(inputs, width, 1)),
            ])  # fmt: skip

        def forward(self, x):
            return torch.cat([branch(x) for branch in self.branches], 1)

    wide = 4 * width
    blocks = [unit(1, 2 * width, 3), Block(2 * width), Block(wide), Block(wide)]
    return nn.Sequential(*blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(wide, 10))


def split(data) -> dict:
    """1000 digits to learn from, the other training digits to choose with, the test digits to judge."""
    return {
        "training": (data.x_train[:1000], data.y_train[:1000]),
        "validation": (data.x_train[1000:], data.y_train[1000:]),
        "test": (data.x_test, data.y_test),
    }


def audit_run(
    arm: str, rate: float, seed: int, *, steps: int = 96, batch: int = 32, momentum: float = 0.9, factor: float = 1.0
) -> dict[str, float]:
    """Accuracies {"validation", "test"} after so many steps of a mini-Inception network. Needs torch.

    factor: what the rate is multiplied by after 3, 6 and 9 tenths of the steps.
    """
    import torch

    from ..fitting import accuracy, fit

    parts = split(load("digits"))
    torch.manual_seed(seed)
    net = mini_inception(torch, arm)
    rule = torch.optim.SGD(net.parameters(), lr=rate, momentum=momentum)

    def after(step, _loss):
        tenths = 10 * (step + 1) // steps
        rule.param_groups[0]["lr"] = rate * factor ** (min(tenths, 9) // 3)

    x, y = parts["training"]
    fit(net, x, y, rule, rng=np.random.default_rng(seed), steps=steps, batch=batch, each_step=after)
    return {part: accuracy(net, *parts[part]) for part in ("validation", "test")}


@experiment(
    name="audit-control",
    claim="Batch norm helps a small Inception network to learn fast, against a fair control, too. The report's control "
    "(no bias, an initialisation that is not made for ReLU) hardly learns at any rate.",
    source=REPORT,
    scaled_down="8×8 digits, three small Inception blocks, 96 steps of batches of 32 (three epochs), three rates; the "
    "report has CIFAR-10 and 30 epochs",
    does_not_transfer="the sizes of the effects. After three epochs the fair control, too, has only begun to learn; "
    "how far it comes in 30 on CIFAR-10 is not shown here",
    measures={f"{arm}: rate {rate:g}": "test accuracy" for arm in ARMS for rate in RATES}
    | {f"{arm}: chosen": "test accuracy at the rate that the validation split chose" for arm in ARMS}
    | {"gained by choosing on the test set": "mean over the four networks, of the best rate's accuracy"},
    needs="torch",
    bounds=(0.0, 1.0),
)
def audit_control(seed: int = 0, rates=RATES, arms=tuple(ARMS)) -> dict[str, float]:
    """Test accuracies by network and rate, at the chosen rates, and what choosing on the test set adds. Needs torch."""
    found, chosen, gained = {}, {}, []
    for arm in arms:
        runs = {rate: audit_run(arm, rate, seed) for rate in rates}
        found |= {f"{arm}: rate {rate:g}": run["test"] for rate, run in runs.items()}
        best = max(runs.values(), key=lambda run: run["validation"])
        chosen[f"{arm}: chosen"] = best["test"]
        gained.append(max(run["test"] for run in runs.values()) - best["test"])
    return found | chosen | {"gained by choosing on the test set": float(np.mean(gained))}


@experiment(
    name="audit-schedule",
    claim="A rate that falls to a tenth three times ends the learning; one that falls by a tenth hardly changes it. "
    "Momentum decides as much.",
    source=REPORT + " (the slide says 10 % drop, the notebook multiplies by 0.1, and uses momentum 0.9)",
    scaled_down="the network of audit-control with batch norm, rate 0.03, 96 steps, drops after 3, 6 and 9 tenths",
    does_not_transfer="after many more steps a fall to a tenth is a good habit: here it comes before the network has "
    "learnt",
    measures={
        "constant": "test accuracy with the rate as it is",
        "times 0.9": "as the slide says",
        "times 0.1": "as the code does",
        "constant, no momentum": "plain SGD, as the slide's name says",
    },
    needs="torch",
    bounds=(0.0, 1.0),
)
def audit_schedule(seed: int = 0) -> dict[str, float]:
    """Test accuracies by schedule. Needs torch."""
    settings = {
        "constant": ("batch norm", {}),
        "times 0.9": ("batch norm", {"factor": 0.9}),
        "times 0.1": ("batch norm", {"factor": 0.1}),
        "constant, no momentum": ("batch norm", {"momentum": 0.0}),
    }
    return {name: audit_run(arm, 0.03, seed, **options)["test"] for name, (arm, options) in settings.items()}


def small_normed(torch):
    """One convolution with batch norm, a pooling, a dense layer."""
    nn = torch.nn
    return nn.Sequential(
        nn.Conv2d(1, 12, 3, padding=1, bias=False), nn.BatchNorm2d(12), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(12 * 16, 10)
    )  # fmt: skip


def batch_run(batch: int, steps: int, seed: int, rate: float = 0.01) -> float:
    """Test accuracy of a small network with batch norm after so many steps. Needs torch."""
    import torch

    from ..fitting import accuracy, fit

    parts = split(load("digits"))
    x, y = parts["training"]
    torch.manual_seed(seed)
    net = small_normed(torch)
    rule = torch.optim.SGD(net.parameters(), lr=rate)
    fit(net, x, y, rule, rng=np.random.default_rng(seed), steps=steps, batch=batch)
    return accuracy(net, *parts["test"])


@experiment(
    name="audit-steps",
    claim="At equal epochs and one rate small batches win, because they take more steps. At equal steps the order is "
    "gone, or turned round.",
    source=REPORT + " (its figure of batch sizes, at 30 epochs and one rate); Goyal et al. 2017, section 2.1, on rates "
    "and batch sizes, https://arxiv.org/abs/1706.02677",
    scaled_down="1000 digits, one convolution with batch norm, rate 0.01; two epochs, or 100 steps",
    does_not_transfer="which batch size is best for a given time: that depends on the machine",
    measures={f"two epochs, batch {batch}": f"{2000 // batch} steps" for batch in BATCHES}
    | {f"100 steps, batch {batch}": f"{batch / 10:g} epochs" for batch in BATCHES},
    needs="torch",
    bounds=(0.0, 1.0),
)
def audit_steps(seed: int = 0) -> dict[str, float]:
    """Test accuracies by batch size, at equal epochs and at equal steps. Needs torch."""
    epochs = {f"two epochs, batch {batch}": batch_run(batch, 2000 // batch, seed) for batch in BATCHES}
    return epochs | {f"100 steps, batch {batch}": batch_run(batch, 100, seed) for batch in BATCHES}
