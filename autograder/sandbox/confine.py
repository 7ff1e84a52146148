"""What a worker does first under the isolation `uid`, while everything that runs is still the grader's own.

Started as an unprivileged user, it gives up what that user could still gain: new rights, and the system calls that
`seccomp.py` lists, every socket included. It ends when the grader ends. If any of this fails nothing is run.
"""

import ctypes
import os
import signal
import sys

import seccomp

PR_SET_PDEATHSIG, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 1, 22, 38
FILTER = 2  # SECCOMP_MODE_FILTER
INSTRUCTION = 8  # bytes of a struct sock_filter


class _Program(ctypes.Structure):
    """struct sock_fprog."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))


def confine(closed: list[str]) -> None:
    """To be called once, by a process of an unprivileged user; exits where something is not as it must be."""
    if os.geteuid() == 0:
        sys.exit("student code must not run as root")
    for folder in closed:
        if os.access(folder, os.R_OK) or os.access(folder, os.X_OK):
            sys.exit(f"under `uid` permissions keep the answers, and every user can enter {folder}: chmod go-rwx")
    instructions = seccomp.program(sockets=False)
    text = ctypes.create_string_buffer(instructions, len(instructions))
    program = _Program(len(instructions) // INSTRUCTION, ctypes.addressof(text))
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    _prctl(PR_SET_NO_NEW_PRIVS, 1)
    _prctl(PR_SET_SECCOMP, FILTER, ctypes.byref(program))


def _prctl(what, *arguments):
    libc = ctypes.CDLL(None, use_errno=True)
    words = [arg if not isinstance(arg, int) else ctypes.c_ulong(arg) for arg in arguments]
    words += [ctypes.c_ulong(0)] * (4 - len(words))
    if libc.prctl(ctypes.c_int(what), *words) != 0:
        number = ctypes.get_errno()
        sys.exit(f"the kernel refuses prctl({what}): {os.strerror(number)}")
