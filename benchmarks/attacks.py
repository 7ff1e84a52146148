"""The attacks of tests/attacks against plain nbgrader and against Backpass, side by side.

    python -m benchmarks.attacks [--page docs/attacks.md] [--fresh] [NAME ...]

Plain nbgrader runs in a box that protects this machine, with a time limit of 4 s a cell (its default is 30 s), on
a course with hand-written hidden tests. What harms by its amount is done there in a moderate one, or not at all.
What is known of plain nbgrader is kept in build/attacks.json, so that an interrupted run goes on; `--fresh`
forgets it.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import re
import tempfile
from collections import Counter
from importlib import metadata
from pathlib import Path

from autograder.paths import ROOT
from autograder.results import Result
from tests.attacks.all_attacks import Run, got_everything, judge
from tests.attacks.archives import ARCHIVES, Archive, by_plain_nbgrader, graded
from tests.attacks.attack import EFFECTS, Attack, load
from tests.attacks.place import UNIT, listening, our_place
from tests.attacks.plain import PATIENCE, SECONDS, against_plain, can_be_run

KNOWN = ROOT / "build" / "attacks.json"
ROWS = {
    1: "IPython's hooks", 2: "objects that equal everything", 3: "replaced functions", 4: "walking through memory",
    5: "reading", 6: "writing", 7: "ending the process", 8: "hanging", 9: "memory and replies", 10: "processes",
    11: "filling up", 12: "scripts in pages", 13: "the network", 14: "forged replies and odd values", 15: "pickles",
    16: "other processes and the kernel", 17: "hard-coding and importing", 18: "arguments", 19: "the notebook file",
    20: "archives", 21: "names", 22: "not twice the same", 23: "honest trouble",
}  # fmt: skip
HEAD = ["", "| submission | plain nbgrader | Backpass |", "|---|---|---|"]


def plain_outcomes(attacks: list[Attack], archives: list[Archive], folder: Path, fresh: bool) -> dict[str, dict]:
    """Name -> {"effects", "seconds"} against plain nbgrader."""
    known = json.loads(KNOWN.read_text()) if KNOWN.exists() and not fresh else {}
    KNOWN.parent.mkdir(exist_ok=True)

    def keep(name: str, effects: set[str], seconds: float) -> None:
        known[name] = {"effects": sorted(effects), "seconds": round(seconds, 1)}
        KNOWN.write_text(json.dumps(known, indent=1, sort_keys=True))
        print(f"plain nbgrader  {name}: {', '.join(sorted(effects)) or 'nothing'}, {seconds:.1f} s", flush=True)

    with listening(folder) as listeners:
        missing = [attack for attack in attacks if attack.name not in known]
        if missing:
            for attack, outcome in against_plain(folder / "plain", missing, listeners):
                keep(attack.name, outcome.effects, outcome.seconds)
        for archive in archives:
            if archive.file not in known:
                keep(archive.file, by_plain_nbgrader(archive, folder / archive.student, listeners), 0.0)
    return known


def plain_cell(outcome: dict | None) -> str:
    """In words. Beyond the attack's own aim, what plain nbgrader does to right work is said, too."""
    if outcome is None:
        return "not run: it would harm the machine"
    return "; ".join(_words(name, outcome) for name in EFFECTS if name in outcome["effects"]) or "nothing"


def _words(name: str, outcome: dict) -> str:
    if name != "hung":
        return EFFECTS[name]
    if math.isinf(outcome["seconds"]):
        return f"held the run up until it was ended after {PATIENCE} s"
    return f"held the run up for {outcome['seconds']:.0f} s"


def our_cell(attack: Attack, result: Result) -> str:
    judge(attack, result)  # what the page says has been asserted
    if not result.graded:
        # As the student reads it, in a list; of a path only its end.
        sentence = re.sub("<[^>]*>", " ", result.trouble).partition("Not graded: ")[2]
        return "not graded: " + re.sub(r"'/\S*/(\S+/\S+)'", r"'\1'", " ".join(sentence.split()))
    if got_everything(result):
        return "full marks" + (f"; said: {result.notes[0][:100]}" if result.notes else "")
    items = result.of(attack.target)
    states = Counter(item.state.replace("_", " ") for item in items if item.state != "passed")
    earned, points = sum(item.points for item in items), sum(item.max_points for item in items)
    return f"{', '.join(states)}: {earned:g} of {points:g} points for it, all others earned"


