"""docs/jupyterhub/jupyterhub_config.py: known to JupyterHub option by option, and a hub that starts with it."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from tests.test_jupyterhub import RIGHT, SETTINGS, WRONG, Machine
from tests.test_jupyterhub import machine as machine  # the same users, made again

pytestmark = [
    pytest.mark.xdist_group("jupyterhub"),
    pytest.mark.skipif(importlib.util.find_spec("jupyterhub") is None, reason="jupyterhub is not installed"),
]

CONFIG = SETTINGS / "jupyterhub_config.py"
GROUP = "students"  # as the configuration says
PROXY = os.environ.get("CONFIGURABLE_HTTP_PROXY") or shutil.which("configurable-http-proxy")


@pytest.fixture
def hub():
    from jupyterhub.app import JupyterHub

    app = JupyterHub()
    app.load_config_file(str(CONFIG))
    return app


def test_every_option_is_known_and_has_a_usable_value(hub):
    classes = {one.__name__: one for one in hub.classes}
    assert set(hub.config) >= {"JupyterHub", "PAMAuthenticator", "Spawner"}
    for section, options in hub.config.items():
        assert set(options) <= set(classes[section].class_traits(config=True)), section
    hub.update_config(hub.config)
    authenticator = hub.authenticator_class(parent=hub)
    assert type(authenticator).__name__ == "PAMAuthenticator"
    assert authenticator.allowed_groups == {"students", "instructors"}
    assert not authenticator.allow_all
    assert hub.spawner_class.__name__ == "LocalProcessSpawner"
    assert hub.bind_url.startswith("http://127.0.0.1:")


def test_settings_for_everybody_are_known_to_nbgrader():
    from nbgrader.coursedir import CourseDirectory
    from nbgrader.exchange.default import Exchange
    from traitlets.config import PyFileConfigLoader

    known = {one.__name__: set(one.class_traits(config=True)) for one in (CourseDirectory, Exchange)}
    config = PyFileConfigLoader("nbgrader_config.py", path=str(SETTINGS)).load_config()
    assert config.Exchange.root
    for section, options in config.items():
        assert set(options) <= known[section]


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@pytest.fixture(scope="module")
def passwords(machine):
    """Both students have a password; only one is in the group that may come in."""
    made = subprocess.run(["groupadd", GROUP], capture_output=True).returncode == 0
    known = {name: secrets.token_hex(8) for name in (RIGHT, WRONG)}
    text = "".join(f"{name}:{password}\n" for name, password in known.items())
    subprocess.run(["chpasswd"], input=text, text=True, check=True)
    subprocess.run(["usermod", "--append", "--groups", GROUP, RIGHT], check=True)
    yield known
    if made:
        subprocess.run(["groupdel", GROUP], check=True)


@pytest.fixture(scope="module")
def address(machine: Machine, passwords):
    """A running hub; its files, ports, proxy and environment are this test's, all else is as in the file."""
    if PROXY is None:
        pytest.skip("configurable-http-proxy, the proxy of the hub, is not installed (npm, or CONFIGURABLE_HTTP_PROXY)")
    environment = machine.folder / "hub"
    (environment / "bin").mkdir(parents=True)
    single = environment / "bin" / "jupyterhub-singleuser"
    # Where an environment of its own has its configuration and its pages.
    found = {
        "JUPYTER_CONFIG_PATH": Path(sys.prefix, "etc", "jupyter"),
        "JUPYTER_PATH": Path(sys.prefix, "share", "jupyter"),
        "JUPYTERLAB_DIR": Path(sys.prefix, "share", "jupyter", "lab"),
    }
    exports = "".join(f"export {name}={path}\n" for name, path in found.items())
    single.write_text(f'#!/bin/sh\n{exports}exec {machine.python} -m jupyterhub.singleuser "$@"\n')
    single.chmod(0o755)
    state = machine.folder / "state"
    state.mkdir(mode=0o700)
    url = f"http://127.0.0.1:{free_port()}"
    options = {
        "JupyterHub.bind_url": url,
        "JupyterHub.hub_port": free_port(),
        "JupyterHub.db_url": f"sqlite:///{state}/jupyterhub.sqlite",
        "JupyterHub.cookie_secret_file": state / "cookie_secret",
        "ConfigurableHTTPProxy.pid_file": state / "proxy.pid",
        "ConfigurableHTTPProxy.api_url": f"http://127.0.0.1:{free_port()}",
        "ConfigurableHTTPProxy.command": PROXY,
    }
    command = [
        machine.python,
        "-m",
        "jupyterhub",
        "-f",
        CONFIG,
        *(f"--{name}={value}" for name, value in options.items()),
    ]
    more = {
        "PATH": f"{machine.python.parent}:/usr/bin:/bin",
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path.endswith("-packages")),
        "BACKPASS_HUB_ENVIRONMENT": str(environment),
    }
    log = state / "log"
    with open(log, "wb") as out:
        process = subprocess.Popen(command, cwd=state, env=more, stdout=out, stderr=subprocess.STDOUT)
    try:
        wait_for(lambda: requests.get(f"{url}/hub/health", timeout=10).ok, process, log)
        yield url
    finally:
        process.terminate()  # it ends its proxy and the servers, too
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=60)
        process.kill()
        print(log.read_text(errors="replace")[-6000:])  # shown where a test fails


def wait_for(done, process: subprocess.Popen, log: Path, seconds: float = 240) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(requests.RequestException):
            if done():
                return
        time.sleep(0.5)
    pytest.fail(log.read_text(errors="replace")[-3000:])


def login(address: str, name: str, password: str) -> tuple[requests.Session, requests.Response]:
    session = requests.Session()
    page = session.get(f"{address}/hub/login", timeout=60)
    field = re.search(r'name="_xsrf" value="([^"]+)"', page.text)[1]
    form = {"username": name, "password": password, "_xsrf": field}
    return session, session.post(f"{address}/hub/login", data=form, timeout=120, allow_redirects=False)


def test_who_is_in_no_group_or_has_no_password_stays_out(address, passwords):
    for name, password in ((WRONG, passwords[WRONG]), (RIGHT, "something else")):
        _, answer = login(address, name, password)
        assert answer.status_code == 403


def test_a_student_gets_a_server_of_their_own(address, passwords, machine):
    session, answer = login(address, RIGHT, passwords[RIGHT])
    assert answer.status_code == 302
    (machine.home(RIGHT) / "here.txt").write_text("mine")
    session.get(f"{address}/hub/spawn", timeout=240)
    contents = f"{address}/user/{RIGHT}/api/contents"

    def listed() -> list[str]:
        session.get(f"{address}/user/{RIGHT}/lab", timeout=60)  # the hub tells the server who this is
        found = session.get(contents, timeout=60)
        return [entry["name"] for entry in found.json()["content"]] if found.ok else []

    end = time.monotonic() + 120
    while "here.txt" not in (names := listed()) and time.monotonic() < end:
        time.sleep(0.5)
    assert "here.txt" in names
    # It runs as that user, not as the hub's.
    servers = [path for path in Path("/proc").glob("[0-9]*") if b"jupyterhub.singleuser" in command_of(path)]
    owners = {path.stat().st_uid for path in servers}
    assert pwd.getpwnam(RIGHT).pw_uid in owners
    assert 0 not in owners
    assert requests.get(contents, timeout=60).status_code in (403, 404)  # nobody else's


def command_of(path: Path) -> bytes:
    with contextlib.suppress(OSError):
        return (path / "cmdline").read_bytes()
    return b""
