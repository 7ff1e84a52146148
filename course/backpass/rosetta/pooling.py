"""Lecture 3: what pooling does when nobody says how, in three places."""

from __future__ import annotations

from collections.abc import Callable

from ..tables import Documented, Table, computed

KERAS = "Keras, MaxPooling2D and AveragePooling2D: strides=None means pool_size, padding valid; keras.io/api/layers"
ONNX = "ONNX operators MaxPool and AveragePool: strides 1 along each axis by default; onnx.ai/onnx/operators"
ONNX_AVERAGE = "ONNX AveragePool: count_include_pad 0 by default; onnx.ai/onnx/operators"
ONNX_CEIL = "ONNX MaxPool: ceil_mode 0 by default; onnx.ai/onnx/operators"
ONNX_LP = "ONNX LpPool: p = 2 by default, the root of the sum of powers; onnx.ai/onnx/operators"
TORCH = "PyTorch, torch.nn.functional; pytorch.org/docs"


def pooling_conventions() -> Table:
    """Lecture 3: strides, padding, short windows, ties and kinks, asked from torch and documented elsewhere."""
    return Table(
        ("", "PyTorch", "Keras", "ONNX", "this course"),
        (
            (
                "8 entries, window 2, no stride given: outputs",
                _torch(lambda t, f: f.max_pool1d(t.zeros(1, 1, 8), 2).shape[-1], "4"),
                Documented("4", KERAS),
                Documented("7", ONNX),
                "4",
            ),
            (
                "6 entries, window 3, stride 2, by default: outputs",
                _torch(lambda t, f: f.max_pool1d(t.zeros(1, 1, 6), 3, 2).shape[-1], "2"),
                Documented("2", KERAS),
                Documented("2", ONNX_CEIL),
                "2",
            ),
            (
                "the same with ceil mode",
                _torch(lambda t, f: f.max_pool1d(t.zeros(1, 1, 6), 3, 2, ceil_mode=True).shape[-1], "3"),
                "–",
                Documented("3", ONNX_CEIL),
                "3",
            ),
            (
                "max of −1 −2 −3, window 3, padding 1: first output",
                _torch(lambda t, f: f.max_pool1d(t.tensor([[[-1.0, -2, -3]]]), 3, 1, 1)[0, 0, 0], "-1"),
                "–",
                "–",
                "−1: padding is −inf",
            ),
            (
                "average of 6 6 6, window 3, padding 1: first output",
                _torch(lambda t, f: f.avg_pool1d(t.tensor([[[6.0, 6, 6]]]), 3, 1, 1)[0, 0, 0], "4"),
                "–",
                Documented("6: padding is not counted", ONNX_AVERAGE),
                "4: padding counts",
            ),
            (
                "L2 pooling of 3 4",
                _torch(lambda t, f: f.lp_pool1d(t.tensor([[[3.0, 4]]]), 2.0, 2)[0, 0, 0], "5"),
                "–",
                Documented("5", ONNX_LP),
                "5: root of the sum",
            ),
            (
                "gradient of max(2, 2)",
                _torch(_tie, "1, 0"),
                "–",
                "–",
                "1, 0: the first",
            ),
            ("slope of ReLU at 0", _torch(_kink, "0"), "–", "–", "0"),
        ),
        caption="What is done when nobody says how. Rows that differ are worth a test.",
    )


def _torch(ask: Callable, known: str):
    def compute() -> str:
        import torch

        answer = ask(torch, torch.nn.functional)
        return answer if isinstance(answer, str) else f"{float(answer):g}".replace("-", "−")

    return computed(compute, Documented(known, TORCH))


def _tie(torch, functional) -> str:
    x = torch.full((1, 1, 2), 2.0, requires_grad=True)
    functional.max_pool1d(x, 2).sum().backward()
    return ", ".join(f"{float(g):g}" for g in x.grad.flatten())


def _kink(torch, functional) -> str:
    x = torch.zeros(1, requires_grad=True)
    functional.relu(x).sum().backward()
    return f"{float(x.grad):g}"
