"""Files that are whole or absent, whenever the machine stops: written beside, synced, then renamed."""

from __future__ import annotations

import contextlib
import ctypes
import os
import threading
from pathlib import Path


def write_whole(path: Path, data: bytes | str, sync: bool = True) -> None:
    """Write a file so that its name never stands for a part of it.

    A power loss is included with sync=True, or from `sync_all` on.
    """
    data = data.encode() if isinstance(data, str) else data
    part = path.with_name(f".{path.name[:100]}.{os.getpid()}.{threading.get_ident()}.part")
    try:
        with open(part, "wb") as file:
            file.write(data)
            if sync:
                file.flush()
                os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink()
        raise
    if sync:
        _sync(path.parent)


def sync_all(folder: Path) -> None:
    """Everything written in the folder's file system survives a power loss from here on: cheaper than file by file."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        if ctypes.CDLL(None, use_errno=True).syncfs(descriptor):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(folder))
    finally:
        os.close(descriptor)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
