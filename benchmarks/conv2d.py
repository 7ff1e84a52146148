"""The reference's convolution layer beside torch's: processor seconds of forward and backward, on one thread.

    python -m benchmarks.conv2d [--repeats 7] [--threads 1]

Both sides get the same arrays, compute y, dx, dweight and dbias, and are timed alternately; the least of the repeats
counts. The last columns are the ratio, and what the reference spends its time on.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable

# (N, C_in, H, W), (C_out, KH, KW), padding, groups; the first row is the one with a promise: at most 3 times torch.
SIZES = [
    ((32, 16, 32, 32), (32, 3, 3), 1, 1),
    ((32, 1, 8, 8), (8, 3, 3), 1, 1),
    ((8, 64, 16, 16), (64, 3, 3), 1, 1),
    ((16, 16, 32, 32), (16, 5, 5), 2, 1),
    ((32, 64, 16, 16), (64, 1, 1), 0, 1),
    ((32, 32, 16, 16), (32, 3, 3), 1, 32),
]


def least(calls: list[Callable[[], object]], repeats: int) -> list[float]:
    """The least processor time of each call, in seconds; the calls take turns."""
    times: list[list[float]] = [[] for _ in calls]
    for _ in range(repeats + 1):  # the first round warms up
        for taken, call in zip(times, calls, strict=True):
            start = time.process_time()
            call()
            taken.append(time.process_time() - start)
    return [min(taken[1:]) for taken in times]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    for library in ("OMP", "OPENBLAS", "MKL"):
        os.environ[f"{library}_NUM_THREADS"] = str(options.threads)
    # Only now: NumPy reads the number of threads once.
    import numpy as np
    import torch

    from solutions import conv_layer

    torch.set_num_threads(options.threads)
    rng = np.random.default_rng(0)
    print(
        f"{'x':>16} {'filters':>12} {'groups':>6} {'dtype':>8} {'torch ms':>9} {'ours ms':>8} {'ratio':>6}   of ours"
    )
    for (n, c_in, h, w), (c_out, kh, kw), padding, groups in SIZES:
        for dtype in (np.float32, np.float64):
            x = rng.standard_normal((n, c_in, h, w)).astype(dtype)
            weight = rng.standard_normal((c_out, c_in // groups, kh, kw)).astype(dtype)
            bias = rng.standard_normal(c_out).astype(dtype)
            y, cache = conv_layer.conv2d_forward(x, weight, bias, padding=padding, groups=groups)
            dy = rng.standard_normal(y.shape).astype(dtype)
            tensors = [torch.tensor(a, requires_grad=True) for a in (x, weight, bias)]
            t_dy = torch.tensor(dy)

            def theirs(tensors=tensors, t_dy=t_dy, padding=padding, groups=groups):
                y = torch.nn.functional.conv2d(*tensors, padding=padding, groups=groups)
                return torch.autograd.grad(y, tensors, t_dy)

            def ours(x=x, weight=weight, bias=bias, dy=dy, padding=padding, groups=groups):
                _, cache = conv_layer.conv2d_forward(x, weight, bias, padding=padding, groups=groups)
                return conv_layer.conv2d_backward(dy, cache)

            def gather(x=x, kernel=(kh, kw), padding=padding):
                return conv_layer.im2col(x, kernel, padding=padding)

            columns = gather()

            def scatter(columns=columns, kernel=(kh, kw), size=(h, w), padding=padding):
                return conv_layer.col2im(columns, size, kernel, padding=padding)

            for mine, their in zip(ours(), theirs(), strict=True):
                np.testing.assert_allclose(mine, their, rtol=1e-3, atol=1e-2)
            peer, own, gathering, scattering = least([theirs, ours, gather, scatter], options.repeats)
            share = f"copying {gathering / own:4.0%}, adding back {scattering / own:4.0%}, products and rest the others"
            print(
                f"{n!s:>4}x{c_in}x{h}x{w:<6} {f'{c_out} of {kh}x{kw}':>12} {groups:>6} {np.dtype(dtype).name:>8} "
                f"{peer * 1e3:>9.1f} {own * 1e3:>8.1f} {own / peer:>6.2f}   {share}"
            )
    print(
        "\nWhat bounds ours: in single precision torch computes without the k² times larger columns, which we write "
        "once and add back once,\nmemory traffic that no matrix product hides; in double precision torch takes the "
        "same road as we do.\nWith one channel per group the products are too thin for the matrix unit, and small "
        "images cost the calls themselves."
    )


if __name__ == "__main__":
    main()