def escaped(text: str) -> str:
    shown = "".join(c if c.isprintable() else "·" for c in text)
    for character in "\\|*_`[]{}$":
        shown = shown.replace(character, f"\\{character}")
    return shown.replace("<", "&lt;").replace(">", "&gt;")


def archive_row(archive: Archive, plain: dict[str, dict], said: str, results: dict[str, Result]) -> str:
    lines = [line for line in said.splitlines() if archive.student in line and archive.says and archive.says in line]
    told = "; the log says what is left out" if lines else ""
    result = results.get(archive.student)
    ours = "nothing to collect; the log says why"
    if result is not None:
        assert got_everything(result)
        ours = "full marks" + told
    return f"| {escaped(f'{archive.file}: {archive.what}')} | {plain_cell(plain[archive.file])} | {ours} |"


def page(attacks: list[Attack], archives: list[str], plain: dict[str, dict], run: Run) -> str:
    """The table, as Markdown."""
    here = [*(attack.name for attack in attacks), *(archive.file for archive in ARCHIVES if archives)]
    achieved = Counter(effect for name in here for effect in plain.get(name, {"effects": []})["effects"])
    lines = [
        "# Attacks, side by side",
        "",
        f"{len(here)} hostile, careless and unlucky submissions of unit 1, graded by plain `nbgrader autograde` "
        f"(nbgrader {metadata.version('nbgrader')}, its own configuration, hand-written hidden tests) and by "
        f"`autograder grade`, on the same machine (Python {platform.python_version()}, "
        f"NumPy {metadata.version('numpy')}, {os.cpu_count()} cores). Made by `python -m benchmarks.attacks`; what "
        "each submission does stands in `tests/attacks/`, and what protects is described in "
        "[Security](security.md).",
        "",
        f"Plain nbgrader ran in a box that protects the machine, with a limit of {SECONDS} s for a cell where its "
        "default is 30 s; the seconds are those of one submission, longer when the machine is busy. Attacks by "
        "sheer amount (memory, processes, files) were made there with a moderate amount, beyond what Backpass "
        "allows, or not at all.",
        "",
        "| what attacks achieved | plain nbgrader | Backpass |",
        "|---|---|---|",
        *(f"| {words} | {achieved[name]} | 0 |" for name, words in EFFECTS.items()),
        "",
        "For Backpass each of these is a test of `make attacks` that fails if it happens once: no unearned point, "
        "secrets unread, canaries unchanged, listeners silent, no process left, no right work below its points, no "
        "script run.",
        "",
    ]
    for row, title in ROWS.items():
        rows = [attack for attack in attacks if attack.row == row]
        table = archives if row == 20 else []
        for attack in rows:
            ours = our_cell(attack, run.result(attack.student_id))
            what = escaped(f"{attack.name}: {attack.what}")
            table.append(f"| {what} | {plain_cell(plain.get(attack.name))} | {escaped(ours)} |")
        if table:
            lines += [f"## {row}. {title[0].upper()}{title[1:]}", *HEAD, *table, ""]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.attacks")
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--page", type=Path, help="write the table to this file")
    parser.add_argument("--fresh", action="store_true")
    options = parser.parse_args()
    attacks = sorted(
        (a for a in load().values() if not options.names or a.name in options.names), key=lambda a: (a.row, a.name)
    )
    archives = [] if options.names else ARCHIVES
    with tempfile.TemporaryDirectory() as name:
        theirs, folder = Path(name, "plain"), Path(name, "backpass")
        theirs.mkdir()
        folder.mkdir()
        runnable = [attack for attack in attacks if can_be_run(attack)]
        plain = plain_outcomes(runnable, archives, theirs, options.fresh)
        print(f"autograder grade {UNIT.name}: {len(attacks)} submissions and their twins", flush=True)
        with listening(folder) as listeners:
            table = []
            if archives:
                _, said, results = graded(folder / "archives", listeners)
                table = [archive_row(archive, plain, said, results) for archive in archives]
            run = Run(our_place(folder / "ours", attacks, listeners), "autograder")
            if run.place.untouched() != run.before or run.place.left() or run.strays or listeners.heard:
                raise SystemExit("Something outside was touched: see the tests.")
            text = page(attacks, table, plain, run)
    if options.page:
        options.page.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
