"""Lecture 4: a dense layer's arguments, update rules, and names that are gone, in PyTorch and in Keras."""

from __future__ import annotations

import inspect

from ..tables import Documented, Table, computed

DENSE = "Keras 3, layer Dense and its initializers; keras.io/api/layers/core_layers/dense"
REGULARIZERS = "Keras 3, regularizers: L2 adds l2 * sum(square(x)); keras.io/api/layers/regularizers"
CONSTRAINTS = "Keras 3, constraints: MaxNorm and UnitNorm, axis=0; keras.io/api/layers/constraints"
OPTIMIZERS = "Keras 3, source of the optimizers Adagrad, Adam and RMSprop; keras.io/api/optimizers"
RELEASE = "Keras 3: sources of constraints, losses, optimizers and utils; github.com/keras-team/keras"
THEANO = "Announcement of September 2017: development ends with release 1.0; theano-users mailing list"
TORCH = "PyTorch, nn.Linear and torch.optim; pytorch.org/docs"


def _says(compute, text: str):
    return computed(compute, Documented(text, TORCH))


def _default(kind: str, name: str):
    def ask():
        import torch

        return inspect.signature(getattr(torch.optim, kind)).parameters[name].default

    return ask


def _weight_shape() -> str:
    import torch

    return str(tuple(torch.nn.Linear(3, 5).weight.shape))


def _initial() -> str:
    """The largest of many first weights, in units of 1/√fan_in."""
    import torch

    torch.manual_seed(0)
    reach = torch.nn.Linear(400, 400).weight.abs().max().item() * 400**0.5
    return f"uniform, up to {reach:.2f}/√fan_in"


def _initial_bias() -> str:
    import torch

    torch.manual_seed(0)
    bias = torch.nn.Linear(4, 1000).bias.abs()
    return "zeros" if bias.max() == 0 else f"uniform, up to {bias.max().item() * 2:.2f}/√fan_in"


def _decay() -> str:
    """What a weight of 1 with no gradient of its own feels under weight_decay=0.1."""
    import torch

    weight = torch.ones(1, requires_grad=True)
    weight.grad = torch.zeros(1)
    torch.optim.SGD([weight], lr=1.0, weight_decay=0.1).step()
    return f"weight_decay=λ adds {round((1 - weight.item()) / 0.1)}·λ·w to the gradient"


def _place(kind: str, square: float, **options):
    """Whether ε = 1 stands inside or outside the root, from one step at gradient 1.

    square: what has been accumulated of the gradient's square, so that the root is its square root.
    """

    def ask() -> str:
        import torch

        weight = torch.zeros(1, dtype=torch.float64, requires_grad=True)
        weight.grad = torch.ones(1, dtype=torch.float64)
        getattr(torch.optim, kind)([weight], lr=1.0, eps=1.0, **options).step()
        outside, inside = 1 / (square**0.5 + 1), 1 / (square + 1) ** 0.5
        step = -weight.item()
        return "outside" if abs(step - outside) < abs(step - inside) else "inside"

    return ask


def dense_arguments() -> Table:
    """The arguments of Keras's Dense beside PyTorch's Linear."""
    return Table(
        ("what", "PyTorch", "Keras 3"),
        (
            ("the layer, 3 inputs and 5 outputs", "nn.Linear(3, 5)", Documented("Dense(5)", DENSE)),
            ("shape of its weight", _says(_weight_shape, "(5, 3)"), Documented("(3, 5)", DENSE)),
            ("activation", "a layer of its own", Documented('activation="relu"', DENSE)),
            ("without a bias", "bias=False", Documented("use_bias=False", DENSE)),
            ("first weights", _says(_initial, "uniform, ±1/√fan_in"),
             Documented("glorot_uniform: up to √(6/(fan_in + fan_out))", DENSE)),
            ("first biases", _says(_initial_bias, "uniform, ±1/√fan_in"), Documented("zeros", DENSE)),
            ("squared penalty", _says(_decay, "weight_decay=λ adds λ·w to the gradient"),
             Documented("kernel_regularizer=L2(λ): λ·Σw², so 2·λ·w", REGULARIZERS)),
            ("constraint", "by hand, after the step",
             Documented("kernel_constraint=MaxNorm(2, axis=0)", CONSTRAINTS)),
            ("axis of one unit's incoming weights", "1 of (5, 3)", Documented("0 of (3, 5), the default", CONSTRAINTS)),
        ),
        caption="One dense layer in two languages. The same number for a penalty is half as strong in one of them.",
    )  # fmt: skip


def rules_and_epsilon() -> Table:
    """Where ε stands, and what the defaults are."""
    return Table(
        ("what", "PyTorch", "Keras 3"),
        (
            ("name of the rate", "lr", Documented("learning_rate; lr raises", OPTIMIZERS)),
            ("rate of SGD", _says(_default("SGD", "lr"), "0.001"), Documented("0.01", OPTIMIZERS)),
            ("ε of Adagrad, its place", _says(_place("Adagrad", 1.0), "outside"), Documented("inside", OPTIMIZERS)),
            ("ε of Adagrad, its default", _says(_default("Adagrad", "eps"), "1e-10"), Documented("1e-07", OPTIMIZERS)),
            ("sum of squares of Adagrad at first", _says(_default("Adagrad", "initial_accumulator_value"), "0"),
             Documented("0.1", OPTIMIZERS)),
            ("ε of RMSprop, its place", _says(_place("RMSprop", 0.01), "outside"), Documented("inside", OPTIMIZERS)),
            ("ε of Adam, its place", _says(_place("Adam", 1.0), "outside"), Documented("outside", OPTIMIZERS)),
            ("ε of Adam, its default", _says(_default("Adam", "eps"), "1e-08"), Documented("1e-07", OPTIMIZERS)),
            ("rate that falls with time", "lr_decay of Adagrad, or a scheduler",
             Documented("a schedule object; decay= is ignored with a warning", OPTIMIZERS)),
        ),
        caption="Inside the root: g/√(s + ε). Outside: g/(√s + ε). PyTorch's answers are found from one step.",
    )  # fmt: skip


def gone() -> Table:
    """Names on slides of Keras's early years, and what stands for them now."""
    rows = (
        ("from keras.constraints import maxnorm", "does not exist any more",
         "keras.constraints.MaxNorm"),
        ("np_utils.to_categorical", "module is gone", "keras.utils.to_categorical"),
        ("keras.layers.core, keras.layers.normalization", "modules are gone", "keras.layers"),
        ("SGD(lr=0.1)", "raises", "SGD(learning_rate=0.1)"),
        ("Adagrad(decay=1e-4)", "ignored with a warning", "a schedule from keras.optimizers.schedules"),
        ("TFOptimizer", "a wrapper of TensorFlow 1, gone", "–"),
        ('loss="logcosh"', "name no longer resolves", 'loss="log_cosh"'),
        ('loss="kullback_leibler_divergence"', "name no longer resolves", 'loss="kl_divergence"'),
        ('loss="cosine_proximity"', "name no longer resolves", 'loss="cosine_similarity"'),
    )  # fmt: skip
    made = [(then, Documented(state, RELEASE), Documented(now, RELEASE)) for then, state, now in rows]
    made.append(("import theano", Documented("no longer developed", THEANO), "a backend: JAX, PyTorch, TensorFlow"))
    return Table(("on the slide", "today", "in its place"), made, caption="Code of 2017 that one still finds.")
