"""The reference's convolution layer beside torch's: processor seconds of forward and backward, on one thread.

    python -m benchmarks.conv2d [--repeats 7] [--threads 1]

Both sides get the same arrays, compute y, dx, dweight and dbias, and are timed alternately; the least of the
repeats counts. The last columns are the ratio, and what the reference spends its time on.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable

# (N, C_in, H, W), (C_out, KH, KW), padding, groups. The first row has a promise: at most 3 times torch.
SIZES = [
    ((32, 16, 32, 32), (32, 3, 3), 1, 1),
    ((32, 1, 8, 8), (8, 3, 3), 1, 1),
    ((8, 64, 16, 16), (64, 3, 3), 1, 1),
    ((16, 16, 32, 32), (16, 5, 5), 2, 1),
    ((32, 64, 16, 16), (64, 1, 1), 0, 1),
    ((32, 32, 16, 16), (32, 3, 3), 1, 32),
]

WHAT_BOUNDS_IT = """
What bounds ours: the matrix products take about as long as torch takes for everything. On top of that, the columns,
KH * KW times as large as x, are written once (copying) and added back once; torch in float32 convolves without them,
so the ratio grows with the kernel. In float64 torch takes the same road as we do. With one channel per group (the last
size) the products are too thin to fill a core, and for tiny images the calls themselves count."""


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
        f"{'x':>16} {'filters':>12} {'groups':>6} {'dtype':>8} {'torch ms':>9} {'ours ms':>8} {'ratio':>6}"
        f"   {'copying':>8} {'adding back':>12} {'products':>9}"
    )
    for (n, c_in, h, w), (c_out, kh, kw), padding, groups in SIZES:
        for dtype in (np.float32, np.float64):
            x = rng.standard_normal((n, c_in, h, w)).astype(dtype)
            weight = rng.standard_normal((c_out, c_in // groups, kh, kw)).astype(dtype)
            bias = rng.standard_normal(c_out).astype(dtype)
            y, _ = conv_layer.conv2d_forward(x, weight, bias, padding=padding, groups=groups)
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
            rest = own - gathering - scattering
            shape = f"{n}x{c_in}x{h}x{w}"
            print(
                f"{shape:>16} {f'{c_out} of {kh}x{kw}':>12} {groups:>6} {np.dtype(dtype).name:>8} "
                f"{peer * 1e3:>9.1f} {own * 1e3:>8.1f} {own / peer:>6.2f}   "
                f"{gathering / own:>8.0%} {scattering / own:>12.0%} {rest / own:>9.0%}"
            )
    print(WHAT_BOUNDS_IT)


if __name__ == "__main__":
    main()
