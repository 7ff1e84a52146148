"""The images that ship with the course.

>>> digits = load("digits")
>>> digits.x_train.shape, digits.x_test.shape, float(digits.x_train.max())
((1297, 8, 8), (500, 8, 8), 1.0)
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

FILES = Path(__file__).resolve().parent / "data_files"

FASHION_CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)


@dataclass(frozen=True)
class Images:
    """Images with values in [0, 1] and their integer labels, split into train and test.

    x_train: (N, H, W); y_train: (N,); x_test: (M, H, W); y_test: (M,); classes: one name per label.
    """

    x_train: np.ndarray = field(repr=False)
    y_train: np.ndarray = field(repr=False)
    x_test: np.ndarray = field(repr=False)
    y_test: np.ndarray = field(repr=False)
    classes: tuple[str, ...]
    about: str
    source: str
    licence: str


def load(name: str, dtype=np.float32) -> Images:
    """Load a data set that ships with the course: "digits" or "fashion14".

    Parameters
    ----------
    name : str
    dtype : floating-point dtype of the images; the labels are int64.

    Raises
    ------
    ValueError
        For a name that is not known; the text lists the names there are.
    """
    if name not in _READERS:
        near = difflib.get_close_matches(name, _READERS, 1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"there is no data set {name!r}, only {' and '.join(map(repr, _READERS))}{hint}")
    return _READERS[name](np.dtype(dtype))


def _read(name: str) -> dict[str, np.ndarray]:
    with np.load(FILES / f"{name}.npz", allow_pickle=False) as file:
        return dict(file)


def _digits(dtype: np.dtype) -> Images:
    file = _read("digits")
    images, labels = file["images"].astype(dtype) / dtype.type(16), file["labels"].astype(np.int64)
    # The file is ordered by writer, so the last images come from writers that training never saw.
    train = slice(0, 1297), slice(1297, None)
    return Images(
        images[train[0]],
        labels[train[0]],
        images[train[1]],
        labels[train[1]],
        classes=tuple("0123456789"),
        about="Handwritten digits, 8x8 pixels. The test images are the last 500 of the file.",
        source="Alpaydin and Kaynak 1998, https://archive.ics.uci.edu/dataset/80, as in scikit-learn",
        licence="CC BY 4.0",
    )


def _fashion14(dtype: np.dtype) -> Images:
    file = _read("fashion14")
    x_train, x_test = (file[f"{part}_images"].astype(dtype) / dtype.type(255) for part in ("train", "test"))
    y_train, y_test = (file[f"{part}_labels"].astype(np.int64) for part in ("train", "test"))
    return Images(
        x_train,
        y_train,
        x_test,
        y_test,
        classes=FASHION_CLASSES,
        about="Fashion-MNIST averaged to 14x14 pixels, 600 + 200 images of each class.",
        source="Xiao, Rasul and Vollgraf 2017, https://arxiv.org/abs/1708.07747",
        licence="MIT",
    )


_READERS = {"digits": _digits, "fashion14": _fashion14}
