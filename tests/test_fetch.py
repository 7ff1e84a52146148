"""Fetching full data sets, against a server on this machine: mirrors, resuming, checksums, being offline."""

import gzip
import hashlib
import io
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from backpass import fetch
from backpass.cli import main
from backpass.data import load, read_cifar
from backpass.fetch import FULL, File, FullSet, NotFetched

DEBIAN = Path("/usr/share/datasets/fashion-mnist")


class Handler(BaseHTTPRequestHandler):
    """Gives /good/NAME with ranges, /whole/NAME without, half of /half/NAME, something else as /wrong/NAME."""

    def do_GET(self):
        _, kind, name = self.path.split("/", 2)
        data = self.server.files.get(name)
        self.server.asked.append((kind, name, self.headers.get("Range")))
        if data is None or kind == "gone":
            self.send_error(404)
            return
        start = 0
        if kind in ("good", "half") and (span := self.headers.get("Range")):
            start = int(span.removeprefix("bytes=").removesuffix("-"))
        body = bytes(len(data)) if kind == "wrong" else data[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(data) // 2] if kind == "half" else body)

    def log_message(self, *args):
        pass


@pytest.fixture
def server(monkeypatch, tmp_path):
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as made:
        made.files, made.asked = {}, []
        thread = threading.Thread(target=made.serve_forever, daemon=True)
        thread.start()
        monkeypatch.setenv("BACKPASS_DATA", str(tmp_path / "data"))
        yield made
        made.shutdown()


def offer(server, monkeypatch, name, files, kinds):
    """Let FULL[name] consist of these files, on mirrors of these kinds."""
    server.files.update(files)
    described = tuple(File(f, len(data), hashlib.sha256(data).hexdigest()) for f, data in files.items())
    mirrors = tuple(f"http://127.0.0.1:{server.server_port}/{kind}/" for kind in kinds)
    monkeypatch.setitem(FULL, name, FullSet(described, mirrors, "somewhere", "none"))


def cifar_archive(images, labels):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for batch in [f"data_batch_{n}" for n in range(1, 6)] + ["test_batch"]:
            body = b"".join(bytes([label]) + image.tobytes() for image, label in zip(images, labels, strict=True))
            entry = tarfile.TarInfo(f"cifar-10-batches-bin/{batch}.bin")
            entry.size = len(body)
            archive.addfile(entry, io.BytesIO(body))
    return packed.getvalue()


def idx(array):
    header = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    return gzip.compress(header + array.tobytes())


def test_a_mirror_that_fails_is_followed_by_the_next(server, monkeypatch):
    data = np.random.default_rng(0).bytes(200_000)
    offer(server, monkeypatch, "mnist", {"a.gz": data}, ["gone", "wrong", "good"])
    where = fetch.fetch("mnist")
    assert (where / "a.gz").read_bytes() == data
    assert [kind for kind, _, _ in server.asked] == ["gone", "wrong", "good"]
    assert sorted(path.name for path in where.iterdir()) == ["a.gz"]


@pytest.mark.parametrize(("kind", "span"), [("good", "bytes=100000-"), ("whole", "bytes=100000-")])
def test_a_broken_download_goes_on_where_it_stopped(server, monkeypatch, kind, span):
    data = np.random.default_rng(1).bytes(200_000)
    offer(server, monkeypatch, "mnist", {"a.gz": data}, ["half"])
    with pytest.raises(NotFetched, match="ended after 100000 of 200000 bytes"):
        fetch.fetch("mnist")
    offer(server, monkeypatch, "mnist", {"a.gz": data}, [kind])
    seen = []
    where = fetch.fetch("mnist", lambda *progress: seen.append(progress))
    assert (where / "a.gz").read_bytes() == data
    assert server.asked[-1] == (kind, "a.gz", span)
    assert seen[-1] == ("a.gz", 200_000, 200_000)


def test_a_second_call_asks_for_nothing(server, monkeypatch):
    offer(server, monkeypatch, "mnist", {"a.gz": b"abc"}, ["good"])
    fetch.fetch("mnist")
    asked = len(server.asked)
    fetch.fetch("mnist")
    assert len(server.asked) == asked


def test_offline_says_so_and_where_to_put_the_file(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("BACKPASS_DATA", str(tmp_path))
    file = File("a.gz", 3, "0" * 64)
    # Port 9 of this machine: nobody listens.
    monkeypatch.setitem(FULL, "mnist", FullSet((file,), ("http://127.0.0.1:9/",), "somewhere", "none"))
    assert main(["data", "mnist"]) == 1
    said = capsys.readouterr().err
    assert "Is this computer online?" in said
    assert "refused" in said
    assert str(tmp_path / "mnist") in said


def test_the_command_names_source_licence_and_how_to_load(server, monkeypatch, capsys):
    offer(server, monkeypatch, "mnist", {"a.gz": b"abc"}, ["good"])
    assert main(["data", "mnist"]) == 0
    said = capsys.readouterr().out
    assert "backpass.data.load('mnist')" in said
    assert "Licence: none" in said


def test_loading_what_was_not_fetched_names_the_command(monkeypatch, tmp_path):
    monkeypatch.setenv("BACKPASS_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="backpass data cifar10"):
        load("cifar10")


def test_cifar10_from_a_made_archive(server, monkeypatch):
    rng = np.random.default_rng(2)
    images, labels = rng.integers(0, 256, (4, 3, 32, 32), dtype=np.uint8), np.array([0, 9, 3, 3], np.uint8)
    offer(server, monkeypatch, "cifar10", {"cifar-10-binary.tar.gz": cifar_archive(images, labels)}, ["good"])
    fetch.fetch("cifar10")
    data = load("cifar10")
    assert data.x_train.shape == (20, 3, 32, 32)
    assert data.x_train.dtype == np.float32
    np.testing.assert_array_equal(data.x_test, images.astype(np.float32) / np.float32(255))
    np.testing.assert_array_equal(data.y_test, labels)
    assert data.classes[9] == "truck"


def test_a_record_of_cifar10_is_a_label_and_three_planes():
    record = bytes([7]) + bytes([1] * 1024) + bytes([2] * 1024) + bytes([3] * 1024)
    images, labels = read_cifar(record)
    assert labels.tolist() == [7]
    assert images[0, :, 5, 6].tolist() == [1, 2, 3]


def test_idx_from_made_files(server, monkeypatch):
    images, labels = np.arange(2 * 28 * 28, dtype=np.uint8).reshape(2, 28, 28), np.array([4, 2], np.uint8)
    files = {}
    for part in ("train", "t10k"):
        files |= {f"{part}-images-idx3-ubyte.gz": idx(images), f"{part}-labels-idx1-ubyte.gz": idx(labels)}
    offer(server, monkeypatch, "mnist", files, ["good"])
    fetch.fetch("mnist")
    data = load("mnist", np.float64)
    np.testing.assert_array_equal(data.x_train * 255, images)
    assert data.y_test.tolist() == [4, 2]


@pytest.mark.skipif(not DEBIAN.exists(), reason="the Debian package dataset-fashion-mnist is not installed")
def test_the_real_fashion_mnist(server, monkeypatch):
    """The package holds the original's bytes, compressed anew."""
    files = {path.name: path.read_bytes() for path in DEBIAN.glob("*.gz")}
    offer(server, monkeypatch, "fashion-mnist", files, ["good"])
    fetch.fetch("fashion-mnist")
    data = load("fashion-mnist")
    assert data.x_train.shape == (60_000, 28, 28)
    assert np.bincount(data.y_test).tolist() == [1000] * 10


def test_the_sums_are_sha256():
    for full in FULL.values():
        assert len(full.mirrors) > 1
        for file in full.files:
            assert len(bytes.fromhex(file.sha256)) == 32
