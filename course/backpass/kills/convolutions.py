"""Wrong convolution layers, each wrong in one way, made of torch's own calls; and checks that may notice them.

Importing this does not need torch; calling it does.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

from ..figures.planes import EXAMPLE_IMAGE, SYMMETRIC


@dataclass(frozen=True)
class Layer:
    """forward(x, weight, bias, stride, padding) -> y; backward(dy, x, weight, bias, stride, padding) -> gradients."""

    forward: Callable
    backward: Callable


@dataclass(frozen=True)
class Trial:
    """The inputs of a check: how many samples and channels, which sizes, and which upstream gradient."""

    samples: int = 1
    inputs: int = 1
    outputs: int = 1
    image: tuple[int, int] = (5, 5)
    kernel: tuple[int, int] = (3, 3)
    stride: int = 1
    padding: int = 0
    upstream: str = "random"

    @property
    def steps(self) -> dict[str, int]:
        return {"stride": self.stride, "padding": self.padding}

    def draw(self) -> tuple:
        """x, weight, bias and dy in float64, always the same for the same trial."""
        import torch

        generator = torch.Generator().manual_seed(0)

        def normal(*shape):
            return torch.randn(shape, generator=generator, dtype=torch.float64)

        x, weight = normal(self.samples, self.inputs, *self.image), normal(self.outputs, self.inputs, *self.kernel)
        bias = normal(self.outputs)
        y = torch.nn.functional.conv2d(x, weight, bias, **self.steps)
        return x, weight, bias, torch.ones_like(y) if self.upstream == "ones" else normal(*y.shape)


# Kind inputs, on which much looks alike, and unkind ones, on which nothing does.
SQUARE = Trial(samples=2, inputs=2, outputs=2)
UNKIND = Trial(samples=3, inputs=2, outputs=4, image=(7, 5), kernel=(3, 2), stride=2, padding=1)


def derived(forward: Callable) -> Callable:
    """The exact backward pass of a forward pass, right or wrong, by torch's differentiation."""
    import torch

    def backward(dy, x, weight, bias, **steps):
        inputs = [value.detach().clone().requires_grad_() for value in (x, weight, bias)]
        found = torch.autograd.grad(forward(*inputs, **steps), inputs, dy, allow_unused=True)
        return tuple(torch.zeros_like(v) if g is None else g for v, g in zip(inputs, found, strict=True))

    return backward


def right_layer() -> Layer:
    """torch's convolution and its gradients."""
    import torch

    return Layer(torch.nn.functional.conv2d, derived(torch.nn.functional.conv2d))


def wrong_forwards() -> dict[str, Layer]:
    """Layers whose forward pass is wrong, and whose backward pass is its exact derivative."""
    from torch.nn import functional

    conv = functional.conv2d

    def stride_ignored(x, w, b, *, stride, padding):
        rows, columns = conv(x, w, b, stride, padding).shape[2:]
        return conv(x, w, b, 1, padding)[:, :, :rows, :columns]

    def padded(pads, mode):
        def forward(x, w, b, *, stride, padding):
            return conv(functional.pad(x, [padding * pad for pad in pads], mode), w, b, stride)

        return forward

    forwards = {
        "kernel flipped": lambda x, w, b, **o: conv(x, w.flip(2, 3), b, **o),
        "kernel's axes exchanged": lambda x, w, b, **o: conv(x, w.transpose(2, 3), b, **o),
        "in and out exchanged": lambda x, w, b, **o: conv(x, w.transpose(0, 1), b, **o),
        "first channel only": lambda x, w, b, **o: conv(x[:, :1], w[:, :1], b, **o),
        "bias missing": lambda x, w, b, **o: conv(x, w, None, **o),
        "stride ignored": stride_ignored,
        "padding on one side": padded((2, 0, 2, 0), "constant"),
        "padded with the edge": padded((1, 1, 1, 1), "replicate"),
    }
    return {name: Layer(forward, derived(forward)) for name, forward in forwards.items()}


