"""The images of the course: small sets that ship with it, and full ones that `backpass data NAME` fetches.

>>> digits = load("digits")
>>> digits.x_train.shape, digits.x_test.shape, float(digits.x_train.max())
((1297, 8, 8), (500, 8, 8), 1.0)
"""

from __future__ import annotations

import difflib
import gzip
import tarfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from .fetch import FULL, folder, missing

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

    x_train: (N, H, W), colour images (N, 3, H, W); y_train: (N,); x_test: (M, ...); y_test: (M,);
    classes: one name per label.
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
    """Load a data set: "digits" or "fashion14", which ship with the course, or one that was fetched.

    Parameters
    ----------
    name : str
    dtype : floating-point dtype of the images; the labels are int64.

    Raises
    ------
    ValueError
        For a name that is not known; the text lists the names there are.
    FileNotFoundError
        For a full set ("mnist", "fashion-mnist", "cifar10") that was not fetched yet.
    """
    if name not in _READERS:
        near = difflib.get_close_matches(name, _READERS, 1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"there is no data set {name!r}, only {', '.join(map(repr, _READERS))}{hint}")
    if name in FULL and missing(name):
        raise FileNotFoundError(
            f"{name} is not on this computer yet. Fetch its {FULL[name].megabytes} MB in a terminal: "
            f"backpass data {name}"
        )
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


def _full(name: str, dtype: np.dtype, parts, classes: tuple[str, ...], about: str) -> Images:
    (x_train, y_train), (x_test, y_test) = parts
    images = (x.astype(dtype) / dtype.type(255) for x in (x_train, x_test))
    labels = (y.astype(np.int64) for y in (y_train, y_test))
    about_it = {"about": about, "source": FULL[name].source, "licence": FULL[name].licence}
    return Images(*(array for pair in zip(images, labels, strict=True) for array in pair), classes=classes, **about_it)


def _idx(path: Path) -> np.ndarray:
    """An array in the IDX format: two zeros, the type (8: bytes), the number of axes, their lengths, the values."""
    data = gzip.decompress(path.read_bytes())
    axes = data[3]
    lengths = np.frombuffer(data, ">u4", axes, offset=4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * axes).reshape(lengths)


def _idx_set(name: str, classes: tuple[str, ...]):
    def read(dtype: np.dtype) -> Images:
        where = folder() / name
        parts = [
            (_idx(where / f"{part}-images-idx3-ubyte.gz"), _idx(where / f"{part}-labels-idx1-ubyte.gz"))
            for part in ("train", "t10k")
        ]
        return _full(name, dtype, parts, classes, "60,000 + 10,000 images of 28x28 pixels.")

    return read


CIFAR_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def read_cifar(batch: bytes) -> tuple[np.ndarray, np.ndarray]:
    """A binary batch of CIFAR-10: images (N, 3, 32, 32) and labels (N,), both bytes.

    A record is a label and 3072 bytes: the red plane, then green, then blue, each row by row.
    """
    records = np.frombuffer(batch, np.uint8).reshape(-1, 1 + 3 * 32 * 32)
    return records[:, 1:].reshape(-1, 3, 32, 32), records[:, 0]


def _cifar10(dtype: np.dtype) -> Images:
    def read(names):
        batches = [read_cifar(archive.extractfile(f"cifar-10-batches-bin/{name}.bin").read()) for name in names]
        return tuple(np.concatenate(part) for part in zip(*batches, strict=True))

    with tarfile.open(folder() / "cifar10" / FULL["cifar10"].files[0].name) as archive:
        parts = read([f"data_batch_{n}" for n in range(1, 6)]), read(["test_batch"])
    return _full("cifar10", dtype, parts, CIFAR_CLASSES, "50,000 + 10,000 colour images of 32x32 pixels, NCHW.")


_READERS = {
    "digits": _digits,
    "fashion14": _fashion14,
    "mnist": _idx_set("mnist", tuple("0123456789")),
    "fashion-mnist": _idx_set("fashion-mnist", FASHION_CLASSES),
    "cifar10": _cifar10,
}
