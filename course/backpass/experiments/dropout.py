"""Lecture 8: what dropout and its rivals do to a network that is large for its data."""

from __future__ import annotations

import numpy as np

from ..cards import experiment
from ..data import Images, load

SIZES = (50, 200, 1000, 6000)
RATES = (0.0, 0.2, 0.35, 0.5, 0.65, 0.8, 0.95)
RATE = 3e-3

# Each with the strengths among which a validation split chooses.
STRENGTHS = {
    "none": (0.0,),
    "L1": (1e-5, 1e-4, 1e-3),
    "L2": (1e-4, 1e-3, 1e-2),
    "max-norm": (0.5, 1.0, 2.0),
    "dropout": (0.2, 0.5, 0.7),
}
TREATMENTS = {
    "none": "nothing is done against overfitting",
    "none, stopped early": "the step with the least validation loss",
    "L1": "a penalty on the weights' absolute values",
    "L2": "a penalty on the weights' squares",
    "max-norm": "each unit's incoming weights are kept in a ball",
    "dropout": "of the hidden units",
    "dropout, stopped early": "likewise, at the step with the least validation loss",
}


def dense_network(torch, hidden: int = 128, p: float = 0.0, *, layers: int = 2, inputs: int = 196):
    """A torch.nn.Sequential: `layers` times linear, ReLU, dropout; then linear to ten classes."""
    nn, parts, width = torch.nn, [torch.nn.Flatten()], inputs
    for _ in range(layers):
        parts += [nn.Linear(width, hidden), nn.ReLU(), nn.Dropout(p)]
        width = hidden
    return nn.Sequential(*parts, nn.Linear(width, 10))


