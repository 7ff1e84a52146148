"""Lecture 6: the torch networks that its experiments train, each with and without batch norm."""

from __future__ import annotations

import itertools


def noise_layer(mean_range: float, std_range: float, seed: int):
    """A torch module that gives each channel one random factor and one random shift in every training step.

    The factor is uniform in 1 ± std_range, the shift uniform in ± mean_range; all examples of a batch share
    them, and the next step draws new ones. In evaluation the module passes its input on.
    """
    import torch

    class Noise(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.generator = torch.Generator().manual_seed(seed)

        def forward(self, x):
            if not self.training:
                return x
            shape = (2, 1, x.shape[1]) + (1,) * (x.ndim - 2)
            shift, factor = 2 * torch.rand(shape, generator=self.generator) - 1
            return (1 + std_range * factor) * x + mean_range * shift

    return Noise()


def conv_net(kind: str, seed: int, *, layers: int = 6, maps: int = 12, running: bool = False):
    """A plain stack of 3x3 convolutions for images (N, 1, 8, 8); ten logits.

    kind: "plain" (with biases), "BN" or "noisy BN". All start from He's initialisation, the plain one
    included. running: whether batch norm keeps running statistics; without, it always uses the batch.
    """
    import torch
    from torch import nn

    torch.manual_seed(seed)
    parts: list[nn.Module] = []
    for layer in range(layers):
        conv = nn.Conv2d(maps if layer else 1, maps, 3, padding=1, bias=kind == "plain")
        nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
        if conv.bias is not None:
            nn.init.zeros_(conv.bias)
        parts.append(conv)
        if kind != "plain":
            parts.append(nn.BatchNorm2d(maps, track_running_stats=running))
        if kind == "noisy BN":
            parts.append(noise_layer(0.5, 0.5, 100 * seed + layer))
        parts.append(nn.ReLU())
        if layer == layers // 2 - 1:
            parts.append(nn.MaxPool2d(2))
    return nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(maps, 10))


def dense_net(
    sizes: tuple[int, ...],
    *,
    norm: bool,
    seed: int,
    activation: str = "ReLU",
    scale: float = 1.0,
    dropout: float = 0.0,
    running: bool = True,
):
    """Linear layers with or without batch norm before each activation.

    sizes: of all layers, input and output included; activation: "ReLU" or "Sigmoid"; scale: factor on He's
    standard deviation of every weight; dropout: its rate after each activation.
    """
    import torch
    from torch import nn

    torch.manual_seed(seed)
    parts: list[nn.Module] = [nn.Flatten()]
    for number, (inputs, outputs) in enumerate(itertools.pairwise(sizes)):
        last = number == len(sizes) - 2
        linear = nn.Linear(inputs, outputs, bias=last or not norm)
        nn.init.normal_(linear.weight, std=scale * (2 / inputs) ** 0.5)
        if linear.bias is not None:
            nn.init.zeros_(linear.bias)
        parts.append(linear)
        if last:
            break
        if norm:
            parts.append(nn.BatchNorm1d(outputs, track_running_stats=running))
        parts.append(getattr(nn, activation)())
        if dropout:
            parts.append(nn.Dropout(dropout))
    return nn.Sequential(*parts)


def residual_net(norm: bool, seed: int, *, blocks: int = 8, maps: int = 12):
    """Residual blocks x + conv(relu(norm(conv(relu(norm(x)))))) for images (N, 1, 8, 8); ten logits."""
    import torch
    from torch import nn

    torch.manual_seed(seed)

    def before():
        return [nn.BatchNorm2d(maps, track_running_stats=False)] if norm else []

    def conv(inputs):
        made = nn.Conv2d(inputs, maps, 3, padding=1, bias=not norm)
        nn.init.kaiming_normal_(made.weight, nonlinearity="relu")
        return made

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.branch = nn.Sequential(*before(), nn.ReLU(), conv(maps), *before(), nn.ReLU(), conv(maps))

        def forward(self, x):
            return x + self.branch(x)

    end = [*before(), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(maps, 10)]
    return nn.Sequential(conv(1), *(Block() for _ in range(blocks)), *end)
