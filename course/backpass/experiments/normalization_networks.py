"""Lecture 7: torch layers that normalise, by name, and the networks that its experiments train."""

from __future__ import annotations

NORMS = ("none", "BN", "LN", "IN", "GN", "GN and WS")


def norm_layer(kind: str, channels: int, groups: int = 4):
    """A torch module that normalises (N, channels, H, W) and has a scale and a shift per channel.

    kind: "none", "BN", "LN" (over channels and positions), "IN", "GN" or "GN and WS" (the same, with
    standardised weights in the convolution before it).
    """
    from torch import nn

    made = {
        "none": lambda: nn.Identity(),
        "BN": lambda: nn.BatchNorm2d(channels),
        "LN": lambda: nn.GroupNorm(1, channels),
        "IN": lambda: nn.InstanceNorm2d(channels, affine=True),
        "GN": lambda: nn.GroupNorm(groups, channels),
        "GN and WS": lambda: nn.GroupNorm(groups, channels),
    }
    return made[kind]()


def conv_layer(inputs: int, outputs: int, *, standardized: bool = False):
    """A 3x3 convolution of torch with He's start; standardized: every filter has mean 0 and variance 1/fan_in."""
    import torch
    from torch import nn

    class Standardized(nn.Conv2d):
        def forward(self, x):
            spread, mean = torch.std_mean(self.weight, dim=(1, 2, 3), keepdim=True, correction=0)
            fan_in = self.weight[0].numel()
            return self._conv_forward(x, (self.weight - mean) / (spread * fan_in**0.5 + 1e-5), self.bias)

    made = (Standardized if standardized else nn.Conv2d)(inputs, outputs, 3, padding=1)
    nn.init.kaiming_normal_(made.weight, nonlinearity="relu")
    nn.init.zeros_(made.bias)
    return made


def conv_net(kind: str, seed: int, *, layers: int = 4, maps: int = 16, classes: int = 10):
    """Convolutions with the given normalisation for images (N, 1, 8, 8), then a linear layer that reads all of it."""
    import torch
    from torch import nn

    torch.manual_seed(seed)
    parts: list[nn.Module] = []
    for layer in range(layers):
        conv = conv_layer(maps if layer else 1, maps, standardized=kind.endswith("WS"))
        parts += [conv, norm_layer(kind, maps), nn.ReLU()]
        if layer == layers // 2 - 1:
            parts.append(nn.MaxPool2d(2))
    return nn.Sequential(*parts, nn.Flatten(), nn.Linear(16 * maps, classes))


def dense_net(kind: str, seed: int, *, units: int = 64):
    """Two hidden layers for images (N, 1, 8, 8) with "none", "BN", "LN" or "GN" (8 groups) before each ReLU."""
    import torch
    from torch import nn

    torch.manual_seed(seed)
    norms = {"none": nn.Identity, "BN": nn.BatchNorm1d, "LN": nn.LayerNorm, "GN": lambda n: nn.GroupNorm(8, n)}

    def hidden(inputs):
        return nn.Linear(inputs, units), norms[kind](units), nn.ReLU()

    return nn.Sequential(nn.Flatten(), *hidden(64), *hidden(units), nn.Linear(units, 10))


def recurrent_net(kind: str, seed: int, *, inputs: int = 8, units: int = 32):
    """An LSTM over the rows of an image (N, 1, T, inputs), which normalises its gates' inputs; ten logits.

    kind: "none", "BN" (one set of statistics for all time steps) or "LN".
    """
    import torch
    from torch import nn

    torch.manual_seed(seed)

    class Recurrent(nn.Module):
        def __init__(self):
            super().__init__()
            self.gates = nn.Linear(inputs + units, 4 * units)
            self.norm = {"none": nn.Identity, "BN": nn.BatchNorm1d, "LN": nn.LayerNorm}[kind](4 * units)
            self.read = nn.Linear(units, 10)

        def forward(self, x, states: list | None = None):
            """Logits; the preactivations of the gates at every step are appended to `states`."""
            h = c = x.new_zeros(len(x), units)
            for row in x[:, 0].unbind(1):
                before = self.gates(torch.cat([row, h], 1))
                if states is not None:
                    states.append(before.detach())
                enter, forget, out, new = self.norm(before).chunk(4, 1)
                c = torch.sigmoid(forget + 1) * c + torch.sigmoid(enter) * torch.tanh(new)
                h = torch.sigmoid(out) * torch.tanh(c)
            return self.read(h)

    return Recurrent()
