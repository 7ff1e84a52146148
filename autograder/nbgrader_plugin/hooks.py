"""What happens before nbgrader converts. It swallows what a hook raises: these say loudly what went wrong."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

from traitlets.log import get_logger

from autograder.paths import BACKPASS, ROOT
from autograder.reading import REFUSED
from autograder.units import UNITS, unit


def before_release(assignment: str, student: str, notebooks: list[str]) -> None:
    """Write cases.npz and given.py into the unit's source folder; nbgrader copies them to the release.

    In a process of its own: the cases are recorded by pytest, which must not run inside Jupyter.
    """
    if assignment not in UNITS:
        return
    folder = Path(notebooks[0]).parent
    path = os.pathsep.join(filter(None, [str(ROOT), str(BACKPASS.parent), os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-m", __name__, assignment, str(folder)]
    done = subprocess.run(command, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True)
    if done.returncode:
        get_logger().error(
            "Backpass could not write cases.npz and given.py for %s: what is released now is incomplete. "
            "Run `autograder release %s`, which stops at such an error.\n%s",
            assignment,
            assignment,
            done.stderr.strip(),
        )


def before_autograde(assignment: str, student: str, notebooks: list[str]) -> None:
    """Take links and special files out of a submission, before nbgrader opens or follows anything in it."""
    folder = Path(notebooks[0]).parent
    try:
        for sentence in refuse_links(folder, [Path(notebook).name for notebook in notebooks]):
            get_logger().error("%s: %s", folder, sentence)
    except OSError as error:
        # Going on would follow the link; an ordinary exception would be swallowed.
        raise SystemExit(
            f"{folder} holds a link or a special file that cannot be removed ({error.strerror}). "
            "Nothing was graded. Remove it, or make the folder writable."
        ) from error


def refuse_links(folder: Path, notebooks: list[str]) -> list[str]:
    """Put a note in the place of every link, pipe, socket and device of a submission; returns what was found.

    A link has no content of its own, and the note keeps its target. A linked folder of a submission becomes a
    folder with such notes in the place of its notebooks.
    """
    found = []
    for place in (folder.parent, folder):
        if place.is_symlink():
            sentence = f"The folder {place.name} was a link to {os.readlink(place)!r}. Links are not followed."
            found.append(sentence)
            place.unlink()
            folder.mkdir(parents=True)
            for name in notebooks:
                (folder / name).write_text(REFUSED + sentence + "\n", encoding="utf-8")
    for here, folders, files in os.walk(folder):
        for name in [*folders, *files]:
            path = Path(here, name)
            mode = path.lstat().st_mode
            if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
                continue
            what = f"a link to {os.readlink(path)!r}" if stat.S_ISLNK(mode) else "a pipe, socket or device"
            sentence = f"{name} was {what}. Only ordinary files are graded."
            found.append(sentence)
            path.unlink()
            path.write_text(REFUSED + sentence + "\n", encoding="utf-8")
    return found


if __name__ == "__main__":
    from autograder.release import write_generated

    write_generated(unit(sys.argv[1]), Path(sys.argv[2]))