def drawn(data: Images, count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """`count` training images, their labels, and the indices of all others. count: at most all."""
    order = rng.permutation(len(data.x_train))
    return data.x_train[order[:count]], data.y_train[order[:count]], order[count:]


def learning_curves(hidden: int, p: float, seed: int = 0, count: int = 200, steps: int = 400) -> dict[str, np.ndarray]:
    """Losses and accuracies of a dense network while it learns `count` images. Needs torch.

    Returns {"steps", "train loss", "test loss", "train accuracy", "test accuracy"}, an entry every 20 steps.
    """
    import torch

    from ..fitting import fit

    data, rng = load("fashion14"), np.random.default_rng(seed)
    x, y, _ = drawn(data, count, rng)
    torch.manual_seed(seed)
    net = dense_network(torch, hidden, p)
    parts = {"train": (x, y), "test": (data.x_test, data.y_test)}
    parts = {part: (torch.as_tensor(images), torch.as_tensor(labels)) for part, (images, labels) in parts.items()}
    found: dict[str, list[float]] = {"steps": []}

    def look(step, _loss):
        if step % 20 == 19:
            found["steps"].append(step + 1)
            net.eval()
            for part, (images, labels) in parts.items():
                with torch.no_grad():
                    scores = net(images)
                loss = torch.nn.functional.cross_entropy(scores, labels)
                found.setdefault(f"{part} loss", []).append(float(loss))
                found.setdefault(f"{part} accuracy", []).append(float((scores.argmax(1) == labels).float().mean()))
            net.train()

    fit(net, x, y, torch.optim.Adam(net.parameters(), lr=RATE), rng=rng, steps=steps, batch=50, each_step=look)
    return {name: np.array(values) for name, values in found.items()}


def _regularised(torch, method: str, strength: float, x, y, validation, seed: int) -> dict:
    """One training run: the network, its validation loss, and state and loss at its best validation step."""
    from ..fitting import fit, mean_loss

    torch.manual_seed(seed)
    net = dense_network(torch, p=strength if method == "dropout" else 0.0)
    layers = [module for module in net if isinstance(module, torch.nn.Linear)]
    best = {"best": np.inf, "state": None}

    def loss(scores, labels):
        value = torch.nn.functional.cross_entropy(scores, labels)
        if method == "L1":
            value = value + strength * sum(layer.weight.abs().sum() for layer in layers)
        if method == "L2":
            value = value + strength * sum(layer.weight.square().sum() for layer in layers)
        return value

    def after(step, _loss):
        if method == "max-norm":
            with torch.no_grad():
                for layer in layers:
                    layer.weight.copy_(torch.renorm(layer.weight, 2, 0, strength))
        if step % 20 == 19:
            now = mean_loss(net, *validation)
            if now < best["best"]:
                best.update(best=now, state={k: v.clone() for k, v in net.state_dict().items()})

    rule, rng = torch.optim.Adam(net.parameters(), lr=RATE), np.random.default_rng(seed)
    fit(net, x, y, rule, rng=rng, steps=400, batch=50, loss=loss, each_step=after)
    return {"net": net, "final": mean_loss(net, *validation), **best}


@experiment(
    name="regularisers",
    claim="A dense network that learns 200 images by heart becomes too sure of itself. Dropout lowers its test "
    "loss; so do its rivals, each at a strength chosen on a validation split.",
    source="Srivastava et al. 2014, section 6.5, table 9 (L2, L1, max-norm and dropout side by side), "
    "https://jmlr.org/papers/v15/srivastava14a.html",
    scaled_down="200 Fashion-MNIST images of 14×14 pixels, two hidden layers of 128, Adam; 800 other images "
    "choose the strength among three and the step to stop at. The paper has 60,000 digits and wider layers",
    does_not_transfer="the paper's gain in accuracy: here all methods lie within a few points. And a validation "
    "split four times as large as the training set is a luxury",
    measures={
        f"{name}: {value}": f"{what}; on the test images"
        for name, what in TREATMENTS.items()
        for value in ("accuracy", "loss")
    },
    needs="torch",
    bounds=(0.0, np.inf),
)
def regularisers(seed: int = 0) -> dict[str, float]:
    """Test accuracy and loss of one network under seven treatments. Needs torch."""
    import torch

    from ..fitting import accuracy, mean_loss

    data, found = load("fashion14"), {}
    x, y, others = drawn(data, 200, np.random.default_rng(seed))
    validation = data.x_train[others[:800]], data.y_train[others[:800]]
    test = data.x_test, data.y_test

    def note(name, net):
        found[f"{name}: accuracy"], found[f"{name}: loss"] = accuracy(net, *test), mean_loss(net, *test)

    for method, strengths in STRENGTHS.items():
        runs = [_regularised(torch, method, strength, x, y, validation, seed) for strength in strengths]
        note(method, min(runs, key=lambda run: run["final"])["net"])
        if method in ("none", "dropout"):
            best = min(runs, key=lambda run: run["best"])
            best["net"].load_state_dict(best["state"])
            note(f"{method}, stopped early", best["net"])
    return found


def _trained(torch, x, y, p: float, seed: int, steps: int = 400, inputs: float = 0.0):
    from ..fitting import fit

    torch.manual_seed(seed)
    net = torch.nn.Sequential(torch.nn.Dropout(inputs), dense_network(torch, p=p))
    rule, rng = torch.optim.Adam(net.parameters(), lr=RATE), np.random.default_rng(seed)
    fit(net, x, y, rule, rng=rng, steps=steps, batch=50)
    return net


@experiment(
    name="dropout-data-size",
    claim="What dropout gains depends on the number of examples. The loss improves most where they are few; "
    "where they are many and the steps are not, dropout costs accuracy.",
    source="Srivastava et al. 2014, section 7.4, figure 10, https://jmlr.org/papers/v15/srivastava14a.html",
    scaled_down="Fashion-MNIST at 14×14 pixels, two hidden layers of 128, p = 0.5, 400 steps whatever the "
    "number of examples; the paper has digits and wider layers, and trains to convergence",
    does_not_transfer="the paper's gains in accuracy: with this network and these steps dropout gains hardly any, at "
    "any size; and the loss saved at 50 differs widely between seeds. With four times the steps the cost at 6000 "
    "examples is smaller (the last measures)",
    measures={
        f"{value} gained at {n}": f"{n} images; positive: better" for n in SIZES for value in ("accuracy", "loss")
    }
    | {f"{value} gained at 6000, 1600 steps": "four times the steps" for value in ("accuracy", "loss")},
    needs="torch",
)
def dropout_data_size(seed: int = 0, settings=(*((n, 400) for n in SIZES), (6000, 1600))) -> dict[str, float]:
    """What dropout gains in test accuracy and loss, by the number of examples (and steps). Needs torch."""
    import torch

    from ..fitting import accuracy, mean_loss

    data, found = load("fashion14"), {}
    test = data.x_test, data.y_test
    for n, steps in settings:
        x, y, _ = drawn(data, n, np.random.default_rng(seed))
        none, dropped = (_trained(torch, x, y, p, seed, steps) for p in (0.0, 0.5))
        name = f"{n}" if steps == 400 else f"{n}, {steps} steps"
        found[f"accuracy gained at {name}"] = accuracy(dropped, *test) - accuracy(none, *test)
        found[f"loss gained at {name}"] = mean_loss(none, *test) - mean_loss(dropped, *test)
    return found


@experiment(
    name="dropout-rate",
    claim="Up to a half the rate hardly matters for the accuracy, and the loss is least near a half; near 1 nothing "
    "is learnt. Dropping a fifth of the input as well changes little.",
    source="Srivastava et al. 2014, section 7.3, figure 9a, https://jmlr.org/papers/v15/srivastava14a.html",
    scaled_down="500 Fashion-MNIST images of 14×14 pixels, two hidden layers of 128, 400 steps; the paper's p is "
    "the probability to keep",
    does_not_transfer="in the paper the test error is higher at the end without dropout; here accuracy is not, only "
    "the loss is",
    measures={
        f"p = {p:g}: {value}": f"on the test images; hidden units dropped with probability {p:g}"
        for p in RATES
        for value in ("accuracy", "loss")
    }
    | {f"p = 0.5, inputs 0.2: {value}": "inputs are dropped, too" for value in ("accuracy", "loss")},
    needs="torch",
    bounds=(0.0, np.inf),
)
def dropout_rate(seed: int = 0) -> dict[str, float]:
    """Test accuracy and loss by the probability to drop. Needs torch."""
    import torch

    from ..fitting import accuracy, mean_loss

    data, found = load("fashion14"), {}
    x, y, _ = drawn(data, 500, np.random.default_rng(seed))
    for p, inputs in (*((p, 0.0) for p in RATES), (0.5, 0.2)):
        net = _trained(torch, x, y, p, seed, inputs=inputs)
        name = f"p = {p:g}" + (f", inputs {inputs:g}" if inputs else "")
        found[f"{name}: accuracy"] = accuracy(net, data.x_test, data.y_test)
        found[f"{name}: loss"] = mean_loss(net, data.x_test, data.y_test)
    return found
