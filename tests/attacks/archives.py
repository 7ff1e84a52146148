"""Row 20: archives. Each is what one student handed in; `zip_collect` unpacks them all in one run."""

from __future__ import annotations

import gzip
import io
import stat
import tarfile
import zipfile
from collections.abc import Callable

NOTEBOOK = "convolution.ipynb"


def _zip(*members: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members:
            file.writestr(name, data)
    return held.getvalue()


def _tar(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w:gz") as file:
        for info, data in members:
            info.size = len(data)
            file.addfile(info, io.BytesIO(data))
    return held.getvalue()


def _tar_info(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def _zip_link(name: str, target: str) -> tuple[zipfile.ZipInfo, bytes]:
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    return info, target.encode()


def _nested(depth: int) -> bytes:
    data = _zip(("deep.txt", b"here"))
    for _ in range(depth):
        data = _zip(("inner.zip", data))
    return data


def _lying(size: int) -> bytes:
    """A member whose headers announce one byte."""
    data = bytearray(_zip(("zeros", bytes(size))))
    for at in (data.find(b"PK\3\4") + 22, data.find(b"PK\1\2") + 24):
        data[at : at + 4] = (1).to_bytes(4, "little")
    return bytes(data)


# File name -> its bytes, given the right notebook's and the folder that must not be written to.
ARCHIVES: dict[str, Callable[[bytes, str], bytes]] = {
    "right.zip": lambda right, out: _zip((NOTEBOOK, right)),
    "right2.tar.gz": lambda right, out: _tar((_tar_info(NOTEBOOK), right)),
    "upwards.zip": lambda right, out: _zip(("../../../../canary", b"x"), (NOTEBOOK, right)),
    "absolute.zip": lambda right, out: _zip((f"{out}/canary", b"x"), (NOTEBOOK, right)),
    "prefix.zip": lambda right, out: _zip(("../prefix-evil/canary", b"x"), (NOTEBOOK, right)),
    "backslash.zip": lambda right, out: _zip(("..\\..\\..\\canary", b"x"), ("C:\\canary", b"x"), (NOTEBOOK, right)),
    "link.zip": lambda right, out: _zip(
        _zip_link("out", out), ("out/canary", b"x"), _zip_link("passwd.ipynb", "/etc/passwd"), (NOTEBOOK, right)
    ),
    "twice.zip": lambda right, out: _zip((NOTEBOOK, right), ("CONVOLUTION.ipynb", b"{}"), (NOTEBOOK.upper(), b"{}")),
    "latin.zip": lambda right, out: _zip((NOTEBOOK, right), ("gr\xf6\xdfe.txt", b"x"), ("\u202egpj.exe", b"x")),
    "upwards.tar.gz": lambda right, out: _tar((_tar_info("../../../../canary"), b"x"), (_tar_info(NOTEBOOK), right)),
    "absolute.tar.gz": lambda right, out: _tar((_tar_info(f"{out}/canary"), b"x"), (_tar_info(NOTEBOOK), right)),
    "link.tar.gz": lambda right, out: _tar(
        (_tar_info("out", tarfile.SYMTYPE, out), b""), (_tar_info("out/canary"), b"x"),
        (_tar_info("passwd", tarfile.LNKTYPE, "/etc/passwd"), b""), (_tar_info(NOTEBOOK), right),
    ),
    "device.tar.gz": lambda right, out: _tar(
        (_tar_info("zero", tarfile.CHRTYPE), b""), (_tar_info("pipe", tarfile.FIFOTYPE), b""), (_tar_info(NOTEBOOK), right)
    ),
    "bomb.zip": lambda right, out: _zip((NOTEBOOK, right), ("zeros", bytes(64 << 20))),
    "lying.zip": lambda right, out: _lying(64 << 20),
    "bomb.tar.gz": lambda right, out: _tar((_tar_info(NOTEBOOK), right), (_tar_info("zeros"), bytes(64 << 20))),
    "many.zip": lambda right, out: _zip((NOTEBOOK, right), *((f"f{n}", b"") for n in range(3000))),
    "nested.zip": lambda right, out: _nested(20),
    "broken.zip": lambda right, out: _zip((NOTEBOOK, right))[:-40],
    "no.gz": lambda right, out: gzip.compress(b"just text"),
    "empty.zip": lambda right, out: b"",
}  # fmt: skip
# Those whose notebook is there afterwards, whole.
GOOD = {name for name in ARCHIVES if not name.startswith(("lying", "nested", "broken", "no.", "empty", "many", "bomb"))}
GOOD |= {"many.zip", "bomb.zip", "bomb.tar.gz"}  # the notebook stands before what is too much
