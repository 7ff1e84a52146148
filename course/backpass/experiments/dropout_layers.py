"""Lecture 8: dropout beside other layers: feature maps, batch norm, linear regression, an autoencoder."""

from __future__ import annotations

import numpy as np

from ..cards import experiment
from ..data import load
from .dropout import drawn

PLACES = {
    "none": "no dropout",
    "before each batch norm": "dropout, p = 0.5, after each ReLU but the last: it feeds the next batch norm",
    "after the last": "dropout, p = 0.5, once, behind the last batch norm, before the dense layer",
}
MAPS = {
    "none": "no dropout",
    "single values": "dropout, p = 0.2, of each value of a map on its own",
    "whole maps": "spatial dropout, p = 0.2",
}
CORRUPTION = 0.3


def normed_network(torch, place: str):
    """Three times convolution, batch norm, ReLU, pooling to 1/2 twice; dropout where `place` says."""
    nn, parts, channels = torch.nn, [], 1
    for block in range(3):
        parts += [nn.Conv2d(channels, 12, 3, padding=1, bias=False), nn.BatchNorm2d(12), nn.ReLU()]
        channels = 12
        if block < 2:
            parts.append(nn.MaxPool2d(2))
            if place == "before each batch norm":
                parts.append(nn.Dropout(0.5))
    if place == "after the last":
        parts.append(nn.Dropout(0.5))
    return nn.Sequential(*parts, nn.Flatten(), nn.Linear(12 * 9, 10))


def variance_ratios(net, x) -> list[float]:
    """Per batch norm: its running variance over the variance that really arrives in evaluation mode.

    net: a torch.nn.Sequential; x: (N, 1, H, W) tensor. The mean ratio over the channels of each layer.
    """
    import torch

    ratios, net = [], net.eval()
    with torch.no_grad():
        for layer in net:
            if isinstance(layer, torch.nn.BatchNorm2d):
                ratios.append(float((layer.running_var / x.var(dim=(0, 2, 3))).mean()))
            x = layer(x)
    return ratios


def estimated_again(net, x) -> None:
    """Replace all running statistics by those of x, measured without dropout; no label is used."""
    import torch

    for layer in net:
        layer.train(isinstance(layer, torch.nn.BatchNorm2d))
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.reset_running_stats()
            layer.momentum = None
    with torch.no_grad():
        net(x)
    net.eval()


@experiment(
    name="variance-shift",
    claim="Dropout that feeds a batch norm makes its running variance too large for evaluation; dropout behind the "
    "last batch norm does not.",
    source="Li et al. 2019, Understanding the disharmony between dropout and batch normalization by variance "
    "shift, figure 1, https://arxiv.org/abs/1801.05134",
    scaled_down="three convolutions with batch norm, 2000 Fashion-MNIST images of 14×14 pixels, 300 steps; the "
    "paper has residual networks on CIFAR",
    does_not_transfer="the explanation of the lost accuracy: statistics measured anew, without dropout, remove the "
    "shift and do not bring the accuracy back. This small network is simply hurt by so much dropout",
    measures={f"{place}: ratio": "running over real variance, mean of the second and third batch norm"
              for place in PLACES}
    | {f"{place}: accuracy": what for place, what in PLACES.items()}
    | {f"{place}: new statistics": "accuracy after the statistics were measured again" for place in PLACES},
    needs="torch",
    bounds=(0.0, np.inf),
)  # fmt: skip
def variance_shift(seed: int = 0) -> dict[str, float]:
    """Variance ratios and test accuracies for three places of dropout. Needs torch."""
    import torch

    from ..fitting import accuracy, fit, tensor

    data, found = load("fashion14"), {}
    x, y, _ = drawn(data, 2000, np.random.default_rng(seed))
    for place in PLACES:
        torch.manual_seed(seed)
        net = normed_network(torch, place)
        rule = torch.optim.Adam(net.parameters(), lr=3e-3)
        fit(net, x, y, rule, rng=np.random.default_rng(seed), steps=300, batch=50)
        found[f"{place}: ratio"] = float(np.mean(variance_ratios(net, tensor(x))[1:]))
        found[f"{place}: accuracy"] = accuracy(net, data.x_test, data.y_test)
        estimated_again(net, tensor(x))
        found[f"{place}: new statistics"] = accuracy(net, data.x_test, data.y_test)
    return found


