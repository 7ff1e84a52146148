"""Make .venv with what a target of the Makefile needs, and system packages where that may be done.

    python3 bootstrap.py run     what grading, the demo and the lectures need: no torch
    python3 bootstrap.py test    that, and what the tests need

Standard library only: it runs before anything is installed.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
EXTRAS = {"run": "", "test": "[test]"}
BUBBLEWRAP = ("bwrap", "bubblewrap", "isolates student code")
CHROMIUM = ("chromium", "chromium", "shows pages to their tests")
PROGRAMS = {"run": [BUBBLEWRAP], "test": [BUBBLEWRAP, CHROMIUM]}
WHAT = {
    "run": "Installing what is needed into .venv: a minute or two",
    "test": "Installing what is needed into .venv, torch for the tests included: some minutes",
}


class Trouble(Exception):
    """One sentence for the person at the terminal."""


def check_python():
    """Raise Trouble where this Python is too old, or cannot make virtual environments."""
    if sys.version_info < (3, 11):  # noqa: UP036 - PYTHON=... may name any
        raise Trouble("Python 3.11 or newer is needed; this is " + sys.version.split()[0] + ".")
    try:
        import ensurepip  # noqa: F401 - Debian ships it apart from Python
        import venv  # noqa: F401
    except ImportError as error:
        raise Trouble(
            "This Python cannot make virtual environments: install its venv module first "
            "(on Debian and Ubuntu: sudo apt-get install python3-venv)."
        ) from error


def make_environment():
    """An empty .venv, where there is none that works."""
    if (VENV / "bin" / "pip").exists():
        return
    say("Making the virtual environment .venv")
    command = [sys.executable, "-m", "venv", "--clear", str(VENV)]
    made = subprocess.run(command, capture_output=True, text=True)
    if made.returncode:
        shutil.rmtree(VENV, ignore_errors=True)
        raise Trouble("The virtual environment could not be made: " + last_line(made.stdout + made.stderr))


def install(purpose):
    """Both packages of the repository and what they need, with one moving line in a terminal."""
    say(WHAT[purpose])
    command = [str(VENV / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check"]
    command += ["-c", "constraints.txt", "-e", "./course", "-e", "." + EXTRAS[purpose]]
    log_path, count = VENV / "install.log", 0
    with open(log_path, "w") as log:
        pip = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for line in pip.stdout:
            log.write(line)
            words = line.split()
            if words[:1] == ["Collecting"]:
                count += 1
                progress(f"  {count} packages found, now {words[1]}")
            elif line.startswith("Installing collected"):
                progress(f"  {count} packages found, installing them")
    progress("")
    if pip.wait():
        said = last_error(log_path)
        raise Trouble(f"pip could not install the packages (its log is .venv/install.log): {said}")


def install_program(program, package, why):
    """A system package: by apt, as root or where sudo asks no password; else say how."""
    if not sys.platform.startswith("linux") or shutil.which(program):
        return
    how = f"{package}, which {why}, is not installed"
    if not shutil.which("apt-get"):
        say(how + ": install it with your system's package manager.")
        return
    as_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if as_root and not works([*as_root, "true"]):
        say(f"{how}: sudo apt-get install {package}")
        return
    say(f"Installing {package} with apt-get: it {why}")
    apt = [*as_root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-y"]
    wanted = [*apt, "install", "--no-install-recommends", package]
    # A machine that never read the package lists does so first.
    if not works(wanted) and not (works([*apt, "update"]) and works(wanted)):
        say(f"apt-get could not install {package}. To see why: apt-get install {package}")


def works(command):
    """Whether a command is there and ends well; it asks nothing and prints nothing."""
    if not shutil.which(command[0]):
        return False
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True).returncode == 0


def say(text):
    print(text, flush=True)


def progress(text):
    """One line that is written over again, in a terminal only."""
    if sys.stdout.isatty():
        print("\r\033[K" + text[:78], end="", flush=True)


def last_line(text):
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "nothing was said"


def last_error(log_path):
    lines = log_path.read_text().splitlines()
    errors = [line for line in lines if line.lower().startswith("error")]
    return last_line("\n".join(errors or lines))


def main(purpose):
    try:
        check_python()
        make_environment()
        install(purpose)
        for program in PROGRAMS[purpose]:
            install_program(*program)
    except Trouble as trouble:
        print(trouble, file=sys.stderr)
        return 2
    except OSError as error:  # a full disk, a folder that may not be written
        print(f"Setting up stopped: {error}.", file=sys.stderr)
        return 2
    for ready in ["run"] if purpose == "run" else ["run", "test"]:
        (VENV / ("ready-to-" + ready)).touch()
    return 0


if __name__ == "__main__":
    if sys.argv[1:] not in (["run"], ["test"]):
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
