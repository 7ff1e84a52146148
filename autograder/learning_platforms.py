"""Giving grades and feedback back to Canvas and Moodle: their own CSV filled in, zips under the names they issued."""

from __future__ import annotations

import csv
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from autograder.nbgrader_plugin.collect import members
from autograder.nbgrader_plugin.exporter import safe_text


class Unusable(ValueError):
    """The file or folder that was given cannot serve; the text says what is missing."""


@dataclass(frozen=True)
class Platform:
    """What a learning platform calls things in its CSV.

    ids: columns that may hold the student's id, the platform's own number first; names: columns that people wrote;
    kept: columns that are handed back beside the grade (None: all); grade: the grade's column, where it is fixed.
    """

    name: str
    ids: tuple[str, ...]
    names: tuple[str, ...]
    kept: tuple[str, ...] | None
    grade: str = ""


CANVAS = Platform(
    "Canvas",
    ids=("ID", "SIS User ID", "SIS Login ID", "Integration ID"),
    names=("Student",),
    kept=("Student", "ID", "SIS User ID", "SIS Login ID", "Integration ID", "Section"),
)
MOODLE = Platform(
    "Moodle",
    ids=("Identifier", "ID number", "Email address", "Username"),
    names=("Full name",),
    kept=None,
    grade="Grade",
)
PLATFORMS = {"canvas": CANVAS, "moodle": MOODLE}


@dataclass
class Filled:
    """What became of a roster: its rows, and who is not in the one list or in the other."""

    header: list[str]
    rows: list[list[str]]
    graded: int
    waiting: list[str]
    unknown: list[str]


def read_roster(path: Path) -> list[list[str]]:
    """The rows of a platform's CSV, the header first."""
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            rows = [row for row in csv.reader(file) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise Unusable(f"{path} cannot be read as a CSV in UTF-8: {error}.") from None
    if len(rows) < 2:
        raise Unusable(f"{path} holds no students.")
    return rows


def fill(platform: Platform, roster: list[list[str]], grades: list[dict], column: str) -> Filled:
    """The platform's CSV with one column of grades; ids stay as they are, what has no score stays empty.

    grades: rows of nbgrader_plugin.exporter. column: begins the name of the column, as "convolution" does that of
    "convolution (4711)"; where the platform has none yet, one of that name is added. Students are known by the
    platform's number, by their login, or by their e-mail address.
    """
    header = [cell.strip() for cell in roster[0]]
    id_columns = [header.index(name) for name in platform.ids if name in header]
    if not id_columns:
        raise Unusable(
            f"The CSV has none of the columns {', '.join(platform.ids)}: export it from {platform.name}'s gradebook."
        )
    place = _grade_column(platform, header, column)
    if place == len(header):
        header.append(column)
    by_id = {str(row["student_id"]).casefold(): row for row in grades}
    by_mail = {str(row["email"]).casefold(): row for row in grades if row.get("email")}
    names = {header.index(name) for name in platform.names if name in header}
    rows, seen, waiting = [], set(), []
    for line in roster[1:]:
        cells = [*line, *[""] * (len(header) - len(line))]
        if "points possible" in cells[0].strip().casefold():
            rows.append(cells)
            continue
        found = _student(cells, id_columns, by_id, by_mail)
        score = found.get("score") if found else None
        cells[place] = "" if score is None else f"{score:g}"
        if found:
            seen.add(found["student_id"])
            if score is None:
                waiting.append(str(found["student_id"]))
        rows.append([str(safe_text(cell)) if i in names else cell for i, cell in enumerate(cells)])
    kept = [i for i, name in enumerate(header) if platform.kept is None or name in platform.kept or i == place]
    unknown = [str(row["student_id"]) for row in grades if row["student_id"] not in seen and row.get("timestamp")]
    return Filled(
        [header[i] for i in kept],
        [[cells[i] for i in kept] for cells in rows],
        len(seen) - len(waiting),
        waiting,
        unknown,
    )


def _grade_column(platform: Platform, header: list[str], column: str) -> int:
    if platform.grade:
        if platform.grade not in header:
            raise Unusable(f"The CSV has no column {platform.grade!r}: download {platform.name}'s grading worksheet.")
        return header.index(platform.grade)
    found = [i for i, name in enumerate(header) if re.sub(r" \(\d+\)$", "", name).casefold() == column.casefold()]
    if len(found) > 1:
        raise Unusable(f"Several columns are called {column!r}: name one of them with --column.")
    return found[0] if found else len(header)


def _student(cells: list[str], id_columns: list[int], by_id: dict[str, dict], by_mail: dict[str, dict]) -> dict | None:
    for i in id_columns:
        # Moodle's identifiers are "Participant 123"; the number is what stands in its files' names.
        key = cells[i].strip().removeprefix("Participant ").casefold()
        row = by_id.get(key) or by_mail.get(key)
        if key and row:
            return row
    return None


def write_csv(filled: Filled, path: Path) -> None:
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([filled.header, *filled.rows])


def issued_names(archives: Path, named: str) -> Iterator[tuple[str, str]]:
    """(student's id, name) of every file that was downloaded from a platform; `named` as in nbgrader's zip_collect."""
    for path in sorted(archives.rglob("*")):
        if not path.is_file():
            continue
        if zipfile.is_zipfile(path) or path.suffix in (".gz", ".tar", ".tgz"):
            names = [name for name, _, _ in members(path)]
        else:
            names = [path.relative_to(archives).as_posix()]
        for name in names:
            if found := re.match(named, name):
                yield found["student_id"], name


def feedback_zip(feedback: Path, unit: str, archives: Path, named: str, target: Path) -> tuple[int, list[str]]:
    """Write the feedback pages under the names that a platform issued; returns (how many, who has no such name).

    feedback: the course's feedback/ folder. A page takes the place of the notebook, with the ending .html: Canvas and
    Moodle know whose it is by what comes before.
    """
    names = dict(issued_names(archives, named))
    if not names:
        raise Unusable(
            f"{archives} holds no file under a name that Canvas or Moodle issued, so nobody could be told whose "
            "feedback is whose. Put the downloaded zip there, as for `nbgrader zip_collect`."
        )
    pages = {path.parent.parent.name: path for path in sorted(feedback.glob(f"*/{unit}/{unit}.html"))}
    target.parent.mkdir(parents=True, exist_ok=True)
    missing = []
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for student, page in pages.items():
            if student not in names:
                missing.append(student)
                continue
            issued = names[student]
            archive.write(page, issued[: len(issued) - len(Path(issued).suffix)] + ".html")
    return len(pages) - len(missing), missing