def wrong_backwards() -> dict[str, Layer]:
    """Layers whose forward pass is right, and one of whose gradients is not."""
    import torch

    conv, gradients = torch.nn.functional.conv2d, right_layer().backward

    def kernel_not_turned(dy, x, w, b, **o):
        return gradients(dy, x, w.flip(2, 3), b, **o)[0], *gradients(dy, x, w, b, **o)[1:]

    def stride_ignored(dy, x, w, b, *, stride, padding):
        spread = torch.zeros_like(conv(x, w, b, 1, padding))
        spread[:, :, : dy.shape[2], : dy.shape[3]] = dy
        right = gradients(dy, x, w, b, stride=stride, padding=padding)
        return gradients(spread, x, w, b, stride=1, padding=padding)[0], *right[1:]

    def overwritten(dy, x, w, b, *, stride, padding):
        found = torch.nn.functional.pad(torch.zeros_like(x), [padding] * 4)
        for row in range(dy.shape[2]):
            for column in range(dy.shape[3]):
                one = torch.zeros_like(dy)
                one[:, :, row, column] = dy[:, :, row, column]
                share = gradients(one, torch.zeros_like(found), w, b, stride=stride, padding=0)[0]
                window = (
                    ...,
                    *(slice(p * stride, p * stride + k) for p, k in zip((row, column), w.shape[2:], strict=True)),
                )
                found[window] = share[window]
        rows, columns = x.shape[2:]
        found = found[:, :, padding : padding + rows, padding : padding + columns]
        return found, *gradients(dy, x, w, b, stride=stride, padding=padding)[1:]

    def empty_crop(dy, x, w, b, *, stride, padding):
        wide = torch.nn.functional.pad(x, [padding] * 4)
        right = gradients(dy, x, w, b, stride=stride, padding=padding)
        crop = slice(padding, -padding)
        return gradients(dy, wide, w, b, stride=stride, padding=0)[0][:, :, crop, crop], *right[1:]

    def last_sample(dy, x, w, b, **o):
        dx, _, db = gradients(dy, x, w, b, **o)
        return dx, gradients(dy[-1:], x[-1:], w, b, **o)[1], db

    def divided(position):
        def backward(dy, x, w, b, **o):
            found = list(gradients(dy, x, w, b, **o))
            found[position] = found[position] / len(x)
            return tuple(found)

        return backward

    backwards = {
        "dx: kernel not turned": kernel_not_turned,
        "dx: stride ignored": stride_ignored,
        "dx: overlaps overwritten": overwritten,
        "dx: crop p:−p at p = 0": empty_crop,
        "dw: last sample only": last_sample,
        "dw: divided by N": divided(1),
        "db: divided by N": divided(2),
    }
    return {name: Layer(conv, backward) for name, backward in backwards.items()}


def wrong_layers() -> dict[str, Layer]:
    """All wrong layers: first those with a wrong forward pass, then those with a wrong backward pass."""
    return wrong_forwards() | wrong_backwards()


def nine_frames(layer: Layer) -> bool:
    """The example of a 5x5 image and a 3x3 kernel that many slides show."""
    import torch

    x, w = (torch.as_tensor(v)[None, None] for v in (EXAMPLE_IMAGE, SYMMETRIC))
    wanted = torch.tensor([[4, 3, 4], [2, 4, 3], [2, 3, 4.0]], dtype=torch.float64)
    y = layer.forward(x, w, torch.zeros(1, dtype=torch.float64), stride=1, padding=0)
    return _close([y], [wanted[None, None]])


def shapes(trial: Trial) -> Callable[[Layer], bool]:
    """Everything has the shape that it should have."""

    def check(layer: Layer) -> bool:
        x, w, b, dy = trial.draw()
        found = [layer.forward(x, w, b, **trial.steps), *layer.backward(dy, x, w, b, **trial.steps)]
        return [v.shape for v in found] == [v.shape for v in (dy, x, w, b)]

    return check


