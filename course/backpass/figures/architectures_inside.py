"""Lecture 9, beat 6: filters, three maps of what an image tells, and how alike layers are."""

from __future__ import annotations

import numpy as np

from ..data import FASHION_CLASSES, load
from .style import AMOUNT, FAINT, IMAGE, SIGNED, bare, canvas, grid, headline, picture


@picture
def filters(before: np.ndarray, after: np.ndarray):
    """The kernels of a first layer, untrained and trained; each (C, KH, KW)."""
    figure, panels = canvas(2.7, 2, len(after))
    for line, kernels, name in zip(panels, (before, after), ("at the start", "trained"), strict=True):
        high = np.abs(kernels).max()
        for axes, kernel in zip(line, kernels, strict=True):
            axes.imshow(kernel, cmap=SIGNED, vmin=-high, vmax=high, interpolation="nearest")
            bare(axes)
            for spine in axes.spines.values():
                spine.set(visible=True, color=FAINT)
        line[0].set_ylabel(name, fontsize=9)
    rough = [float(np.mean([_roughness(k) for k in kernels])) for kernels in (before, after)]
    word = "smoother" if rough[1] < rough[0] else "no smoother"
    headline(figure, f"Trained filters are {word}: roughness {rough[0]:.2f} before, {rough[1]:.2f} after")
    alt = f"""{len(after)} kernels of {after.shape[1]} by {after.shape[2]} before and after training, blue negative and
    orange positive. Roughness (neighbours' differences over all): {rough[0]:.2f} and {rough[1]:.2f}."""
    return figure, alt


def _roughness(kernel: np.ndarray) -> float:
    """Mean squared difference of neighbours, in units of twice the variance: about 1 for noise, 0 for a plane."""
    steps = np.concatenate([np.diff(kernel, axis=0).ravel(), np.diff(kernel, axis=1).ravel()])
    return float((steps**2).mean() / (2 * kernel.var()))


@picture
def maps_of(image: np.ndarray, seen: dict, truth: int):
    """An image, and where a network's choice comes from: activation, occlusion and saliency maps.

    seen: as `backpass.experiments.architectures.views` returns it.
    """
    figure, panels = canvas(2.7, 1, 4)
    panels[0].imshow(image, cmap=IMAGE, vmin=0, vmax=1, interpolation="nearest")
    entries = (
        (panels[1], seen["activation"], "class activation"),
        (panels[2], seen["occlusion"], "occlusion"),
        (panels[3], seen["saliency"], "saliency"),
    )
    for axes, values, name in entries:
        high = np.abs(values).max() or 1.0
        axes.imshow(values, cmap=SIGNED, vmin=-high, vmax=high, interpolation="nearest")
        axes.set_title(name, fontsize=10)
    for axes in panels:
        bare(axes)
        for spine in axes.spines.values():
            spine.set(visible=True, color=FAINT)
    panels[0].set_title(FASHION_CLASSES[truth], fontsize=10)
    said = FASHION_CLASSES[seen["class"]]
    right = "rightly" if seen["class"] == truth else "wrongly"
    top, left = np.unravel_index(seen["occlusion"].argmax(), seen["occlusion"].shape)
    headline(figure, f"Read {right} as {said}, {seen['probability']:.0%} sure, and where that comes from")
    alt = f"""A picture of class {FASHION_CLASSES[truth]}, read as {said}. Beside it the class activation map, positive
    orange; the fall of the score when a square is hidden, largest at row {top}, column {left}; and the size of the
    score's gradient at each pixel."""
    return figure, alt


def example(number: int) -> tuple[np.ndarray, int]:
    """A test image of Fashion-MNIST (14, 14) and its class."""
    data = load("fashion14")
    return data.x_test[number], int(data.y_test[number])


@picture
def similarity(within: np.ndarray, across: np.ndarray, raw: np.ndarray):
    """Linear CKA between layers: in one network, between two trained ones, between an untrained and a trained one."""
    figure, panels = canvas(3.3, 1, 3)
    names = [f"layer {k + 1}" for k in range(len(within))]
    titles = ("one trained network", "two starts, both trained", "untrained against trained")
    for axes, values, title in zip(panels, (within, across, raw), titles, strict=True):
        grid(axes, values, colours=AMOUNT, low=0, high=1.3, numbers=".2f", size=11, title=title)
        axes.set_xticks(range(len(names)), names, fontsize=8.5)
        axes.set_yticks(range(len(names)), names if axes is panels[0] else [""] * len(names), fontsize=8.5)
        axes.set_xlabel("the other")
    panels[0].set_ylabel("the one")
    same, far = np.diag(across).mean(), across[0, -1]
    headline(figure, f"The same layer of two networks: {same:.2f} alike; first and last layer: {far:.2f}")
    alt = f"""Three {len(names)} by {len(names)} tables of linear CKA. Between two trained networks the diagonal is
    {", ".join(f"{v:.2f}" for v in np.diag(across))}, first against last layer {far:.2f}; between an untrained and a
    trained network the diagonal is {", ".join(f"{v:.2f}" for v in np.diag(raw))}."""
    return figure, alt
