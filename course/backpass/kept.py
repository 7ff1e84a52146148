"""Small files in `.backpass` beside a notebook: what its reader did, kept over restarts and sent nowhere."""

from __future__ import annotations

import json
import os
from pathlib import Path

FOLDER = ".backpass"


def read(name: str, folder: Path | str) -> dict:
    """What was kept in a folder under a name; a missing or damaged file counts as nothing."""
    try:
        found = json.loads((Path(folder) / FOLDER / name).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def write(everything: dict, name: str, folder: Path | str) -> bool:
    """Keep something; False where the folder cannot be written."""
    path = Path(folder) / FOLDER / name
    try:
        path.parent.mkdir(exist_ok=True)
        # Written beside and moved over, so that an interrupted write loses nothing.
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        draft.write_text(json.dumps(everything, indent=1, ensure_ascii=False), encoding="utf-8")
        draft.replace(path)
    except OSError:
        return False
    return True
