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
_NUMBER_AT, _MACHINE_AT, _ARGUMENT_AT = 0, 4, 16  # offsets in struct seccomp_data, of the first argument's low half
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

# socket(2) gives these families only, all of them in the sandbox's own network namespace: UNIX, INET, INET6. Others
# are not kept apart by a namespace (vsock reaches the machine and its host) or are kernel services (ALG, NETLINK).
_SOCKET = {"x86_64": 41, "aarch64": 198}
_FAMILIES = (1, 2, 10)


def program(sockets: bool = True) -> bytes:
    """The filter for this machine; b"" on machines whose numbers are not listed.

    Without `sockets` none can be made, for where no namespace keeps them apart.
    """
    if platform.machine() not in _DENIED:
        return b""
    machine, denied = _DENIED[platform.machine()]
    # (what, line to go to when it is so, when it is not, value); None: the next line.
    lines = [
        (_LOAD, None, None, _MACHINE_AT),
        (_JUMP_EQUAL, None, "kill", machine),
        (_LOAD, None, None, _NUMBER_AT),
        (_JUMP_AT_LEAST, "refuse", None, _X32),
        *((_JUMP_EQUAL, "refuse", None, number) for number in denied),
        (_JUMP_EQUAL, None, "allow", _SOCKET[platform.machine()]),
        (_LOAD, None, None, _ARGUMENT_AT),
        *((_JUMP_EQUAL, "allow", None, family) for family in (_FAMILIES if sockets else ())),
    ]
    ends = {"refuse": _NOT_PERMITTED, "allow": _ALLOW, "kill": _KILL}
    places = {name: len(lines) + number for number, name in enumerate(ends)}
    lines += [(_RETURN, None, None, value) for value in ends.values()]

    def distance(here: int, name: str | None) -> int:
        return 0 if name is None else places[name] - here - 1

    return b"".join(
        struct.pack("=HBBI", what, distance(here, yes), distance(here, no), value)
        for here, (what, yes, no, value) in enumerate(lines)
    )
