"""The data that ship with the course are what NOTICE says they are."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from backpass.data import FILES, load

DEBIAN = Path("/usr/share/datasets/fashion-mnist")


def test_digits():
    data = load("digits")
    assert data.x_train.shape == (1297, 8, 8)
    assert data.x_test.shape == (500, 8, 8)
    assert data.x_train.dtype == np.float32
    assert data.y_train.dtype == np.int64
    assert (data.x_train.min(), data.x_train.max()) == (0, 1)
    assert set(data.y_train) == set(data.y_test) == set(range(10))
    assert len(data.classes) == 10


def test_digits_are_scikit_learns():
    original = pytest.importorskip("sklearn.datasets").load_digits()
    data = load("digits", np.float64)
    np.testing.assert_array_equal(np.concatenate([data.x_train, data.x_test]) * 16, original.images)
    np.testing.assert_array_equal(np.concatenate([data.y_train, data.y_test]), original.target)


def test_fashion():
    data = load("fashion14")
    assert data.x_train.shape == (6000, 14, 14)
    assert data.x_test.shape == (2000, 14, 14)
    assert (data.x_train.min(), data.x_train.max()) == (0, 1)
    np.testing.assert_array_equal(np.bincount(data.y_train), np.full(10, 600))
    np.testing.assert_array_equal(np.bincount(data.y_test), np.full(10, 200))
    assert data.licence == "MIT"


@pytest.mark.skipif(not DEBIAN.exists(), reason="the Debian package dataset-fashion-mnist is not installed")
def test_fashion_is_an_average_of_the_original():
    data = load("fashion14", np.float64)
    images = gzip.decompress((DEBIAN / "t10k-images-idx3-ubyte.gz").read_bytes())
    labels = gzip.decompress((DEBIAN / "t10k-labels-idx1-ubyte.gz").read_bytes())
    images = np.frombuffer(images, np.uint8, offset=16).reshape(-1, 14, 2, 14, 2).mean((2, 4))
    labels = np.frombuffer(labels, np.uint8, offset=8)
    # The kept images stand in the original's order, so one of class 3 is found by its rank in the class.
    ours = data.x_test[np.flatnonzero(data.y_test == 3)[7]] * 255
    np.testing.assert_allclose(ours, images[np.flatnonzero(labels == 3)[7]], atol=0.5)


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(ValueError, match="did you mean 'digits'"):
        load("digit")


def test_the_notice_names_every_file():
    notice = (FILES / "NOTICE").read_text(encoding="utf-8")
    for path in FILES.iterdir():
        assert path.name in notice or path.name == "NOTICE" or path.name.startswith("card_")
    assert "CC BY 4.0" in notice
    assert "Zalando" in notice


def test_they_are_small():
    assert sum(path.stat().st_size for path in FILES.iterdir()) < 1_300_000