def gradient_check(trial: Trial, step: float = 1e-6) -> Callable[[Layer], bool]:
    """The layer's gradients against central differences of the layer's own forward pass."""

    def check(layer: Layer) -> bool:
        *inputs, dy = trial.draw()
        return _close(layer.backward(dy, *inputs, **trial.steps), _differences(layer.forward, trial, step), 1e-6)

    return check


@functools.lru_cache(maxsize=32)
def _differences(forward: Callable, trial: Trial, step: float) -> list:
    """Central differences of ⟨dy, forward(...)⟩ for each input; kept, since many layers share a forward pass."""
    import torch

    *inputs, dy = trial.draw()
    differences = []
    for value in inputs:
        entries, found = value.view(-1), torch.empty(value.numel(), dtype=value.dtype)
        for index in range(value.numel()):
            saved = float(entries[index])
            entries[index] = saved + step
            ahead = forward(*inputs, **trial.steps)
            entries[index] = saved - step
            found[index] = (dy * (ahead - forward(*inputs, **trial.steps))).sum() / (2 * step)
            entries[index] = saved
        differences.append(found.view_as(value))
    return differences


def adjoint_identity(trial: Trial) -> Callable[[Layer], bool]:
    """⟨dy, L v⟩ = ⟨Lᵀ dy, v⟩ for the layer as a function of its input, of its weight and of its bias."""
    import torch

    def check(layer: Layer) -> bool:
        x, w, b, dy = trial.draw()
        zeros = [torch.zeros_like(v) for v in (x, w, b)]
        found = layer.backward(dy, x, w, b, **trial.steps)
        one_by_one = ((x, w, zeros[2]), (x, w, zeros[2]), (zeros[0], w, b))
        for gradient, moved, arguments in zip(found, (x, w, b), one_by_one, strict=True):
            if gradient.shape != moved.shape:
                return False
            left, right = (dy * layer.forward(*arguments, **trial.steps)).sum(), (gradient * moved).sum()
            if not _close([left], [right]):
                return False
        return True

    return check


def against_torch(trial: Trial, *, backward: bool = True) -> Callable[[Layer], bool]:
    """Values, and gradients unless backward=False, against torch's."""

    def check(layer: Layer) -> bool:
        x, w, b, dy = trial.draw()
        right = right_layer()
        if not _close([layer.forward(x, w, b, **trial.steps)], [right.forward(x, w, b, **trial.steps)]):
            return False
        return not backward or _close(*(one.backward(dy, x, w, b, **trial.steps) for one in (layer, right)))

    return check


def checks() -> dict[str, Callable[[Layer], bool]]:
    """The checks of the lecture's table, from the kindest to the most demanding."""
    return {
        "the nine frames": nine_frames,
        "all shapes are right": shapes(UNKIND),
        "gradient check, 1 channel, dy = 1": gradient_check(Trial(upstream="ones")),
        "gradient check, square, stride 1": gradient_check(SQUARE),
        "adjoint identities, square, stride 1": adjoint_identity(SQUARE),
        "gradient check, oblong, stride 2, padded": gradient_check(UNKIND),
        "values of torch, square, stride 1": against_torch(SQUARE),
        "values of torch, oblong, stride 2, padded": against_torch(UNKIND),
    }


def own_checks(trial: Trial) -> dict[str, Callable[[Layer], bool]]:
    """Four kinds of question, all with the same inputs."""
    return {
        "forward against torch": against_torch(trial, backward=False),
        "gradient check": gradient_check(trial),
        "adjoint identities": adjoint_identity(trial),
        "forward and backward against torch": against_torch(trial),
    }


def _close(found, wanted, rtol: float = 1e-9) -> bool:
    """Equal shapes, and equal up to rtol of the largest entry."""
    for a, e in zip(found, wanted, strict=True):
        if a.shape != e.shape or not bool((a - e).abs().max() <= rtol * max(1.0, float(e.abs().max()))):
            return False
    return True
