"""nbgrader's own loop, as an instructor walks it in the browser: release, collect, grade, feedback, export."""

from __future__ import annotations

import csv
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.utils import is_grade, is_solution

from autograder.paths import BACKPASS, ROOT, source_notebook
from tests.chromium import chromium
from tests.formgrader_server import Server

pytestmark = pytest.mark.xdist_group("browser")

UNIT = "convolution"
PATIENCE = 120_000  # milliseconds, against hanging
COMMENT = "Well argued; the border is missing."
# As Canvas and Moodle name what they let an instructor download; the numbers are the students' ids.
CANVAS = {"4711": "smithjane_4711_9001_convolution.ipynb", "4712": "doejoe_LATE_4712_9002_convolution-1.ipynb"}
MOODLE = {"4713": "Ada Example_4713_assignsubmission_file_/convolution.ipynb"}
PLATFORM = "autograder.nbgrader_plugin.platforms"


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A course with the three lines of instructors.md, and one unit."""
    if shutil.which("bwrap") is None:
        pytest.skip("bubblewrap is not installed")
    (tmp_path / "source" / UNIT).mkdir(parents=True)
    shutil.copy(source_notebook(UNIT), tmp_path / "source" / UNIT)
    text = (ROOT / "docs" / "instructors.md").read_text(encoding="utf-8")
    lines = text.partition("with three lines in its")[2].partition("```python\n")[2].partition("```")[0]
    assert "configure(c)" in lines
    (tmp_path / "nbgrader_config.py").write_text(f"{lines}c.CourseDirectory.course_id = 'tiny'\n")
    return tmp_path


@pytest.fixture
def server(course: Path) -> Iterator[Server]:
    running = Server(course)
    yield running
    running.close()


@pytest.fixture
def page(server: Server) -> Iterator:
    with chromium() as browser:
        context = browser.new_context(viewport={"width": 1280, "height": 1000})
        # There is no network: MathJax, which nbconvert's template asks for, does not come.
        context.route("**/*", lambda route: route.continue_() if server.address in route.request.url else route.abort())
        page, complaints = context.new_page(), []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.set_default_timeout(PATIENCE)
        page.goto(f"{server.address}/formgrader/manage_assignments?token=token")
        yield page
        context.close()
        assert not complaints


def nbgrader(course: Path, *words: str) -> None:
    path = os.pathsep.join([str(ROOT), str(BACKPASS.parent), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-m", "nbgrader", *words]
    done = subprocess.run(command, cwd=course, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def press(page, button, said: str) -> None:
    """Press one of formgrader's buttons, wait for its dialog, and close it."""
    button.click()
    dialog = page.locator(".modal.in")
    dialog.wait_for()
    assert said in dialog.inner_text(), dialog.inner_text()
    dialog.locator("[data-dismiss]").last.click()
    dialog.wait_for(state="detached")


def handed_in(course: Path) -> dict[str, NotebookNode]:
    """Three submissions of what formgrader released: all right, `pad2d` a stub, nothing done."""
    model = nbformat.read(source_notebook(UNIT), as_version=4).cells
    made = {}
    for student in (*CANVAS, *MOODLE):
        notebook = nbformat.read(course / "release" / UNIT / f"{UNIT}.ipynb", as_version=4)
        for cell, answer in zip(notebook.cells, model, strict=True):
            stub = student == "4713" or (student == "4712" and "def pad2d(" in answer.source)
            if is_solution(cell) and not stub:
                cell.source = re.sub(r"\s*### (BEGIN|END) SOLUTION", "", answer.source)
        made[student] = notebook
    return made


def download(course: Path, submissions: dict[str, NotebookNode]) -> None:
    """The zips that Canvas and Moodle make for an instructor."""
    folder = course / "downloaded" / UNIT / "archive"
    folder.mkdir(parents=True)
    for platform, names in (("canvas", CANVAS), ("moodle", MOODLE)):
        with zipfile.ZipFile(folder / f"{platform}.zip", "w") as archive:
            for student, name in names.items():
                archive.writestr(name, nbformat.writes(submissions[student]))


def manual_question(course: Path) -> tuple[str, float]:
    cells = nbformat.read(course / "release" / UNIT / f"{UNIT}.ipynb", as_version=4).cells
    marks = next(cell.metadata.nbgrader for cell in cells if is_grade(cell) and is_solution(cell))
    return marks.grade_id, float(marks.points)


