"""A filter of system calls that would get around the limits: memory outside processes, namespaces, tracing.

bubblewrap already takes away every right; this closes what needs none. The filter is a classic BPF program,
as seccomp(2) describes it: it looks at the number of the call and answers "not permitted".
"""

from __future__ import annotations

import platform
import struct

_LOAD, _JUMP_EQUAL, _JUMP_AT_LEAST, _RETURN = (
    0x20,
    0x15,
    0x35,
    0x06,
)  # BPF_LD|W|ABS, BPF_JMP|JEQ|K, JGE, BPF_RET|K
_ALLOW, _KILL, _NOT_PERMITTED = (
    0x7FFF0000,
    0x80000000,
    0x00050001,
)  # SECCOMP_RET_ALLOW, KILL_PROCESS, ERRNO|EPERM
_NUMBER_AT, _MACHINE_AT = 0, 4  # offsets in struct seccomp_data
_X32 = 0x40000000  # x86-64's other calling convention

# Machine -> AUDIT_ARCH, and the numbers of: shared memory and queues (shmget, shmat, semget, msgget,
# memfd_create, memfd_secret), namespaces and mounts (unshare, setns, mount, pivot_root, move_mount, fsopen,
# open_tree), other processes (ptrace, process_vm_readv, process_vm_writev, pidfd_getfd), and kernel services
# (add_key, request_key, keyctl, bpf, perf_event_open, userfaultfd, io_uring).
_MEMORY_X86, _MEMORY_ARM = (29, 30, 64, 68, 319, 447), (194, 196, 190, 186, 279, 447)
_MOUNTS_X86, _MOUNTS_ARM = (272, 308, 165, 155, 429, 430, 428), (97, 268, 40, 41, 429, 430, 428)
_OTHERS_X86, _OTHERS_ARM = (101, 310, 311, 438), (117, 270, 271, 438)
_KERNEL_X86 = (248, 249, 250, 321, 298, 323, 425, 426, 427)
_KERNEL_ARM = (217, 218, 219, 280, 241, 282, 425, 426, 427)
_DENIED = {
    "x86_64": (0xC000003E, (*_MEMORY_X86, *_MOUNTS_X86, *_OTHERS_X86, *_KERNEL_X86)),
    "aarch64": (0xC00000B7, (*_MEMORY_ARM, *_MOUNTS_ARM, *_OTHERS_ARM, *_KERNEL_ARM)),
}


def program() -> bytes:
    """The filter for this machine; b"" on machines whose numbers are not listed."""
    if platform.machine() not in _DENIED:
        return b""
    machine, denied = _DENIED[platform.machine()]
    lines = [
        (_LOAD, 0, 0, _MACHINE_AT),
        (_JUMP_EQUAL, 1, 0, machine),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER_AT),
        (_JUMP_AT_LEAST, len(denied) + 1, 0, _X32),
    ]
    for left, number in zip(range(len(denied), 0, -1), denied, strict=True):
        lines.append((_JUMP_EQUAL, left, 0, number))
    lines += [(_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _NOT_PERMITTED)]
    return b"".join(struct.pack("=HBBI", *line) for line in lines)
