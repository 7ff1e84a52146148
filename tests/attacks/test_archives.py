"""Row 20, by the real `nbgrader zip_collect` with our configuration, and by nbgrader's own extractor beside it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.attacks.archives import ARCHIVES, GOOD, NOTEBOOK
from tests.attacks.place import Listeners, Place, listening

RIGHT = b'{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'
CONFIG = """
c.FileNameCollectorPlugin.named_regexp = r".*/(?P<student_id>[^/]+?)/(?P<file_id>convolution\\.ipynb)"
c.Extractor.max_bytes = 16 << 20
"""
SET_UP = "from autograder.nbgrader_plugin import configure\nc = get_config()\nconfigure(c)\n"


def collected(root: Path, listeners: Listeners, config: str, names: list[str]):
    """A course in which these archives were handed in, after `nbgrader zip_collect`."""
    place = Place(root, listeners)
    out = root / "out"
    for folder in (out, place.home, place.marks, place.course / "release" / "convolution"):
        folder.mkdir(parents=True)
    (place.course / "release" / "convolution" / NOTEBOOK).write_bytes(RIGHT)
    (place.course / "nbgrader_config.py").write_text(config + CONFIG)
    archive = place.course / "downloaded" / "convolution" / "archive"
    archive.mkdir(parents=True)
    for name in names:
        (archive / f"{name.partition('.')[0]}-{name[-2:]}.{name.partition('.')[2]}").write_bytes(
            ARCHIVES[name](RIGHT, str(out))
        )
    (archive / "linked.zip").symlink_to("/etc/passwd")
    return place, place.command("nbgrader", "zip_collect", "convolution", timeout=300)


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    root = tmp_path_factory.mktemp("archives")
    with listening(root) as listeners:
        yield collected(root / "class", listeners, SET_UP, list(ARCHIVES))


def test_right_notebooks_are_collected_and_nothing_else_is_written(ours):
    place, done = ours
    assert done.returncode == 0, done.stderr[-3000:]
    submitted = {path.parent.parent.name: path for path in (place.course / "submitted").glob("*/convolution/*.ipynb")}
    for name in GOOD:
        student = f"{name.partition('.')[0]}-{name[-2:]}"
        assert student in submitted, (student, done.stderr[-3000:])
        assert submitted[student].read_bytes() == RIGHT
    inside = place.course / "downloaded" / "convolution" / "extracted"
    assert not [path for path in place.root.parent.rglob("canary*") if not path.is_relative_to(inside)]
    assert list((place.root / "out").iterdir()) == []


def test_what_is_left_is_bounded_and_ordinary(ours):
    place, done = ours
    extracted = place.course / "downloaded" / "convolution" / "extracted"
    files = [path for path in extracted.rglob("*") if not path.is_dir()]
    assert not [path for path in files if path.is_symlink() or not path.is_file()]
    for archive in extracted.iterdir():
        inside = [path for path in archive.rglob("*") if path.is_file()]
        assert sum(path.stat().st_size for path in inside) <= 17 << 20
        assert len(inside) <= 2000
    assert "root:" not in "".join(path.read_bytes()[:10_000].decode("latin-1") for path in files)
    said = done.stdout + done.stderr
    for words in ("unpacks to more than 16 MiB", "more than 2000 files", "nested more than 3 deep", "is left out"):
        assert words in said
    assert not re.search(r"^Traceback", said, re.MULTILINE)


@pytest.mark.parametrize(
    ("name", "what"), [("upwards.zip", "ends the run"), ("nested.zip", "goes on"), ("bomb.zip", "fills")]
)
def test_control_nbgraders_own_extractor(tmp_path, name, what):
    with listening(tmp_path) as listeners:
        place, done = collected(tmp_path / "class", listeners, "c = get_config()\n", [name, "right.zip"])
    extracted = place.course / "downloaded" / "convolution" / "extracted"
    sizes = [path.stat().st_size for path in extracted.rglob("*") if path.is_file()]
    if what == "ends the run":
        assert done.returncode != 0 or not list((place.course / "submitted").glob("right*"))
    elif what == "goes on":
        assert list(extracted.rglob("deep.txt")), "twenty archives in one another were all unpacked"
    else:
        assert max(sizes) == 64 << 20
