"""Wrong batch norms, each wrong in one way, made of torch's operations; and checks that may notice them.

Importing this does not need torch; calling it does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

MOMENTUM, EPS = 0.1, 1e-5


@dataclass(frozen=True)
class Layer:
    """forward(x, gamma, beta, running, training) -> (y, running); backward(dy, x, gamma, beta) -> gradients.

    running: (mean, variance) of each channel. The backward pass is that of training.
    """

    forward: Callable
    backward: Callable


def _spread_out(vector, x):
    """One value per channel, (C,), as an array that meets x: (N, C, ...)."""
    return vector.reshape(1, -1, *[1] * (x.ndim - 2))


def _layer(
    *,
    over: str = "channel",
    correction: int = 0,
    eps: str = "inside",
    running: str = "average",
    running_correction: int = 1,
    weight_of_new: float = MOMENTUM,
    evaluation: str = "running",
    affine_in_evaluation: bool = True,
    learns_in_evaluation: bool = False,
    constant: str = "",
) -> Layer:
    """A batch norm with one or several of its decisions taken otherwise; the defaults are torch's.

    over: whose mean and variance. constant: what the backward pass takes for a constant, "mean" or "variance".
    """
    import torch

    def normalized(x, mean, variance):
        root = {"inside": (variance + EPS).sqrt(), "outside": variance.sqrt() + EPS, "none": variance.sqrt()}[eps]
        return (x - mean) / root

    def statistics(x):
        axes = {
            "channel": [0, *range(2, x.ndim)],
            "position": [0],
            "everything": list(range(x.ndim)),
            "sample": list(range(1, x.ndim)),
        }[over]
        return x.mean(axes, keepdim=True), x.var(axes, correction=correction, keepdim=True)

    def train(x, gamma, beta, held=""):
        mean, variance = statistics(x)
        mean = mean.detach() if held == "mean" else mean
        variance = variance.detach() if held == "variance" else variance
        return normalized(x, mean, variance) * _spread_out(gamma, x) + _spread_out(beta, x)

    def updated(x, old):
        if running == "never":
            return old
        axes = [0, *range(2, x.ndim)]
        now = x.mean(axes), x.var(axes, correction=running_correction)
        share = 1.0 if running == "replaced" else weight_of_new
        return tuple(share * new + (1 - share) * kept for new, kept in zip(now, old, strict=True))

    def forward(x, gamma, beta, statistics_so_far, training):
        after = updated(x, statistics_so_far) if training or learns_in_evaluation else statistics_so_far
        if training or evaluation == "batch":
            return train(x, gamma, beta), after
        y = normalized(x, *(_spread_out(v, x) for v in statistics_so_far))
        return (y * _spread_out(gamma, x) + _spread_out(beta, x) if affine_in_evaluation else y), after

    def backward(dy, x, gamma, beta):
        inputs = [v.detach().clone().requires_grad_() for v in (x, gamma, beta)]
        return torch.autograd.grad(train(*inputs, held=constant), inputs, dy)

    return Layer(forward, backward)


def right_layer() -> Layer:
    """Batch norm with torch's decisions; a test compares it with torch's own."""
    return _layer()


def wrong_layers() -> dict[str, Layer]:
    """Layers that are wrong in one decision each, or in one gradient."""
    right = _layer()

    def without_gamma(dy, x, gamma, beta):
        return right.backward(dy / _spread_out(gamma, x), x, gamma, beta)[0], *right.backward(dy, x, gamma, beta)[1:]

    def gamma_meets_x(dy, x, gamma, beta):
        dx, _, dbeta = right.backward(dy, x, gamma, beta)
        return dx, (dy * x).sum([0, *range(2, x.ndim)]), dbeta

    return {
        "variance with n − 1": _layer(correction=1),
        "eps outside the root": _layer(eps="outside"),
        "no eps": _layer(eps="none"),
        "statistics per position": _layer(over="position"),
        "one statistic for all": _layer(over="everything"),
        "statistics per sample": _layer(over="sample"),
        "dx: mean held constant": _layer(constant="mean"),
        "dx: variance held constant": _layer(constant="variance"),
        "dx: without gamma": Layer(right.forward, without_gamma),
        "dgamma: x in place of x̂": Layer(right.forward, gamma_meets_x),
        "momentum exchanged": _layer(weight_of_new=1 - MOMENTUM),
        "running variance with n": _layer(running_correction=0),
        "running: last batch only": _layer(running="replaced"),
        "running: never updated": _layer(running="never"),
        "evaluates by the batch": _layer(evaluation="batch"),
        "evaluates without γ, β": _layer(affine_in_evaluation=False),
        "goes on learning": _layer(learns_in_evaluation=True),
    }


def _draw(*shape: int, ones: bool = False) -> tuple:
    """x (means far from 0), gamma, beta, dy and running statistics, always the same for the same shape."""
    import torch

    generator = torch.Generator().manual_seed(0)

    def normal(*size):
        return torch.randn(size, generator=generator, dtype=torch.float64)

    x, channels = 3 + 1.5 * normal(*shape), shape[1]
    gamma, beta, dy = 1.5 + 0.3 * normal(channels), normal(channels), normal(*shape)
    running = normal(channels), 0.5 + normal(channels).abs()
    return x, gamma, beta, (torch.ones_like(dy) if ones else dy), running


def unit_deviation(layer: Layer) -> bool:
    """With gamma 1 and beta 0 the output of (N, D) has mean 0 and standard deviation 1, to two digits."""
    import torch

    x, gamma, beta, _, running = _draw(200, 4)
    y, _ = layer.forward(x, torch.ones_like(gamma), torch.zeros_like(beta), running, True)
    return bool(y.mean(0).abs().max() < 0.01) and bool((y.std(0) - 1).abs().max() < 0.01)


def gradient_check(*shape: int, ones: bool = False, step: float = 1e-6) -> Callable[[Layer], bool]:
    """The layer's gradients against central differences of the layer's own forward pass, in training."""
    import torch

    def check(layer: Layer) -> bool:
        *inputs, dy, running = _draw(*shape, ones=ones)
        for gradient, value in zip(layer.backward(dy, *inputs), inputs, strict=True):
            entries, found = value.view(-1), torch.empty_like(value)
            for index in range(value.numel()):
                saved = float(entries[index])
                entries[index] = saved + step
                ahead, _ = layer.forward(*inputs, running, True)
                entries[index] = saved - step
                behind, _ = layer.forward(*inputs, running, True)
                entries[index] = saved
                found.view(-1)[index] = (dy * (ahead - behind)).sum() / (2 * step)
            if not torch.allclose(gradient, found, rtol=1e-5, atol=1e-6):
                return False
        return True

    return check


def against_torch(*shape: int, rtol: float) -> Callable[[Layer], bool]:
    """Values and gradients in training against torch's."""
    import torch

    def check(layer: Layer) -> bool:
        x, gamma, beta, dy, running = _draw(*shape)
        inputs = [v.clone().requires_grad_() for v in (x, gamma, beta)]
        wanted = torch.nn.functional.batch_norm(inputs[0], None, None, *inputs[1:], training=True, eps=EPS)
        found = [layer.forward(x, gamma, beta, running, True)[0], *layer.backward(dy, x, gamma, beta)]
        right = [wanted.detach(), *torch.autograd.grad(wanted, inputs, dy)]
        return all(torch.allclose(a, e, rtol=rtol, atol=rtol) for a, e in zip(found, right, strict=True))

    return check


