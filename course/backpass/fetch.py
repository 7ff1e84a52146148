"""Fetching the full data sets: `backpass data NAME`. Files are checked, and a broken download is resumed.

>>> FULL["mnist"].megabytes
11.1
>>> [file.name for file in FULL["cifar10"].files]
['cifar-10-binary.tar.gz']
"""

from __future__ import annotations

import hashlib
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

CHUNK = 1 << 16
PATIENCE = 30  # seconds without a byte, before the next mirror is asked


@dataclass(frozen=True)
class File:
    """A file of a data set: its name, size in bytes, and the SHA-256 of its bytes."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class FullSet:
    """A data set that does not ship with the course. mirrors: what the files' names are appended to."""

    files: tuple[File, ...]
    mirrors: tuple[str, ...]
    source: str
    licence: str

    @property
    def megabytes(self) -> float:
        return round(sum(file.size for file in self.files) / 2**20, 1)


FULL = {
    "mnist": FullSet(
        (
            File(
                "train-images-idx3-ubyte.gz",
                9912422,
                "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            ),
            File(
                "train-labels-idx1-ubyte.gz", 28881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"
            ),
            File(
                "t10k-images-idx3-ubyte.gz", 1648877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"
            ),
            File("t10k-labels-idx1-ubyte.gz", 4542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
        ),
        ("https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/"),
        "LeCun, Cortes and Burges 1998, http://yann.lecun.com/exdb/mnist/",
        "CC BY-SA 3.0",
    ),
    "fashion-mnist": FullSet(
        (
            File(
                "train-images-idx3-ubyte.gz",
                26421880,
                "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            ),
            File(
                "train-labels-idx1-ubyte.gz", 29515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"
            ),
            File(
                "t10k-images-idx3-ubyte.gz", 4422102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"
            ),
            File("t10k-labels-idx1-ubyte.gz", 5148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
        ),
        (
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        ),
        "Xiao, Rasul and Vollgraf 2017, https://arxiv.org/abs/1708.07747",
        "MIT",
    ),
    "cifar10": FullSet(
        # The binary form: reading it runs no code, as unpickling would.
        (
            File(
                "cifar-10-binary.tar.gz", 170052171, "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"
            ),
        ),
        (
            "https://www.cs.toronto.edu/~kriz/",
            "https://storage.googleapis.com/s4tf-hosted-binaries/datasets/CIFAR10/",
        ),
        "Krizhevsky 2009, https://www.cs.toronto.edu/~kriz/cifar.html",
        "none stated; cite Krizhevsky 2009",
    ),
}


class NotFetched(OSError):
    """No mirror gave the file; the text says what each of them answered, and what to do."""


def folder() -> Path:
    """Where full data sets are kept: $BACKPASS_DATA, or the user's cache."""
    if chosen := os.environ.get("BACKPASS_DATA"):
        return Path(chosen)
    if sys.platform == "win32":
        cache = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        cache = Path.home() / "Library" / "Caches"
    else:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "backpass"


def missing(name: str) -> list[File]:
    """The files of a full data set that are not in their folder yet."""
    return [file for file in FULL[name].files if not (folder() / name / file.name).exists()]


def fetch(name: str, progress: Callable[[str, int, int], None] | None = None) -> Path:
    """Bring a full data set into its folder, and return the folder. What is there already is kept.

    Parameters
    ----------
    name : "mnist", "fashion-mnist" or "cifar10"
    progress : called with a file's name, the bytes that have come, and its size

    Raises
    ------
    NotFetched
        When no mirror gives a file whose SHA-256 is right. What has come so far stays in NAME.part, and the
        next call goes on from there.
    """
    target = folder() / name
    target.mkdir(parents=True, exist_ok=True)
    for file in missing(name):
        answers = []
        for mirror in FULL[name].mirrors:
            try:
                _from_mirror(mirror + file.name, file, target, progress)
                break
            except (OSError, HTTPException, ValueError) as error:
                answers.append(f"  {mirror}{file.name}: {_reason(error)}")
        else:
            raise NotFetched(
                f"{file.name} of {name} could not be fetched:\n" + "\n".join(answers) + "\n"
                "Is this computer online? Run the command again to go on where it stopped, or put the file into "
                f"{target} yourself."
            )
    return target


def _from_mirror(url: str, file: File, target: Path, progress) -> None:
    """One attempt; ValueError when the bytes that came are not the file's."""
    part = target / f"{file.name}.part"
    have = part.stat().st_size if part.exists() else 0
    if have < file.size:
        request = urllib.request.Request(url, headers={"User-Agent": "backpass"})
        if have:
            request.add_header("Range", f"bytes={have}-")
        with urllib.request.urlopen(request, timeout=PATIENCE) as reply:
            # A server that does not know ranges sends the whole file, from its beginning.
            going_on = have and reply.status == 206
            with part.open("ab" if going_on else "wb") as out:
                have = have if going_on else 0
                for chunk in _chunks(reply):
                    have += len(chunk)
                    if have > file.size:
                        break
                    out.write(chunk)
                    if progress:
                        progress(file.name, have, file.size)
        if have < file.size:
            raise ValueError(f"the connection ended after {have} of {file.size} bytes")
    with part.open("rb") as written:
        found = hashlib.file_digest(written, "sha256").hexdigest()
    if have > file.size or found != file.sha256:
        part.unlink()
        raise ValueError("what came is not the file: its SHA-256 is wrong")
    part.replace(target / file.name)


def _chunks(reply) -> Iterator[bytes]:
    while chunk := reply.read(CHUNK):
        yield chunk


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"the server answered {error.code} {error.reason}"
    return str(getattr(error, "reason", error)) or type(error).__name__


def bar(name: str, have: int, size: int, width: int = 30) -> str:
    """One line that says how far a download is.

    >>> bar("x.gz", 3 << 20, 4 << 20, width=8)
    'x.gz ######..  75 %  3.0 of 4.0 MB'
    """
    done = width * have // size
    megabytes = f"{have / 2**20:.1f} of {size / 2**20:.1f} MB"
    return f"{name} {'#' * done}{'.' * (width - done)} {100 * have // size:3d} %  {megabytes}"
