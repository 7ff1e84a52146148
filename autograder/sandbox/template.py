"""Runs inside the sandbox, before any student code: a process that has imported NumPy, and forks a worker each time.

It runs no student code and sees none: it gets descriptors, and hands them to one worker. What it forks makes, within
the template's namespaces, namespaces of its own as bubblewrap makes them: a user namespace that owns the others, and
a second one without any right over these. It gets an empty scratch folder, loses every right, puts the filter of
system calls on, and only then goes on as a worker. `warm.py` is the grader's end.
"""

import ctypes
import fcntl
import gc
import os
import signal
import socket
import struct

NEW_USER, NEW_PID, NEW_MOUNT, NEW_NET, NEW_IPC, NEW_UTS, NEW_CGROUP = (
    0x10000000,
    0x20000000,
    0x00020000,
    0x40000000,
    0x08000000,
    0x04000000,
    0x02000000,
)
NO_SUID, NO_DEVICES, NO_PROGRAMS = 2, 4, 8  # MS_NOSUID, MS_NODEV, MS_NOEXEC
SET_NAME, SET_SECCOMP, DROP_BOUND, NO_NEW_PRIVILEGES, AMBIENT = 15, 22, 24, 38, 47  # of prctl(2)
SET_INTERFACE, INTERFACE_UP = 0x8914, 1  # SIOCSIFFLAGS, IFF_UP
FILTER, CLEAR_ALL = 2, 4  # SECCOMP_MODE_FILTER, PR_CAP_AMBIENT_CLEAR_ALL
CAPABILITIES = struct.pack("=Ii", 0x20080522, 0)  # struct __user_cap_header_struct, version 3, this process
HIGHEST_CAPABILITY = 63
INSTRUCTION = 8  # bytes of a struct sock_filter
MOST_DESCRIPTORS = 1024

# A request: bytes of the scratch folder, then the filter of system calls ("" where there is none for the machine).
REQUEST = struct.Struct(">Q")

_library = ctypes.CDLL(None, use_errno=True)


class _Program(ctypes.Structure):
    """struct sock_fprog."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def serve():
    """Fork a worker at each request. Returns in the worker: its pipes are descriptors 0 to 2, and no other is open."""
    control = socket.socket(fileno=os.dup(0))
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1):
        os.dup2(nowhere, descriptor)
    os.close(nowhere)
    gc.freeze()  # what is shared with the workers stays shared
    while True:
        request, descriptors, _, _ = socket.recv_fds(control, 1 << 16, 4)
        if not request:
            os._exit(0)  # the grader has gone
        first = os.fork()
        if first == 0:
            control.detach()  # closed below, by its number
            try:
                _begin(request, *descriptors)
                return
            except BaseException as error:  # noqa: BLE001 - it must not go on as a template
                os.write(2, f"{type(error).__name__}: {error}".encode("utf-8", "replace"))
                os._exit(1)
        for descriptor in descriptors:
            os.close(descriptor)
        os.waitpid(first, 0)


def _begin(request, requests, replies, complaints, status):
    """Three processes: this one enters a user namespace, the next is first in the others, the last is the worker."""
    for number, descriptor in enumerate((requests, replies, complaints)):
        os.dup2(descriptor, number)
    os.closerange(3, status)
    os.closerange(status + 1, MOST_DESCRIPTORS)
    uid, gid = os.getuid(), os.getgid()
    _call("unshare", NEW_USER | NEW_PID | NEW_MOUNT | NEW_NET | NEW_IPC | NEW_UTS | NEW_CGROUP)
    _map(0, uid, 0, gid)
    first = os.fork()
    if first:
        # The grader learns which process to end by a descriptor: numbers mean nothing across namespaces.
        with socket.socket(fileno=status) as told:
            socket.send_fds(told, [b"first"], [os.pidfd_open(first)])
        os._exit(0)
    os.setsid()
    _lay_out(REQUEST.unpack_from(request)[0])
    _write("/proc/sys/user/max_user_namespaces", "1")  # the next one, and none after it
    _call("unshare", NEW_USER)
    _map(uid, 0, gid, 0)
    _give_up_rights(request[REQUEST.size :])
    worker = os.fork()
    if worker:
        _wait_for(worker, status)
    os.close(status)


def _map(uid, outer_uid, gid, outer_gid):
    """One user and one group in a new user namespace."""
    _write("/proc/self/setgroups", "deny")
    _write("/proc/self/gid_map", f"{gid} {outer_gid} 1")
    _write("/proc/self/uid_map", f"{uid} {outer_uid} 1")


def _lay_out(scratch_bytes):
    """What may not be shared: processes, terminals, scratch and the network's own interface. All else is read-only."""
    _mount("proc", "/proc", NO_SUID | NO_DEVICES | NO_PROGRAMS)
    _mount("devpts", "/dev/pts", NO_SUID | NO_PROGRAMS, "newinstance,ptmxmode=0666,mode=620")
    _mount("tmpfs", "/scratch", NO_SUID | NO_DEVICES, f"mode=0700,size={scratch_bytes}")
    os.chdir("/scratch")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, SET_INTERFACE, struct.pack("16sh22x", b"lo", INTERFACE_UP))


def _give_up_rights(instructions):
    """No capability, none to be gained, and the filter: for this process and all that it starts."""
    _control(AMBIENT, CLEAR_ALL)
    for capability in range(HIGHEST_CAPABILITY + 1):
        try:
            _control(DROP_BOUND, capability)
        except OSError:
            break  # the kernel knows no more of them
    _call("capset", CAPABILITIES, bytes(24))
    _control(NO_NEW_PRIVILEGES, 1)
    if instructions:
        program = _Program(len(instructions) // INSTRUCTION, instructions)
        _control(SET_SECCOMP, FILTER, ctypes.addressof(program))


def _wait_for(worker, status):
    """The first process of the namespace: collects whatever ends, and ends with the worker."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # ignored by a first process, as all others are
    name = ctypes.create_string_buffer(b"first")
    _control(SET_NAME, ctypes.addressof(name))
    os.closerange(0, status)
    while True:
        pid, ended = os.wait()
        if pid == worker:
            code = os.waitstatus_to_exitcode(ended)
            os.write(status, bytes([code if code >= 0 else 128 - code]))
            os._exit(0)


def _mount(kind, place, flags, options=""):
    _call("mount", kind.encode(), place.encode(), kind.encode(), ctypes.c_ulong(flags), options.encode())


def _control(what, *arguments):
    words = [ctypes.c_ulong(argument) for argument in (*arguments, 0, 0, 0, 0)][:4]
    _call("prctl", what, *words)


def _call(name, *arguments):
    if getattr(_library, name)(*arguments) < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def _write(path, text):
    with open(path, "w") as file:
        file.write(text)