def explained(wanted: np.ndarray, by: np.ndarray) -> float:
    """R² of a linear regression with intercept. wanted: (M,); by: (M, P)."""
    rows = np.column_stack([np.ones(len(by)), by])
    rest = wanted - rows @ np.linalg.lstsq(rows, wanted, rcond=None)[0]
    return 1 - float((rest**2).sum() / ((wanted - wanted.mean()) ** 2).sum())


def maps_network(torch, kind: str = "none"):
    """Two convolutions; behind the first the dropout that `kind` names."""
    nn = torch.nn
    drop = {"none": nn.Identity(), "single values": nn.Dropout(0.2), "whole maps": nn.Dropout2d(0.2)}[kind]
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), drop, nn.MaxPool2d(2),
        nn.Conv2d(16, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(16 * 9, 10)
    )  # fmt: skip


def redundancy(maps: np.ndarray, rng: np.random.Generator) -> dict[str, float]:
    """How well a value is told by its neighbours, and by other maps at its place: mean R².

    maps: (N, C, H, W), C at least 5. Maps that hardly vary are left out. Returns {"one neighbour", "four
    neighbours", "one other map", "four other maps"}.
    """
    middle = maps[:, :, 1:-1, 1:-1]
    sides = [maps[:, :, 1:-1, :-2], maps[:, :, 1:-1, 2:], maps[:, :, :-2, 1:-1], maps[:, :, 2:, 1:-1]]
    alive = [c for c in range(maps.shape[1]) if middle[:, c].std() > 1e-3]
    found: dict[str, list[float]] = {}
    for c in alive:
        near = np.column_stack([side[:, c].ravel() for side in sides])
        others = rng.choice([k for k in alive if k != c], 4, replace=False)
        across = np.column_stack([middle[:, k].ravel() for k in others])
        for one, four, by in (("one neighbour", "four neighbours", near), ("one other map", "four other maps", across)):
            wanted = middle[:, c].ravel()
            found.setdefault(one, []).append(np.mean([explained(wanted, by[:, [k]]) for k in range(4)]))
            found.setdefault(four, []).append(explained(wanted, by))
    return {name: float(np.mean(values)) for name, values in found.items()}


def feature_maps(net, x: np.ndarray) -> np.ndarray:
    """What leaves the first ReLU of a torch.nn.Sequential: (N, C, H, W)."""
    import torch

    from ..fitting import tensor

    with torch.no_grad():
        return torch.relu(net[0](tensor(x))).numpy().astype(float)


@experiment(
    name="neighbour-redundancy",
    claim="A value of a feature map can be told from its neighbours better than from other maps at its place. "
    "Dropping single values therefore hides little.",
    source="Tompson et al. 2015, section 3.2, https://arxiv.org/abs/1411.4280",
    scaled_down="first-layer maps of a small network on 300 Fashion-MNIST images of 14×14 pixels; the paper argues "
    "from gradients, and shows whole maps dropped to help a network that finds body joints",
    does_not_transfer="the better accuracy: in this small network all three come out alike. And its few maps tell "
    "much of each other, too: all are made from the same nine pixels",
    measures={
        "one neighbour": "R² of a linear regression on one of the four neighbours in the same map",
        "one other map": "R² on one other map at the same place",
        "four neighbours": "R² on all four neighbours",
        "four other maps": "R² on four other maps",
    }
    | {f"{kind}: accuracy": what for kind, what in MAPS.items()},
    needs="torch",
    bounds=(0.0, 1.0),
)
def neighbour_redundancy(seed: int = 0) -> dict[str, float]:
    """R² within and across maps, and test accuracy for three kinds of dropout. Needs torch."""
    import torch

    from ..fitting import accuracy, fit

    data, found = load("fashion14"), {}
    x, y, _ = drawn(data, 300, np.random.default_rng(seed))
    for kind in MAPS:
        torch.manual_seed(seed)
        net = maps_network(torch, kind)
        rule = torch.optim.Adam(net.parameters(), lr=3e-3)
        fit(net, x, y, rule, rng=np.random.default_rng(seed), steps=300, batch=50)
        if kind == "none":
            maps = feature_maps(net, data.x_test[:200])
            found |= redundancy(maps, np.random.default_rng(seed))
        found[f"{kind}: accuracy"] = accuracy(net, data.x_test, data.y_test)
    return found


