"""Row 20: archives. Each is what one student handed in; `nbgrader zip_collect` unpacks them all in one run."""

from __future__ import annotations

import gzip
import io
import stat
import subprocess
import tarfile
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import nbformat

from autograder.results import Result
from tests.attacks.place import FILE, UNIT, Listeners, Place, our_course, results_of
from tests.class_factory import Maker

# As nbgrader's documentation says it: whose archive it was is the name of the folder that it was unpacked to.
CONFIG = r"""
c.FileNameCollectorPlugin.named_regexp = r".*/(?P<student_id>[^/]+?)/(?P<file_id>convolution\.ipynb)"
"""
OURS = CONFIG + "c.Extractor.max_bytes = 16 << 20\n"
BOMB = 64 << 20


@dataclass(frozen=True)
class Archive:
    """What was handed in under a file name; `make` gets the right notebook and a folder outside."""

    file: str
    what: str
    make: Callable[[bytes, str], bytes]
    # Whether the right notebook in it is collected, and what the log says.
    whole: bool = True
    says: str = ""
    # Control: "stopped" where nbgrader's own extractor ends for the whole class, "took" where it knows no bounds.
    plain: str = ""

    @property
    def student(self) -> str:
        return self.file.partition(".")[0]


def _zip(*members: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members:
            file.writestr(name, data)
    return held.getvalue()


def _tar(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w:gz") as file:
        for info, data in members:
            info.size = len(data)
            file.addfile(info, io.BytesIO(data))
    return held.getvalue()


def _tar_info(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def _zip_link(name: str, target: str) -> tuple[zipfile.ZipInfo, bytes]:
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    return info, target.encode()


def _nested(depth: int) -> bytes:
    data = _zip(("deep.txt", b"here"))
    for _ in range(depth):
        data = _zip(("inner.zip", data))
    return data


def _lying(size: int) -> bytes:
    """A member whose headers announce one byte."""
    data = bytearray(_zip(("zeros", bytes(size))))
    for at in (data.find(b"PK\3\4") + 22, data.find(b"PK\1\2") + 24):
        data[at : at + 4] = (1).to_bytes(4, "little")
    return bytes(data)


LEFT_OUT = "is left out"
ARCHIVES = [
    Archive("right-zip.zip", "a right one", lambda right, out: _zip((FILE, right))),
    Archive("right-tar.tar.gz", "a right one", lambda right, out: _tar((_tar_info(FILE), right))),
    Archive(
        "upwards-zip.zip", "a member named ../../../../canary", plain="stopped", says=LEFT_OUT,
        make=lambda right, out: _zip(("../../../../canary", b"x"), (FILE, right)),
    ),
    Archive(
        "absolute-zip.zip", "a member with an absolute name", plain="stopped", says=LEFT_OUT,
        make=lambda right, out: _zip((f"{out}/canary", b"x"), (FILE, right)),
    ),
    Archive(
        "prefix-zip.zip", "a folder beside that begins with the same name", plain="stopped", says=LEFT_OUT,
        make=lambda right, out: _zip(("../prefix-zip-evil/canary", b"x"), (FILE, right)),
    ),
    Archive(
        "backslash-zip.zip", "the same in the words of another system", plain="stopped", says=LEFT_OUT,
        make=lambda right, out: _zip(("..\\..\\..\\canary", b"x"), ("C:\\canary", b"x"), (FILE, right)),
    ),
    Archive(
        "link-zip.zip", "links, and a member below one of them", plain="stopped", says=LEFT_OUT,
        make=lambda right, out: _zip(
            _zip_link("out", out), ("out/canary", b"x"), _zip_link("passwd.ipynb", "/etc/passwd"), (FILE, right)
        ),
    ),
    Archive(
        "twice-zip.zip", "one name three times, in other cases", says=LEFT_OUT,
        make=lambda right, out: _zip((FILE, right), ("CONVOLUTION.ipynb", b"{}"), (FILE.upper(), b"{}")),
    ),
    Archive(
        "letters-zip.zip", "names in other letters and directions",
        make=lambda right, out: _zip((FILE, right), ("gr\xf6\xdfe.txt", b"x"), ("\u202egpj.exe", b"x")),
    ),
    Archive(
        "upwards-tar.tar.gz", "a member named ../../../../canary", plain="stopped", says=LEFT_OUT,
        make=lambda right, out: _tar((_tar_info("../../../../canary"), b"x"), (_tar_info(FILE), right)),
    ),
    Archive(
        "absolute-tar.tar.gz", "a member with an absolute name", plain="stopped", says=LEFT_OUT,
        make=lambda right, out: _tar((_tar_info(f"{out}/canary"), b"x"), (_tar_info(FILE), right)),
    ),
    Archive(
        "link-tar.tar.gz", "links of both kinds, and a member below one of them", says=LEFT_OUT,
        make=lambda right, out: _tar(
            (_tar_info("out", tarfile.SYMTYPE, out), b""), (_tar_info("out/canary"), b"x"),
            (_tar_info("passwd", tarfile.LNKTYPE, "/etc/passwd"), b""), (_tar_info(FILE), right),
        ),
    ),
    Archive(
        "device-tar.tar.gz", "a device and a pipe", says=LEFT_OUT,
        make=lambda right, out: _tar(
            (_tar_info("zero", tarfile.CHRTYPE), b""), (_tar_info("pipe", tarfile.FIFOTYPE), b""),
            (_tar_info(FILE), right),
        ),
    ),
    Archive(
        "bomb-zip.zip", "64 MiB of zeros behind the notebook", plain="took", says="unpacks to more than 16 MiB",
        make=lambda right, out: _zip((FILE, right), ("zeros", bytes(BOMB))),
    ),
    Archive(
        "bomb-tar.tar.gz", "64 MiB of zeros behind the notebook", plain="took", says="unpacks to more than 16 MiB",
        make=lambda right, out: _tar((_tar_info(FILE), right), (_tar_info("zeros"), bytes(BOMB))),
    ),
    Archive(
        "lying-zip.zip", "64 MiB that are announced as one byte", plain="stopped", whole=False,
        make=lambda right, out: _lying(BOMB),
    ),
    Archive(
        "many-zip.zip", "3000 files behind the notebook", plain="took", says="more than 2000 files",
        make=lambda right, out: _zip((FILE, right), *((f"f{n}", b"") for n in range(3000))),
    ),
    Archive(
        "nested-zip.zip", "twenty archives in one another", plain="took", says="nested more than 3 deep", whole=False,
        make=lambda right, out: _nested(20),
    ),
    Archive(
        "broken-zip.zip", "the end of the file is missing", plain="stopped", whole=False,
        make=lambda right, out: _zip((FILE, right))[:-40],
    ),
    Archive(
        "no-archive.gz", "compressed text that is no archive", plain="stopped", whole=False,
        make=lambda right, out: gzip.compress(b"just text"),
    ),
    Archive("empty-zip.zip", "an empty file", plain="stopped", whole=False, make=lambda right, out: b""),
]  # fmt: skip
LINKED = "linked-zip.zip"  # a link to /etc/passwd in an archive's place


def collected(place: Place, archives: Iterable[Archive], right: bytes) -> subprocess.CompletedProcess:
    """Hand these archives in, and run `nbgrader zip_collect`."""
    out = place.root / "out"
    out.mkdir()
    folder = place.course / "downloaded" / UNIT.name / "archive"
    folder.mkdir(parents=True, exist_ok=True)
    for archive in archives:
        (folder / archive.file).write_bytes(archive.make(right, str(out)))
    return place.command("nbgrader", "zip_collect", UNIT.name, timeout=600)


def graded(root: Path, listeners: Listeners) -> tuple[Place, str, dict[str, Result]]:
    """A course of ours in which all archives were handed in, after zip_collect and grade; what zip_collect said."""
    place = our_course(root, listeners, OURS)
    maker = Maker(UNIT, nbformat.read(place.course / "release" / UNIT.name / FILE, as_version=4))
    folder = place.course / "downloaded" / UNIT.name / "archive"
    folder.mkdir(parents=True)
    (folder / LINKED).symlink_to("/etc/passwd")
    before = place.untouched()
    done = collected(place, ARCHIVES, nbformat.writes(maker.notebook(maker.model_answers)).encode())
    assert done.returncode == 0, done.stderr[-3000:]
    grade = place.command("autograder", "grade", UNIT.name)
    assert grade.returncode == 0, grade.stdout + grade.stderr
    assert place.untouched() == before
    return place, done.stdout + done.stderr, results_of(place)


def by_plain_nbgrader(archive: Archive, root: Path, listeners: Listeners) -> set[str]:
    """What an archive does to nbgrader's own extractor, beside a right one that comes after it."""
    place = Place(root, listeners)
    release = place.course / "release" / UNIT.name
    for folder in (place.home, place.marks, release):
        folder.mkdir(parents=True)
    right = b'{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'
    (release / FILE).write_bytes(right)
    (place.course / "nbgrader_config.py").write_text("c = get_config()\n" + CONFIG)
    neighbour = Archive("zz-neighbour.zip", "a right one", ARCHIVES[0].make)
    collected(place, [archive, neighbour], right)
    effects = set()
    if not (place.course / "submitted" / neighbour.student / UNIT.name / FILE).is_file():
        effects.add("stopped")
    extracted = [path for path in (place.course / "downloaded").rglob("*") if path.is_file()]
    unbounded = sum(path.stat().st_size for path in extracted) > BOMB or len(extracted) > 3000
    if unbounded or any(path.name == "deep.txt" for path in extracted):
        effects.add("took")
    return effects
