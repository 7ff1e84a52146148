"""A few attacks of every kind through the real `autograder grade`; `make attacks` runs them all."""

from __future__ import annotations

import re

import pytest

from tests.attacks.all_attacks import Run, got_everything, judge, name_of, sentences
from tests.attacks.attack import load
from tests.attacks.place import NEIGHBOUR, TWIN, listening, our_place
from tests.needs_sandbox import skip_without_sandbox

NAMES = """
strips-assert equals-everything array-subclass patches-allclose patches-worker shadows-numpy walks-frames walks-garbage
reads-source-notebook reads-environment writes-gradebook writes-startup exit-now segfault hangs-loop hangs-in-a-cell
hundred-gigabytes nested-reply fork-bomb daemon fills-disk page-message page-terminal talks-tcp talks-unix-abstract
forges-garbage forges-other-kind replies-before-the-call value-nan value-objects reduce loads-npy kills-all ptrace
memorises imports-reference empties-arguments in-place file-tests-unlocked file-one-name file-format-3 file-cut-off
file-link-to-passwd file-linked-folder name-html name-newline name-formula a-matter-of-chance honest-warnings
honest-magics honest-missing-import honest-old-outputs
""".split()
SOME = [load()[name] for name in NAMES]
# One class for all of them: in one process.
pytestmark = pytest.mark.xdist_group("attacks")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    skip_without_sandbox()
    folder = tmp_path_factory.mktemp("sample")
    with listening(folder) as listeners:
        yield Run(our_place(folder, SOME, listeners), "autograder")


@pytest.mark.parametrize("attack", SOME, ids=name_of)
def test_it_gets_what_it_earned_and_the_result_says_what_happened(run, attack):
    judge(attack, run.result(attack.student_id))
    if attack.has_twin:
        twin = run.result(TWIN + attack.student_id)
        assert got_everything(twin), sentences(twin)


def test_the_class_and_the_machine_are_as_before(run):
    place = run.place
    assert place.untouched() == run.before
    assert (place.left(), run.strays, place.listeners.heard) == (set(), [], [])
    assert got_everything(run.result(NEIGHBOUR))
    assert run.done.returncode == 3, run.done.stderr
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e]", run.done.stdout)
    written = run.done.stdout + run.done.stderr
    for path in (place.course / "autograded").rglob("*.ipynb"):
        written += path.read_text()
    assert "SECRET of" not in written