def regression_data(rng: np.random.Generator, rows: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Inputs (rows, 5) on different scales, two of them much alike, and noisy targets (rows,)."""
    x = rng.normal(size=(rows, 5)) * np.array([0.3, 1.0, 1.0, 2.0, 4.0])
    x[:, 2] = x[:, 1] + 0.3 * x[:, 2]
    return x, x @ np.array([2.0, 1.0, -1.0, 0.5, 0.25]) + rng.normal(size=rows)


def fitted_to_masks(x, y, p: float, copies: int, rng: np.random.Generator) -> np.ndarray:
    """Least squares on many copies of the data, each with inputs dropped anew (and the rest scaled)."""
    gram, right = np.zeros((x.shape[1],) * 2), np.zeros(x.shape[1])
    for _ in range(copies):
        thin = np.where(rng.random(x.shape) < p, 0.0, x / (1 - p))
        gram += thin.T @ thin
        right += thin.T @ y
    return np.linalg.solve(gram, right)


def fitted_with_rows(x, y, extra: np.ndarray) -> np.ndarray:
    """Least squares with rows added that ask each weight to be zero; extra: (P,), how strongly."""
    rows = np.concatenate([x, np.diag(np.sqrt(extra))])
    return np.linalg.lstsq(rows, np.concatenate([y, np.zeros(len(extra))]), rcond=None)[0]


@experiment(
    name="dropout-ridge",
    claim="In linear regression, dropout of the inputs is a ridge penalty that measures each weight in units of its "
    "input. It is not the ordinary ridge.",
    source="Srivastava et al. 2014, section 9.1; Wager, Wang and Liang 2013, https://arxiv.org/abs/1307.1493",
    scaled_down="60 made examples with 5 inputs on different scales; p = 0.5; 20,000 masks for each example",
    does_not_transfer="in networks the penalty is only approximately quadratic, and depends on the data through "
    "the hidden units",
    measures={
        "to the scaled ridge": "distance of the weights fitted to masks, relative to their length",
        "to the nearest plain ridge": "likewise; the best of 60 strengths",
        "to no penalty": "likewise, to ordinary least squares",
    },
    bounds=(0.0, np.inf),
)
def dropout_ridge_distance(seed: int = 0) -> dict[str, float]:
    """Relative distances of the weights that masks lead to from three closed forms."""
    rng, p = np.random.default_rng(seed), 0.5
    x, y = regression_data(rng)
    masked, size = fitted_to_masks(x, y, p, 20_000, rng), (x**2).sum(axis=0)

    def distance(extra):
        other = fitted_with_rows(x, y, extra)
        return float(np.linalg.norm(masked - other) / np.linalg.norm(masked))

    return {
        "to the scaled ridge": distance(size * p / (1 - p)),
        "to the nearest plain ridge": min(distance(np.full(5, s)) for s in np.geomspace(0.01, 1e4, 60)),
        "to no penalty": distance(np.zeros(5)),
    }


def autoencoders(seed: int = 0, p: float = CORRUPTION) -> dict:
    """Two autoencoders 64-128-64 for digits: one sees clean images, one images with a share p set to 0. Needs torch.

    Returns {"plain": net, "denoising": net}; both are asked for the clean image.
    """
    import torch

    from ..fitting import fit

    class Hide(torch.nn.Module):
        """Sets values to 0 in training. Nothing is scaled: what is hidden is to be missed."""

        def __init__(self, p: float):
            super().__init__()
            self.p = p

        def forward(self, x):
            return x * (torch.rand_like(x) >= self.p) if self.training else x

    data, made = load("digits"), {}
    x = data.x_train.reshape(-1, 64)
    for name, share in (("plain", 0.0), ("denoising", p)):
        torch.manual_seed(seed)
        net = torch.nn.Sequential(Hide(share), torch.nn.Linear(64, 128), torch.nn.ReLU(), torch.nn.Linear(128, 64))
        rule, rng = torch.optim.Adam(net.parameters(), lr=3e-3), np.random.default_rng(seed)
        fit(net, x, x, rule, rng=rng, steps=500, batch=50, loss=torch.nn.functional.mse_loss)
        made[name] = net.eval()
    return made


def hidden_pixels(p: float = CORRUPTION, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """The test digits, clean and with a share p of their pixels set to 0: two arrays (500, 64)."""
    clean = load("digits").x_test.reshape(-1, 64)
    return clean, clean * (np.random.default_rng(seed).random(clean.shape) >= p).astype(np.float32)


@experiment(
    name="denoising-autoencoder",
    claim="An autoencoder with inputs dropped in training learns to fill gaps. One that always saw whole images "
    "copies them, gaps included.",
    source="Vincent et al. 2008, Extracting and composing robust features with denoising autoencoders, ICML, "
    "https://doi.org/10.1145/1390156.1390294; Srivastava et al. 2014, section 2, on the kinship with dropout",
    scaled_down="one hidden layer of 128 units on 8×8 digits, a share of 0.3 hidden, 500 steps; the paper stacks "
    "such layers to start deep networks",
    does_not_transfer="the paper's gain in classification from layers that were started so; nobody starts networks "
    "so today, but hiding parts of the input and asking for them is alive",
    measures={
        "gaps, untouched": "mean squared error of the images with gaps, taken as they are",
        "gaps, plain": "after the autoencoder that never saw gaps",
        "gaps, denoising": "after the one that did",
        "whole, plain": "error on whole images, the one that never saw gaps",
        "whole, denoising": "error on whole images, the one that did",
    },
    needs="torch",
    bounds=(0.0, np.inf),
)
def denoising_autoencoder(seed: int = 0) -> dict[str, float]:
    """Mean squared errors per pixel on test digits. Needs torch."""
    import torch

    from ..fitting import mean_loss

    nets, (clean, gaps) = autoencoders(seed), hidden_pixels(seed=seed)
    found = {"gaps, untouched": float(((gaps - clean) ** 2).mean())}
    for seen, images in (("gaps", gaps), ("whole", clean)):
        for name, net in nets.items():
            found[f"{seen}, {name}"] = mean_loss(net, images, clean, loss=torch.nn.functional.mse_loss)
    return found


REMEDIES = {
    "none": "neither",
    "dropout": "p = 0.5 before the dense layer, nothing else",
    "batch norm": "after each convolution",
    "both": "batch norm after each convolution, dropout before the dense layer",
}


def remedied_network(torch, remedy: str):
    """Three convolutions and a dense layer; batch norm, dropout, both or neither."""
    nn, parts, channels = torch.nn, [], 1
    normed = remedy in ("batch norm", "both")
    for block in range(3):
        parts.append(nn.Conv2d(channels, 16, 3, padding=1, bias=not normed))
        parts += ([nn.BatchNorm2d(16)] if normed else []) + [nn.ReLU()] + [nn.MaxPool2d(2)] * (block < 2)
        channels = 16
    parts += [nn.Flatten()] + [nn.Dropout(0.5)] * (remedy in ("dropout", "both"))
    return nn.Sequential(*parts, nn.Linear(16 * 9, 10))


@experiment(
    name="dropout-or-batch-norm",
    claim="Dropout and batch norm are not alike as regularisers: on few images dropout improves the test loss, batch "
    "norm the accuracy.",
    source="the comparison of a seminar report on CIFAR-10 (no batch norm, half dropout, batch norm), made again; "
    "Ioffe and Szegedy 2015, section 3.4, https://arxiv.org/abs/1502.03167",
    scaled_down="three convolutions of 16 maps, 300 Fashion-MNIST images of 14×14 pixels, 300 steps",
    does_not_transfer="which of the two is better, and in what, depends on the number of images, the network and "
    "the steps; that they differ does not",
    measures={f"{remedy}: {value}": f"{what}; on the test images"
              for remedy, what in REMEDIES.items() for value in ("accuracy", "loss")}
    | {f"{remedy}: train loss": f"{what}; on the training images" for remedy, what in REMEDIES.items()},
    needs="torch",
    bounds=(0.0, np.inf),
)  # fmt: skip
def dropout_or_batch_norm(seed: int = 0) -> dict[str, float]:
    """Test accuracy, test loss and training loss of four networks. Needs torch."""
    import torch

    from ..fitting import accuracy, fit, mean_loss

    data, found = load("fashion14"), {}
    x, y, _ = drawn(data, 300, np.random.default_rng(seed))
    for remedy in REMEDIES:
        torch.manual_seed(seed)
        net = remedied_network(torch, remedy)
        rule = torch.optim.Adam(net.parameters(), lr=3e-3)
        fit(net, x, y, rule, rng=np.random.default_rng(seed), steps=300, batch=50)
        found[f"{remedy}: accuracy"] = accuracy(net, data.x_test, data.y_test)
        found[f"{remedy}: loss"] = mean_loss(net, data.x_test, data.y_test)
        found[f"{remedy}: train loss"] = mean_loss(net, x, y)
    return found
