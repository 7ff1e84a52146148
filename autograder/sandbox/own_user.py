"""A user of its own for a worker, where there are no namespaces: claimed, watched, and left without a trace."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Folders in which every user may write; what a worker left there is removed.
SHARED = ("/tmp", "/var/tmp", "/dev/shm", "/run/lock")
TRIES = 5000
ROUNDS = 50  # of ending what is left; one is enough unless the machine is very busy


@dataclass(frozen=True)
class User:
    """A number that no account has and no other grader uses, until `leave`."""

    uid: int
    _lock: socket.socket

    def rights(self) -> dict[str, Any]:
        """Options of subprocess.Popen: this user, its group, no other group."""
        return {"user": self.uid, "group": self.uid, "extra_groups": []}

    def processes(self) -> Iterator[int]:
        """All that runs as this user, whoever its parent is; what has ended and waits to be collected is not."""
        for name in os.listdir("/proc"):
            with contextlib.suppress(OSError):
                if name.isdigit() and os.stat(f"/proc/{name}").st_uid == self.uid and not _ended(name):
                    yield int(name)

    def leave(self, scratch: str) -> None:
        """End every process of this user, and remove what it wrote."""
        for _ in range(ROUNDS):
            # As this user itself the kernel signals all of its processes in one go: none can fork away.
            kill = ["/bin/sh", "-c", "kill -9 -1"]
            with contextlib.suppress(OSError):  # who may not become this user has started nothing as it
                subprocess.run(kill, env={}, cwd="/", capture_output=True, check=False, **self.rights())
            if not any(self.processes()):
                break
            time.sleep(0.01)
        left = [scratch]
        for folder in dict.fromkeys((*SHARED, tempfile.gettempdir())):
            with contextlib.suppress(OSError), os.scandir(folder) as entries:
                for entry in entries:
                    with contextlib.suppress(OSError):
                        if entry.stat(follow_symlinks=False).st_uid == self.uid:
                            left.append(entry.path)
        # rm: shutil.rmtree gives up on folders that are nested very deeply.
        subprocess.run(["rm", "-rf", "--one-file-system", "--", *left], capture_output=True, check=False)
        self._lock.close()


def _ended(name: str) -> bool:
    return Path(f"/proc/{name}/stat").read_bytes().rpartition(b")")[2].split()[0] in (b"Z", b"X")


def claim(next_uid: Callable[[], int]) -> User | None:
    """The first user that is free; None where there is none. The lock goes with the grader's process."""
    for _ in range(TRIES):
        uid = next_uid()
        lock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            lock.bind(f"\0backpass-user-{uid}")
        except OSError:
            lock.close()
            continue
        user = User(uid, lock)
        if not any(user.processes()):
            return user
        lock.close()
    return None


def files_in(folder: str, most: int = 200_000) -> int:
    """How many files and folders lie in a folder, counted up to a number."""
    count = 0
    for _, folders, files in os.walk(folder):
        count += len(folders) + len(files)
        if count > most:
            break
    return count


def closed_at(path: str) -> str:
    """The first folder on the way to a file or folder, or itself, that other users cannot enter or read; "" if none."""
    for place in (*reversed(Path(path).parents), Path(path)):
        wanted = 0o1 if place != Path(path) else 0o5 if place.is_dir() else 0o4
        if place.stat().st_mode & wanted != wanted:
            return str(place)
    return ""


def copy_for_all(sources: dict[str, str], folder: str) -> None:
    """Copy files and folders, by name, into a folder that every user can read and none can change."""
    for name, source in sources.items():
        target = os.path.join(folder, name)
        if os.path.isdir(source):
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(source, target)
    for place, folders, files in os.walk(folder):
        for name in folders:
            os.chmod(os.path.join(place, name), 0o755)
        for name in files:
            os.chmod(os.path.join(place, name), 0o644)
    os.chmod(folder, 0o755)
