"""The attacks of tests/attacks against plain `nbgrader autograde` and against `autograder grade`, side by side.

    python -m benchmarks.attacks [--page docs/attacks.md] [--fresh] [NAME ...]

Plain nbgrader runs in a box that protects this machine, with a time limit of 4 s a cell (its default is 30 s:
what hangs for 4 s here hangs for 30 s there), on a course with hand-written hidden tests. Attacks by sheer
amount are not run outside a sandbox. What is known of plain nbgrader is kept in build/attacks.json, so that
an interrupted run goes on; `--fresh` forgets it.
"""

from __future__ import annotations

import argparse
import json
import platform
import tempfile
from collections import Counter
from importlib import metadata
from pathlib import Path

from autograder.paths import ROOT
from autograder.results import Result
from tests.attacks.all_attacks import Run, got_everything, judge
from tests.attacks.attack import EFFECTS, Attack, load
from tests.attacks.place import UNIT, listening, our_place
from tests.attacks.plain import SECONDS, against_plain, can_be_run

KNOWN = ROOT / "build" / "attacks.json"
ROWS = {
    1: "IPython's hooks", 2: "objects that equal everything", 3: "replaced functions", 4: "walking through memory",
    5: "reading", 6: "writing", 7: "ending the process", 8: "hanging", 9: "memory and replies", 10: "processes",
    11: "filling up", 12: "scripts in pages", 13: "the network", 14: "forged replies and odd values", 15: "pickles",
    16: "other processes and the kernel", 17: "hard-coding and importing", 18: "arguments", 19: "the notebook file",
    21: "names", 22: "not twice the same", 23: "honest trouble",
}  # fmt: skip


def plain_outcomes(attacks: list[Attack], folder: Path) -> dict[str, dict]:
    """Name -> {"effects", "seconds"} against plain nbgrader."""
    known = json.loads(KNOWN.read_text()) if KNOWN.exists() else {}
    missing = [attack for attack in attacks if attack.name not in known]
    KNOWN.parent.mkdir(exist_ok=True)
    if missing:
        with listening(folder) as listeners:
            for attack, outcome in against_plain(folder / "plain", missing, listeners):
                known[attack.name] = {"effects": sorted(outcome.effects), "seconds": round(outcome.seconds, 1)}
                KNOWN.write_text(json.dumps(known, indent=1, sort_keys=True))
                print(f"plain nbgrader  {attack.name}: {', '.join(outcome.effects) or 'nothing'}", flush=True)
    return known


def plain_cell(attack: Attack, outcome: dict | None) -> str:
    if outcome is None:
        return "not run: it would harm the machine" if not can_be_run(attack) else "not run"
    # Beyond the attack's own aim, what plain nbgrader does to right work is said, too.
    words = [EFFECTS[name] for name in EFFECTS if name in outcome["effects"]]
    if "hung" in outcome["effects"]:
        words = [f"{word} ({SECONDS} s, by default 30 s)" if word == EFFECTS["hung"] else word for word in words]
    return "; ".join(words) or "nothing"


def our_cell(attack: Attack, result: Result) -> str:
    judge(attack, result)  # what the page says has been asserted
    if not result.graded:
        return f"not graded: {' '.join(result.trouble.split())[-110:]}"
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


def page(attacks: list[Attack], plain: dict[str, dict], run: Run) -> str:
    """The table, as Markdown."""
    achieved = Counter(effect for a in attacks for effect in plain.get(a.name, {"effects": []})["effects"])
    lines = [
        "# Attacks, side by side",
        "",
        f"{len(attacks)} hostile, careless and unlucky submissions of unit 1, graded by plain `nbgrader autograde` "
        f"(nbgrader {metadata.version('nbgrader')}, its own configuration, hand-written hidden tests) and by "
        f"`autograder grade` on the same machine (Python {platform.python_version()}, "
        f"NumPy {metadata.version('numpy')}). Made by `python -m benchmarks.attacks`; what each submission does "
        "stands in `tests/attacks/`, and what protects is described in [Security](security.md).",
        "",
        f"Plain nbgrader ran in a box that protects the machine, with a limit of {SECONDS} s for a cell. Attacks by "
        "sheer amount (memory, processes, files) were not run there at all.",
        "",
        "| what an attack achieved | plain nbgrader | Backpass |",
        "|---|---|---|",
        *(f"| {words} | {achieved[name]} | 0 |" for name, words in EFFECTS.items()),
        "",
        "For Backpass each of these is a test that fails if it happens once: no unearned point, secrets unread, "
        "canaries unchanged, listeners silent, no process left, no right work below its points, no script run.",
        "",
    ]
    for row, title in ROWS.items():
        here = [attack for attack in attacks if attack.row == row]
        if here:
            lines += [f"## {row}. {title[0].upper()}{title[1:]}", "", "| submission | plain nbgrader | Backpass |"]
            lines += ["|---|---|---|"]
            for attack in here:
                ours = our_cell(attack, run.result(attack.student_id))
                what = f"{attack.name}: {attack.what}"
                lines.append(f"| {escaped(what)} | {plain_cell(attack, plain.get(attack.name))} | {escaped(ours)} |")
            lines.append("")
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
    if options.fresh:
        KNOWN.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        plain = plain_outcomes(attacks, Path(folder))
        print(f"autograder grade {UNIT.name}: {len(attacks)} submissions and their twins", flush=True)
        with listening(Path(folder)) as listeners:
            run = Run(our_place(Path(folder) / "ours", attacks, listeners), "autograder")
            harmed = run.place.untouched() != run.before or run.place.left() or run.strays or listeners.heard
            if harmed:
                raise SystemExit("Something outside was touched: see the tests.")
            text = page(attacks, plain, run)
    if options.page:
        options.page.write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
