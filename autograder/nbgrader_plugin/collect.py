"""Unpacks what students handed in as archives, for `nbgrader zip_collect`: ordinary files, inside, within bounds.

nbgrader's extractor reads members whole into memory, unpacks archives in archives without end, and one member
with a bad name ends it for the whole class. Here such a member is left out, such an archive stopped, and the
log says so.
"""

from __future__ import annotations

import os
import shutil
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from nbgrader.plugins import ExtractorPlugin
from traitlets import Int

_CHUNK = 1 << 20


class Stopped(ValueError):
    """An archive is not unpacked any further; the text says why."""


class Extractor(ExtractorPlugin):
    """nbgrader's extractor with bounds, each counted for one handed-in archive with all that is in it."""

    max_bytes = Int(256 << 20, help="Bytes that one archive may unpack to.").tag(config=True)
    max_files = Int(2000, help="Files that one archive may hold.").tag(config=True)
    max_depth = Int(3, help="Archives within archives.").tag(config=True)

    def extract(self, archive_path: str, extracted_path: str) -> None:
        top = Path(archive_path)
        for folder, _, names in os.walk(top):
            place = Path(extracted_path, Path(folder).relative_to(top))
            for name in sorted(names):
                path = Path(folder, name)
                if path.is_symlink() or not path.is_file():
                    self.log.warning("%s is not an ordinary file and is left out.", path)
                    continue
                place.mkdir(parents=True, exist_ok=True)
                if path.suffix in self.zip_ext:
                    self._unpack_one(path, place)
                else:
                    shutil.copyfile(path, place / name)

    def _unpack_one(self, path: Path, place: Path) -> None:
        left = [self.max_bytes, self.max_files]
        waiting = [(path, 1)]
        while waiting:
            archive, depth = waiting.pop()
            into = (place if archive == path else archive.parent) / _stem(archive.name)
            try:
                if depth > self.max_depth:
                    raise Stopped(f"archives are nested more than {self.max_depth} deep")
                inner = self._unpack(archive, into, left)
            # A broken archive may raise anything, and is one student's only.
            except Exception as error:  # noqa: BLE001
                self.log.error("%s is not unpacked any further: %s.", archive, error or type(error).__name__)
                continue
            if archive != path:
                archive.unlink()
            waiting += [(found, depth + 1) for found in inner]

    def _unpack(self, archive: Path, into: Path, left: list[int]) -> list[Path]:
        """Write the members of an archive; returns the archives among them. `left`: bytes and files."""
        if into.exists() and not into.is_dir():
            raise Stopped(f"{into.name} is there already")
        into.mkdir(parents=True, exist_ok=True)
        inner, seen = [], set()
        for name, size, content in members(archive):
            target = safe_target(into, name)
            # Two names that some file systems take for one: the first stays.
            if content is None or target is None or str(target).casefold() in seen:
                self.log.warning("%s: the member %r is left out.", archive, name[:200])
                continue
            seen.add(str(target).casefold())
            left[1] -= 1
            if left[1] < 0:
                raise Stopped(f"it holds more than {self.max_files} files")
            if size > left[0]:
                raise Stopped(f"it unpacks to more than {self.max_bytes >> 20} MiB")
            target.parent.mkdir(parents=True, exist_ok=True)
            with open(target, "xb") as file:
                while chunk := content.read(_CHUNK):
                    left[0] -= len(chunk)  # what is announced may be less than what comes
                    if left[0] < 0:
                        raise Stopped(f"it unpacks to more than {self.max_bytes >> 20} MiB")
                    file.write(chunk)
            if target.suffix in self.zip_ext:
                inner.append(target)
        return inner


def members(archive: Path) -> Iterator[tuple[str, int, IO[bytes] | None]]:
    """(name, announced size, content) of each member but folders; no content where it is no ordinary file."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as file:
            for info in file.infolist():
                kind = info.external_attr >> 28
                if info.is_dir():
                    continue
                ordinary = kind in (0, 0o10)  # S_IFREG, or made where there are no kinds
                with file.open(info) as content:
                    yield info.filename, info.file_size, content if ordinary else None
        return
    with tarfile.open(archive, "r|*") as file:
        for member in file:
            if not member.isdir():
                yield member.name, member.size, file.extractfile(member) if member.isreg() else None


def safe_target(into: Path, name: str) -> Path | None:
    """Where a member is written, or None when its name leads outside or cannot be a file's."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if not parts or name.startswith(("/", "\\")) or ":" in parts[0] or ".." in parts or "\0" in name:
        return None
    if any(len(part.encode("utf-8", "surrogateescape")) > 255 for part in parts) or len(parts) > 20:
        return None
    return into.joinpath(*parts)


def _stem(name: str) -> str:
    stem = Path(name).stem
    return stem[:-4] if stem.endswith(".tar") else stem
