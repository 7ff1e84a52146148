"""Row 13: the network, and other processes of this machine through it. All goes to loopback listeners of ours."""

from __future__ import annotations

from tests.attacks.attack import attack

TALKS = """
import socket
def convolve1d(x, w, mode="full"):
    %s
    return np.zeros(1)
"""
for name, what, body in (
    (
        "tcp",
        "a TCP connection",
        'socket.create_connection(("127.0.0.1", @TCP@), 2).sendall(b"@NAME@")',
    ),
    (
        "udp",
        "a datagram",
        'socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"@NAME@", ("127.0.0.1", @UDP@))',
    ),
    (
        "dns",
        "a question in the form of DNS, with a secret in its name",
        """question = b"\\0\\1\\1\\0\\0\\1\\0\\0\\0\\0\\0\\0" + b"\\3@NAME@\\0\\0\\1\\0\\1"
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(question, ("127.0.0.1", @UDP@))""",
    ),
    (
        "unix-path",
        "a socket in the file system",
        's = socket.socket(socket.AF_UNIX); s.connect("@SOCKET@"); s.sendall(b"@NAME@")',
    ),
    (
        "unix-abstract",
        "a socket without a file",
        's = socket.socket(socket.AF_UNIX); s.connect("\\0@SOCKET@"); s.sendall(b"@NAME@")',
    ),
    (
        "raw",
        "a raw packet",
        's = socket.socket(socket.AF_INET, socket.SOCK_RAW, 1); open("@MARKS@/@NAME@", "w").close()',
    ),
    (
        "scan",
        "the services of the grader",
        """for line in open("/proc/net/tcp"):
        port = int(line.split()[1].rpartition(":")[2], 16) if ":" in line.split()[1] else 0
        if port == @TCP@: socket.create_connection(("127.0.0.1", port), 2).sendall(b"@NAME@")
    raise ConnectionError("nothing is listening")""",
    ),
    (
        "urllib",
        "a page of the grader's machine",
        'import urllib.request; urllib.request.urlopen("http://127.0.0.1:@TCP@/@NAME@", timeout=2).read()',
    ),
):
    # A datagram is sent into the sandbox's own empty network, and nobody hears it.
    lost = name in ("udp", "dns")
    attack(f"talks-{name}", 13, what, code=TALKS % body, expect="failed" if lost else "raised",
           plain="" if name == "raw" else "reached",
           uncontrolled="ordinary users have no raw sockets anywhere" if name == "raw" else "",
           says="" if lost else "refused|unreachable|No such file|not permitted|nothing is listening")  # fmt: skip