def grades(course: Path, student: str) -> dict:
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as gradebook:
        notebook = gradebook.find_submission_notebook(UNIT, UNIT, student)
        return {g.name: (g.score, g.max_score, g.manual_score, g.needs_manual_grade) for g in notebook.grades}


def table(path: Path) -> list[dict[str, str]]:
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def autograde(page, student: str) -> None:
    page.goto(re.sub(r"/formgrader/.*", f"/formgrader/manage_submissions/{UNIT}", page.url))
    row = page.locator("tbody tr").filter(has=page.locator(".student-id", has_text=student))
    press(page, row.locator(".autograde a"), "Successfully autograded")


def grade_by_hand(page, question: str, student: str, score: float, comment: str, picture: Path) -> str:
    """From the list of submissions into one, and what a grader types there; returns the page's text."""
    page.goto(re.sub(r"/formgrader/.*", f"/formgrader/gradebook/{UNIT}/{UNIT}", page.url))
    page.locator("tbody a.name-hidden").first.wait_for()
    page.get_by_role("button", name="Show All Names").click()
    page.locator("tbody a.name-shown", has_text=student).click()
    page.wait_for_function(
        "typeof formgrader !== 'undefined' && formgrader.loaded && "
        "formgrader.grades.loaded && formgrader.comments.loaded"
    )
    field = page.locator(f"#{question}")
    field.fill(f"{score:g}")
    with page.expect_response(re.compile("/api/grade/")) as saved:
        field.press("Tab")  # to the comment: leaving the field saves it
    assert saved.value.ok
    area = page.locator(f"#{question}-comment")
    area.fill(comment)
    with page.expect_response(re.compile("/api/comment/")) as saved:
        area.press("Escape")
    assert saved.value.ok
    field.scroll_into_view_if_needed()
    page.screenshot(path=picture)
    return page.locator("#notebook").first.inner_text()


def test_release_collect_grade_feedback_export(course, page):
    row = page.locator("tbody tr").filter(has=page.locator(".name", has_text=UNIT))
    press(page, row.locator(".assign a"), "Successfully created the student version")
    assert (course / "release" / UNIT / "cases.npz").is_file()
    question, most = manual_question(course)

    download(course, handed_in(course))
    nbgrader(course, "zip_collect", UNIT)
    assert {path.name for path in (course / "submitted").iterdir()} == {*CANVAS, *MOODLE}

    for student in (*CANVAS, *MOODLE):
        autograde(page, student)
    before = {student: grades(course, student) for student in ("4711", "4712", "4713")}
    assert all(score >= most for name, (score, most, *_) in before["4711"].items() if name != question)
    assert before["4712"]["pad2d"][0] == 0 < before["4712"]["convolve1d"][0]
    assert all(score == 0 for score, *_ in before["4713"].values())
    assert before["4711"][question] == (0, most, None, True), "it waits for a person"

    text = grade_by_hand(page, question, "4711", most - 1, COMMENT, course / "formgrade.png")
    assert "Rubric" in text, "the rubric stands beside the answer"
    assert grades(course, "4711")[question] == (most - 1, most, most - 1, False)
    grade_by_hand(page, question, "4712", 0.5, "Short.", course / "formgrade.png")

    page.goto(re.sub(r"/formgrader/.*", "/formgrader/manage_assignments", page.url))
    press(page, row.locator(".generate-feedback a"), "Successfully generated feedback")
    feedback = (course / "feedback" / "4711" / UNIT / f"{UNIT}.html").read_text(encoding="utf-8")
    assert COMMENT in feedback
    rows = grades(course, "4711").values()
    total, possible = sum(score for score, *_ in rows), sum(most for _, most, *_ in rows)
    assert f"{total:g} / {possible:g}" in re.sub(r"<[^>]+>", "", feedback)

    nbgrader(course, "export")
    own = {line["student_id"]: line for line in table(course / "grades.csv")}
    assert (float(own["4711"]["score"]), float(own["4711"]["max_score"])) == (total, possible)
    nbgrader(course, "export", "--exporter", f"{PLATFORM}.Canvas", "--to", "canvas.csv")
    canvas = {line["SIS Login ID"]: line[UNIT] for line in table(course / "canvas.csv")}
    nbgrader(course, "export", "--exporter", f"{PLATFORM}.Moodle", "--to", "moodle.csv")
    moodle = {line["username"]: line[UNIT] for line in table(course / "moodle.csv")}
    for student in ("4711", "4712"):
        assert canvas[student] == moodle[student] == own[student]["score"] != ""
