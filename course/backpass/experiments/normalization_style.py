"""Lecture 7, beats 4 and 8: pictures in another picture's style, and standardised kernels."""

from __future__ import annotations

import numpy as np

from ..data import load

# Colours of the cloth and of the ground, as red, green and blue between 0 and 1.
PALETTES = {
    "sea on sand": ((0.00, 0.30, 0.55), (0.96, 0.90, 0.76)),
    "rust on mint": ((0.70, 0.25, 0.05), (0.80, 0.95, 0.87)),
    "night": ((0.55, 0.60, 0.85), (0.05, 0.06, 0.20)),
}


def garment(which: int, palette: str) -> np.ndarray:
    """A test garment in two colours, (3, 14, 14), entries between 0 and 1."""
    cloth, ground = (np.array(colour)[:, None, None] for colour in PALETTES[palette])
    shade = load("fashion14", np.float64).x_test[which]
    return ground + shade * (cloth - ground)


def restyled(content: np.ndarray, style: np.ndarray, blend: float) -> np.ndarray:
    """The content with a share `blend` of the way to the style's channel means and deviations; (3, H, W)."""
    import torch

    x, y = (torch.as_tensor(image)[None] for image in (content, style))
    spread, mean = torch.std_mean(y, dim=(2, 3), keepdim=True, correction=0)
    swapped = torch.nn.functional.instance_norm(x) * spread + mean
    return torch.lerp(x, swapped, blend)[0].numpy()


def kernels(offset: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """16 filters of 8x3x3 whose entries have the given mean, and the same filters standardised; (16, 72) each."""
    import torch

    made = torch.Generator().manual_seed(seed)
    weight = offset + 0.3 * torch.rand(16, 1, generator=made) + 0.15 * torch.randn(16, 72, generator=made)
    standard = torch.nn.functional.layer_norm(weight, (72,))
    return weight.numpy(), standard.numpy()
