"""A Jupyter server with formgrader in a course's folder, for tests."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from autograder.paths import BACKPASS, ROOT

SECONDS = 120


class Server:
    """Runs until `close`; whoever asks shows the token `token`."""

    program = ("jupyter_server", "--ServerApp.jpserver_extensions={'nbgrader.server_extensions.formgrader': True}")

    def __init__(self, root: Path):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"http://127.0.0.1:{free.getsockname()[1]}"
        command = [sys.executable, "-m", *self.program, "--no-browser", "--allow-root"]
        command += ["--IdentityProvider.token=token", f"--port={self.address.rpartition(':')[2]}"]
        path = os.pathsep.join([str(ROOT), str(BACKPASS.parent), os.environ.get("PYTHONPATH", "")])
        environment = os.environ | {"PYTHONPATH": path, "JUPYTER_CONFIG_DIR": str(root / "config")}
        self.log = open(root / "server.log", "w+")  # noqa: SIM115 - lives as long as the server
        self.process = subprocess.Popen(command, cwd=root, env=environment, stdout=self.log, stderr=subprocess.STDOUT)
        self._wait()

    def _wait(self) -> None:
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            try:
                self.ask("api")
                return
            except OSError:
                time.sleep(0.1)
        raise TimeoutError(Path(self.log.name).read_text())

    def ask(self, path: str, method: str = "GET") -> str:
        request = urllib.request.Request(f"{self.address}/{path}", method=method)
        request.add_header("Authorization", "token token")
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:
            return answer.read().decode()

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(30)
        self.log.close()
