"""Asks torch classes with plain arrays: a module or a tensor cannot be recorded, or cross into a grader.

A check calls `BatchNormFunction` and `ConvBNReLU` like functions; `adapted` makes such a function of a student's (or
anyone's) class. It makes the tensors, runs forward and backward, and returns arrays. torch is imported at the call.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np


def adapted(name: str, value: Any) -> Any:
    """`value` itself, or, for a class of one of the names below, a function of arrays that asks it."""
    if not isinstance(value, type) or name not in _ADAPTERS:
        return value
    adapter = _ADAPTERS[name]

    def ask(*args: Any, **kwargs: Any) -> Any:
        return adapter(value, *args, **kwargs)

    signature = inspect.signature(adapter)
    ask.__signature__ = signature.replace(parameters=list(signature.parameters.values())[1:])
    ask.__name__, ask.__doc__ = name, adapter.__doc__
    ask.__globals_of__ = inspect.getmodule(value)
    return ask


def batch_norm_function(
    cls: type,
    x: np.ndarray,
    gamma: np.ndarray,
    beta: np.ndarray,
    eps: float,
    dy: np.ndarray,
    between: np.ndarray | None = None,
) -> tuple:
    """y = cls.apply(x, gamma, beta, eps), then y.backward(dy).

    Parameters
    ----------
    cls : a subclass of torch.autograd.Function
    x, dy : (N, D) arrays
    gamma, beta : (D,) arrays
    eps : float
    between : array, optional
        Another input, which goes forward before x's backward.

    Returns
    -------
    y : (N, D) array
    dx : (N, D) array
    dgamma, dbeta : (D,) arrays
    """
    import torch

    leaves = [_tensor(torch, array).requires_grad_() for array in (x, gamma, beta)]
    y = cls.apply(*leaves, eps)
    if between is not None:
        cls.apply(_tensor(torch, between), *leaves[1:], eps)
    _go_back(y, _tensor(torch, dy))
    return (_array(y), *(_array(leaf.grad) for leaf in leaves))


def conv_bn_relu(
    cls: type,
    in_channels: int,
    out_channels: int,
    kernel_size: int,
    padding: int,
    state: Sequence[np.ndarray],
    x: np.ndarray,
    dy: np.ndarray,
    training: bool = True,
    before: Sequence[np.ndarray] = (),
    reload: bool = False,
) -> tuple:
    """cls(in_channels, out_channels, kernel_size, padding), loaded with `state`; y = module(x); y.backward(dy).

    Parameters
    ----------
    cls : a subclass of torch.nn.Module
    in_channels, out_channels, kernel_size, padding : int
    state : list of one to five arrays
        The convolution's weight, gamma, beta, running mean, running variance; the rest stays as the module has it.
    x : (N, in_channels, H, W) array; for float64 the module is made so by module.double()
    dy : array of y's shape
    training : bool, whether module.train() or module.eval() was called before x
    before : list of arrays that go forward in training mode first
    reload : bool, whether x goes through a new module that has loaded the first one's state_dict

    Returns
    -------
    shapes : list of the shapes of the parameters, the kernel first
    y, dx, dweight, dgamma, dbeta, running_mean, running_var : arrays
    """
    import torch

    def build() -> torch.nn.Module:
        module = cls(in_channels, out_channels, kernel_size, padding)
        return module.double() if x.dtype == np.float64 else module

    module = build()
    parameters = sorted(module.parameters(), key=lambda parameter: -parameter.ndim)
    shapes = [list(parameter.shape) for parameter in parameters]
    if shapes != [[out_channels, in_channels, kernel_size, kernel_size], [out_channels], [out_channels]]:
        return (shapes, *[None] * 7)  # there is no way to say which is which
    with torch.no_grad():
        for place, array in zip([*parameters, *_statistics(module)], state, strict=False):
            place.copy_(_tensor(torch, array))
    module.train()
    for batch in before:
        module(_tensor(torch, batch))
    if reload:
        old, module = module, build()
        module.load_state_dict(old.state_dict())
        parameters = sorted(module.parameters(), key=lambda parameter: -parameter.ndim)
    module.train(training)
    leaf = _tensor(torch, x).requires_grad_()
    y = module(leaf)
    _go_back(y, _tensor(torch, dy))
    gradients = [_array(tensor.grad) for tensor in (leaf, *parameters)]
    statistics = [_array(buffer) for buffer in _statistics(module)]
    return (shapes, _array(y), *gradients, *[*statistics, None, None][:2])


def _go_back(y: Any, dy: Any) -> None:
    """y.backward(dy), as the gradient of a sum: given a gradient, torch would first import sympy, which takes 0.6 s.

    Where y has another shape there is no gradient: what is said is that shape.
    """
    if getattr(y, "shape", dy.shape) == dy.shape:
        (y * dy).sum().backward()


def _statistics(module: Any) -> list:
    """The running mean and variance among the buffers; a counter of batches is the module's own business."""
    return [buffer for buffer in module.buffers() if buffer.ndim == 1]


def _tensor(torch: Any, array: np.ndarray) -> Any:
    """A tensor on the array's memory: what is changed in it is seen to have changed."""
    return torch.from_numpy(np.ascontiguousarray(array))


def _array(tensor: Any) -> np.ndarray | None:
    return None if tensor is None else tensor.detach().numpy().copy()


_ADAPTERS: dict[str, Callable] = {"BatchNormFunction": batch_norm_function, "ConvBNReLU": conv_bn_relu}
