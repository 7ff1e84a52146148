"""The one table: unit -> exercises, whether it needs torch, and the limits of a run."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Limits:
    """What one submission may use. Seconds of processor time; wall-clock limits stand behind them."""

    call_seconds: float = 10.0
    cell_seconds: float = 30.0
    submission_seconds: float = 180.0
    # A busy machine is slow, not wrong: wall-clock limits are this many times the processor limits.
    wall_factor: float = 4.0
    # Code that sleeps uses no processor time; this bounds its wall-clock time.
    idle_seconds: float = 15.0
    memory_bytes: int = 1 << 30
    processes: int = 32
    file_bytes: int = 16 << 20
    scratch_bytes: int = 64 << 20
    scratch_files: int = 50_000  # their number costs the host's memory, too
    open_files: int = 64
    reply_bytes: int = 64 << 20
    printed_characters: int = 10_000
    call_backs: int = 100_000
    notebook_bytes: int = 32 << 20


@dataclass(frozen=True)
class Exercise:
    """A row of the syllabus: one nbgrader test cell whose grade_id is `name`."""

    name: str
    functions: tuple[str, ...]
    difficulty: int
    minutes: int
    bonus: bool = False


@dataclass(frozen=True)
class Unit:
    name: str
    number: int
    title: str
    exercises: tuple[Exercise, ...]
    needs_torch: bool = False
    limits: Limits = field(default_factory=Limits)

    def exercise(self, name: str) -> Exercise:
        for exercise in self.exercises:
            if exercise.name == name:
                return exercise
        raise KeyError(f"unit {self.name} has no exercise {name!r}")

    def exercise_of(self, function: str) -> Exercise:
        for exercise in self.exercises:
            if function in exercise.functions:
                return exercise
        raise KeyError(f"unit {self.name} has no function {function!r}")

    @property
    def functions(self) -> tuple[str, ...]:
        return tuple(f for exercise in self.exercises for f in exercise.functions)


class UnknownUnit(LookupError):
    """Raised for a unit name that does not exist; its text suggests the nearest ones."""


def pair(name: str) -> tuple[str, str]:
    """The two functions of a layer."""
    return f"{name}_forward", f"{name}_backward"


def one(name: str, difficulty: int, minutes: int, *, bonus: bool = False) -> Exercise:
    """An exercise that is one function of the same name."""
    return Exercise(name, (name,), difficulty, minutes, bonus)


def layer(name: str, difficulty: int, minutes: int, *, bonus: bool = False) -> Exercise:
    """An exercise that is a forward and a backward pass."""
    return Exercise(name, pair(name), difficulty, minutes, bonus)


_TABLE = (
    Unit(
        "convolution",
        1,
        "Convolution as a linear operator",
        (
            one("convolve1d", 1, 20),
            one("cross_correlate2d", 1, 15),
            one("convolve2d", 2, 15),
            one("pad2d", 2, 25),
            one("conv_matrix", 2, 25),
            one("cross_correlate2d_backward", 3, 30),
            one("parameter_count", 1, 10),
            one("equivariance_error", 1, 10),
            one("numerical_gradient", 2, 20),
            one("rot90_symmetrize", 1, 10, bonus=True),
        ),
    ),
    Unit(
        "conv_layer",
        2,
        "The convolution layer, forward and backward",
        (
            one("conv_output_size", 1, 15),
            one("conv2d_naive", 1, 25),
            one("im2col", 2, 30),
            one("col2im", 2, 25),
            layer("conv2d", 3, 60),
            layer("conv_transpose2d", 3, 45, bonus=True),
            one("receptive_field", 1, 15),
        ),
    ),
    Unit(
        "pooling",
        3,
        "The detector stage and pooling",
        (
            Exercise("activations", (*pair("relu"), *pair("sigmoid"), *pair("tanh"), "softmax"), 1, 30),
            layer("max_pool2d", 3, 45),
            layer("avg_pool2d", 2, 30),
            layer("lp_pool2d", 2, 30, bonus=True),
            layer("gaussian_pool2d", 2, 30, bonus=True),
            layer("global_avg_pool2d", 1, 10),
            layer("conv_relu_pool", 2, 20),
            one("shift_consistency", 1, 20, bonus=True),
        ),
    ),
    Unit(
        "training",
        4,
        "Data scale, losses, update rules",
        (
            Exercise("feature_scaling", ("min_max_scale", "standardize", "zca_whiten"), 2, 30),
            layer("linear", 1, 15),
            one("cross_entropy", 2, 25),
            Exercise(
                "regression_losses",
                (
                    "mean_squared_error",
                    "mean_absolute_error",
                    "mean_absolute_percentage_error",
                    "mean_squared_logarithmic_error",
                    "log_cosh",
                    "cosine_similarity_loss",
                ),
                2,
                45,
                bonus=True,
            ),
            Exercise(
                "classification_losses",
                (
                    "hinge",
                    "squared_hinge",
                    "categorical_hinge",
                    "binary_cross_entropy",
                    "categorical_cross_entropy",
                    "kl_divergence",
                    "poisson",
                ),
                2,
                45,
                bonus=True,
            ),
            Exercise("initializers", ("glorot_uniform", "he_normal"), 1, 20),
            one("sgd", 2, 25),
            one("adam", 2, 30),
            Exercise("more_optimizers", ("adagrad", "rmsprop", "adadelta", "adamax", "nadam"), 3, 60, bonus=True),
            one("step_decay", 1, 5),
            Exercise(
                "penalties_and_constraints",
                ("l1_penalty", "l2_penalty", "max_norm", "non_neg", "unit_norm"),
                2,
                30,
                bonus=True,
            ),
        ),
    ),
    Unit(
        "batch_norm",
        5,
        "Batch normalization, the layer",
        (
            layer("batch_norm", 3, 60),
            Exercise("batch_norm_graph", ("batch_norm_backward_graph",), 3, 40, bonus=True),
            layer("batch_norm2d", 2, 25),
            one("identity_affine", 1, 5),
            one("fold_batch_norm", 2, 20),
            one("combine_statistics", 2, 20),
            layer("conv_bn_relu", 2, 25),
        ),
    ),
    Unit(
        "why_batch_norm",
        6,
        "Why does batch normalization work?",
        (
            layer("noisy_batch_norm", 3, 40),
            one("covariate_shift", 1, 15),
            one("gradient_predictiveness", 2, 20, bonus=True),
            one("scale_invariance", 1, 15),
            one("effective_learning_rate", 1, 5, bonus=True),
            one("statistics_noise", 2, 20),
        ),
    ),
    Unit(
        "normalization",
        7,
        "Beyond the batch",
        (
            Exercise("normalize", ("normalize", "normalize_backward"), 3, 40),
            layer("layer_norm", 2, 20),
            layer("instance_norm", 2, 20),
            layer("group_norm", 2, 30),
            layer("rms_norm", 2, 20),
            layer("sync_batch_norm", 3, 40, bonus=True),
            layer("weight_norm", 2, 25),
            layer("weight_standardization", 2, 25, bonus=True),
            layer("spectral_norm", 3, 40, bonus=True),
            one("conv_operator_norm", 2, 20, bonus=True),
            layer("adaptive_instance_norm", 3, 30, bonus=True),
            layer("spade", 3, 45, bonus=True),
            one("local_response_norm", 2, 20, bonus=True),
        ),
    ),
    Unit(
        "dropout",
        8,
        "Dropout and its alternatives",
        (
            layer("dropout", 2, 30),
            layer("spatial_dropout2d", 1, 15),
            layer("gaussian_dropout", 1, 15, bonus=True),
            layer("drop_path", 1, 15, bonus=True),
            layer("drop_block2d", 3, 40, bonus=True),
            one("ensemble_predict", 3, 40),
            one("weight_scaling_predict", 1, 10),
            one("mc_dropout", 2, 20),
            one("dropout_ridge", 2, 20, bonus=True),
        ),
    ),
    Unit(
        "architectures",
        9,
        "Networks, data, and the audit",
        (
            layer("inception", 3, 60),
            layer("residual_block", 2, 30),
            Exercise("augmentation", ("horizontal_flip", "affine_sample"), 3, 40, bonus=True),
            Exercise("looking_inside", ("class_activation_map", "occlusion_map", "linear_cka"), 2, 40, bonus=True),
            one("linear_probe", 2, 25, bonus=True),
            Exercise("audit", ("effect_interval",), 2, 25),
            Exercise("in_pytorch", ("BatchNormFunction", "ConvBNReLU"), 3, 40),
        ),
        needs_torch=True,
        limits=replace(Limits(), memory_bytes=4 << 30),
    ),
)

UNITS: dict[str, Unit] = {unit.name: unit for unit in _TABLE}

# Paths through the course: exercises named here replace the whole unit.
PATHS: dict[str, dict[str, tuple[str, ...] | None]] = {
    "3 weeks": {
        "convolution": None,
        "conv_layer": ("conv_output_size", "conv2d_naive", "conv2d", "conv_transpose2d", "receptive_field"),
        "batch_norm": None,
        "normalization": ("normalize", "layer_norm", "group_norm"),
        "dropout": None,
        "architectures": ("residual_block",),
    },
    "6 weeks": {
        "convolution": None,
        "conv_layer": None,
        "pooling": None,
        "training": None,
        "batch_norm": None,
        "normalization": None,
        "dropout": None,
        "architectures": ("audit",),
    },
    "all": dict.fromkeys(UNITS),
}


def unit(name: str) -> Unit:
    """The unit of that name, or UnknownUnit with the nearest names."""
    if name in UNITS:
        return UNITS[name]
    near = difflib.get_close_matches(name, UNITS, n=3, cutoff=0.4)
    hint = f"Did you mean {' or '.join(near)}?" if near else f"The units are {', '.join(UNITS)}."
    raise UnknownUnit(f"There is no unit called {name!r}. {hint}")


# Beside every *_forward: functions whose second value is the student's own business.
_KEEPING = {"normalize", "sgd", "adam", "adagrad", "rmsprop", "adadelta", "adamax", "nadam"}


def returns_cache(function: str) -> bool:
    """Whether the second value that `function` returns (a cache, an optimizer's state) stays inside the sandbox."""
    return function.endswith("_forward") or function in _KEEPING