def running_statistics(layer: Layer) -> bool:
    """The running mean and variance after two batches, against torch's module."""
    import torch

    x, gamma, beta, _, running = _draw(6, 3, 4, 5)
    module = torch.nn.BatchNorm2d(3, dtype=torch.float64, momentum=MOMENTUM)
    module.running_mean, module.running_var = (v.clone() for v in running)
    for batch in (x[:3], 2 * x[3:]):
        module(batch)
        _, running = layer.forward(batch, gamma, beta, running, True)
    wanted = module.running_mean, module.running_var
    return all(torch.allclose(a, e, rtol=1e-7) for a, e in zip(running, wanted, strict=True))


def evaluation(layer: Layer) -> bool:
    """Evaluation with given statistics, gamma not 1 and beta not 0, against torch's; the statistics stay."""
    import torch

    x, gamma, beta, _, running = _draw(3, 2, 4, 5)
    y, after = layer.forward(x, gamma, beta, running, False)
    wanted = torch.nn.functional.batch_norm(x, *running, gamma, beta, training=False, eps=EPS)
    stayed = all(torch.equal(a, e) for a, e in zip(after, running, strict=True))
    # This one asks whether the right things are used; precision is the comparison's question.
    return stayed and torch.allclose(y, wanted, rtol=1e-3, atol=1e-3)


def checks() -> dict[str, Callable[[Layer], bool]]:
    """The checks of the lecture's table, from the kindest to the most demanding."""
    return {
        "the output has deviation 1": unit_deviation,
        "gradient check (N, D), dy = 1": gradient_check(6, 3, ones=True),
        "gradient check (N, D), dy random": gradient_check(6, 3),
        "values of torch, (N, D), three digits": against_torch(200, 3, rtol=1e-3),
        "values of torch, (N, C, H, W), 1e-7": against_torch(5, 3, 4, 2, rtol=1e-7),
        "running statistics": running_statistics,
        "evaluation mode": evaluation,
    }
