"""Zips that have the same bytes whenever they are made."""

from __future__ import annotations

import zipfile
from collections.abc import Collection, Mapping
from pathlib import Path

_DATE = (1980, 1, 1, 0, 0, 0)


def write_zip(target: Path, files: Mapping[str, bytes], programs: Collection[str] = ()) -> None:
    """Write a zip of files by name; `programs` can be run when they are unpacked. It is whole when it appears."""
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_suffix(".part")
    with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name, _DATE)
            entry.external_attr = (0o755 if name in programs else 0o644) << 16
            archive.writestr(entry, data, zipfile.ZIP_DEFLATED)
    draft.replace(target)
