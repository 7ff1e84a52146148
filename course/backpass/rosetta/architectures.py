"""Lecture 9: what "frozen" stops, and one small network counted by two libraries."""

from __future__ import annotations

import numpy as np

from ..tables import Documented, Table

KERAS_FROZEN = (
    "Keras 3, layers.BatchNormalization: with trainable = False the layer also runs in inference mode; "
    "keras.io/api/layers"
)
KERAS_DROPOUT = "Keras 3, layers.Dropout: trainable does not affect the layer's behaviour; keras.io/api/layers"
KERAS_COUNT = "Keras 3.15, summary of the same network: channels last, and moving statistics are counted as parameters"
TORCH = "PyTorch, nn.Module: requires_grad_, train and eval; pytorch.org/docs"

# The first of two small networks from slides: (layer, Keras's output shape, Keras's count).
FIRST_NETWORK = (
    ("convolution 3×3, 16", "(30, 30, 16)", 448),
    ("batch norm", "(30, 30, 16)", 64),
    ("max pooling 2", "(15, 15, 16)", 0),
    ("convolution 3×3, 32", "(13, 13, 32)", 4640),
    ("batch norm", "(13, 13, 32)", 128),
    ("max pooling 2", "(6, 6, 32)", 0),
    ("flatten", "(1152,)", 0),
    ("dense 32", "(32,)", 36896),
    ("dense 16", "(16,)", 528),
    ("dense 10", "(10,)", 170),
)


def frozen() -> Table:
    """What goes on changing when a layer is "frozen": in PyTorch two switches, in Keras one."""
    torch_rows = _torch_frozen()
    keras = (("no", KERAS_FROZEN), ("no", KERAS_FROZEN), ("yes", KERAS_DROPOUT))
    questions = ("weights learn", "batch norm's running statistics move", "dropout drops")
    return Table(
        ("in training mode, do the …", "requires_grad_(False)", "eval()", "both", "Keras: trainable = False"),
        [(q, *cells, Documented(*k)) for q, cells, k in zip(questions, torch_rows, keras, strict=True)],
        caption="Frozen is two things: weights that do not learn, and state that does not move.",
    )


def _torch_frozen() -> list[tuple]:
    try:
        import torch
    except ImportError:
        answers = (("no", "yes", "no"), ("yes", "no", "no"), ("yes", "no", "no"))
        return [tuple(Documented(text, TORCH) for text in row) for row in answers]
    columns = []
    for stop, evaluate in ((True, False), (False, True), (True, True)):
        torch.manual_seed(0)
        norm, drop = torch.nn.BatchNorm1d(3), torch.nn.Dropout(0.5)
        head = torch.nn.Linear(3, 1)
        norm.requires_grad_(not stop)
        if evaluate:
            norm.eval(), drop.eval()
        weight, mean = norm.weight.detach().clone(), norm.running_mean.clone()
        rule = torch.optim.SGD([*norm.parameters(), *head.parameters()], lr=0.1)
        head(drop(norm(1 + torch.randn(8, 3)))).sum().backward()
        rule.step()
        learns = not torch.equal(weight, norm.weight.detach())
        moves = not torch.equal(mean, norm.running_mean)
        drops = bool((drop(torch.ones(100)) == 0).any())
        columns.append(["yes" if value else "no" for value in (learns, moves, drops)])
    return list(zip(*columns, strict=True))


def network_ledger() -> Table:
    """A small network for 32 × 32 colour images: shapes and weights in PyTorch (computed) and Keras (documented)."""
    shapes = _torch_ledger()
    rows = [
        (name, *here, Documented(shape, KERAS_COUNT), Documented(f"{count:,}", KERAS_COUNT))
        for (name, shape, count), here in zip(FIRST_NETWORK, shapes, strict=True)
    ]
    total = sum(count for *_, count in FIRST_NETWORK)
    own = sum(int(str(count).replace(",", "")) for _, count in shapes if not isinstance(count, Documented))
    mine = f"{own:,}" if own else Documented("42,778", TORCH)
    rows.append(("together", "", mine, "", Documented(f"{total:,}", KERAS_COUNT)))
    return Table(
        ("layer", "PyTorch: shape", "weights", "Keras: shape", "parameters"),
        rows,
        caption="The same network twice. One counts the running statistics as parameters, the other as state.",
    )


def first_network(torch):
    """The network of the ledger as a torch.nn.Sequential of its ten layers (ReLUs inside)."""
    nn = torch.nn
    return nn.Sequential(
        nn.Sequential(nn.Conv2d(3, 16, 3), nn.ReLU()), nn.BatchNorm2d(16), nn.MaxPool2d(2),
        nn.Sequential(nn.Conv2d(16, 32, 3), nn.ReLU()), nn.BatchNorm2d(32), nn.MaxPool2d(2), nn.Flatten(),
        nn.Sequential(nn.Linear(1152, 32), nn.ReLU()), nn.Sequential(nn.Linear(32, 16), nn.ReLU()), nn.Linear(16, 10),
    )  # fmt: skip


def _torch_ledger() -> list[tuple]:
    try:
        import torch
    except ImportError:
        return [(Documented("channels first", TORCH), Documented("", TORCH)) for _ in FIRST_NETWORK]
    x, found = torch.zeros(1, 3, 32, 32), []
    net = first_network(torch).eval()
    for layer in net:
        x = layer(x)
        found.append((str(tuple(x.shape[1:])), f"{int(np.sum([p.numel() for p in layer.parameters()])):,}"))
    return found
