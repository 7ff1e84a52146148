"""Row 20 by the real `nbgrader zip_collect` with our configuration, and what was collected by `autograder grade`.

pytest tests/attacks/all_archives.py            (make attacks)
"""

from __future__ import annotations

import re

import pytest

from tests.attacks.archives import ARCHIVES, by_plain_nbgrader, graded
from tests.attacks.place import UNIT, listening, rows_of
from tests.needs_sandbox import skip_without_sandbox


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    skip_without_sandbox()
    root = tmp_path_factory.mktemp("archives")
    with listening(root) as listeners:
        yield graded(root / "class", listeners)


@pytest.mark.parametrize("archive", ARCHIVES, ids=lambda archive: archive.file)
def test_a_right_notebook_gets_its_points_and_the_log_says_what_was_left_out(course, archive):
    place, said, results = course
    if not archive.whole:
        assert archive.student not in results
    else:
        result = results[archive.student]
        assert result.graded and result.score == result.max_score
        earned = rows_of(place, archive.student)
        assert all(earned[e.name] == result.exercise_score(e.name) for e in UNIT.exercises if not e.bonus)
    ours = re.compile(rf"{archive.student}.* (is left out|is not unpacked any further)")
    lines = [line for line in said.splitlines() if ours.search(line)]
    assert any(archive.says in line for line in lines) if archive.says or not archive.whole else not lines, lines


def test_nothing_is_written_outside(course):
    place, _, results = course
    inside = place.course / "downloaded" / UNIT.name / "extracted"
    assert not [path for path in place.root.parent.rglob("canary*") if not path.is_relative_to(inside)]
    assert list((place.root / "out").iterdir()) == []
    assert {path.name for path in (place.course / "submitted").iterdir()} == set(results)
    assert set(results) == {archive.student for archive in ARCHIVES if archive.whole}


def test_what_is_left_is_bounded_and_ordinary(course):
    place, said, _ = course
    extracted = place.course / "downloaded" / UNIT.name / "extracted"
    files = [path for path in extracted.rglob("*") if not path.is_dir()]
    assert not [path for path in files if path.is_symlink() or not path.is_file()]
    for archive in extracted.iterdir():
        inside = [path for path in archive.rglob("*") if path.is_file()]
        assert sum(path.stat().st_size for path in inside) <= 17 << 20
        assert len(inside) <= 2000
    assert "root:" not in "".join(path.read_bytes()[:10_000].decode("latin-1") for path in files)
    assert not re.search(r"^Traceback", said, re.MULTILINE)


@pytest.mark.parametrize("archive", [a for a in ARCHIVES if a.plain], ids=lambda archive: archive.file)
def test_control_nbgraders_own_extractor(tmp_path, archive):
    with listening(tmp_path) as listeners:
        assert by_plain_nbgrader(archive, tmp_path / "class", listeners) == {archive.plain}
