"""Unit 9, the exercise in torch: the reference. The only file of the solutions that imports torch."""

from __future__ import annotations

import torch


class BatchNormFunction(torch.autograd.Function):
    """Batch normalization over a batch, with a backward pass of its own: BatchNormFunction.apply(x, gamma, beta, eps).

    Notes
    -----
    Ioffe and Szegedy, Batch normalization (2015), section 3; first-order gradients.

    Examples
    --------
    >>> x = torch.tensor([[1.0], [3.0]], requires_grad=True)
    >>> y = BatchNormFunction.apply(x, torch.tensor([2.0]), torch.tensor([1.0]), 0.0)
    >>> y.tolist()
    [[-1.0], [3.0]]
    """

    @staticmethod
    def forward(
        ctx: torch.autograd.function.FunctionCtx,
        x: torch.Tensor,
        gamma: torch.Tensor,
        beta: torch.Tensor,
        eps: float,
    ) -> torch.Tensor:
        """x (N, D), gamma and beta (D,), eps a float; returns y (N, D)."""
        centred = x - x.mean(dim=0)
        std = (centred.square().mean(dim=0) + eps).sqrt()
        x_hat = centred / std
        ctx.save_for_backward(x_hat, std, gamma)
        return gamma * x_hat + beta

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, dy: torch.Tensor) -> tuple:
        """A gradient for every argument of forward; eps, a number, has none."""
        x_hat, std, gamma = ctx.saved_tensors
        dx_hat = dy * gamma
        dx = (dx_hat - dx_hat.mean(dim=0) - x_hat * (dx_hat * x_hat).mean(dim=0)) / std
        return dx, (dy * x_hat).sum(dim=0), dy.sum(dim=0), None


class ConvBNReLU(torch.nn.Module):
    """Convolution without bias, batch normalization, ReLU.

    Parameters
    ----------
    in_channels, out_channels : int
    kernel_size, padding : int

    Examples
    --------
    >>> ConvBNReLU(3, 4, 5, 2)(torch.zeros(2, 3, 6, 7)).shape
    torch.Size([2, 4, 6, 7])
    """

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, padding: int):
        super().__init__()
        self.conv = torch.nn.Conv2d(in_channels, out_channels, kernel_size, padding=padding, bias=False)
        self.norm = torch.nn.BatchNorm2d(out_channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x (N, in_channels, H, W)."""
        return torch.relu(self.norm(self.conv(x)))
