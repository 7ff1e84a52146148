"""One attack: a submission, what must come of it, and what it does where nothing defends against it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from nbformat import NotebookNode

# What an attack can achieve against plain nbgrader.
EFFECTS = {
    "points": "got points that it had not earned",
    "read": "read what it must not see",
    "took": "took more than a submission is given, and its points",
    "wrote": "changed or left a file outside",
    "reached": "spoke with a service of the machine",
    "stayed": "left a process running",
    "hung": "held the run up",
    "lost": "cost right work its points",
    "stopped": "kept others from being graded",
    "script": "ran its script in a feedback page",
    "formula": "put a formula into the exported table",
}

# What is filled in for a token: the attack's own amount, a harmless one, one beyond our limits that harms no machine.
DEED, HARMLESS, MODERATE = range(3)

# Wrong in every way but its name: what a deed outside of the function is to get points for.
WRONG = "def convolve1d(x, w, mode='full'):\n    return np.zeros(len(x) + len(w) - 1, dtype=x.dtype)\n"
FULL, NOT_GRADED = "full", "not graded"

ATTACKS: dict[str, Attack] = {}


@dataclass(frozen=True)
class Attack:
    """A submission that is right everywhere but for its deed.

    `code` stands below the model answer of `target`, `cell` is a cell of its own before all others, `notebook`
    makes the file itself from the right notebook, `hand_in` does more in the folder that was handed in. In
    texts `@COURSE@`, `@HOME@`, `@MARKS@` (where it may leave a mark), `@TCP@`, `@UDP@`, `@SOCKET@`, `@NAME@`
    are filled in, and the names in `tokens`: the attack's value, one for its harmless twin, and perhaps one for
    plain nbgrader, beyond our limits and safe for the machine.
    """

    name: str
    row: int
    what: str
    code: str = ""
    cell: str = ""
    target: str = "convolve1d"
    notebook: Callable[[NotebookNode], NotebookNode | bytes] | None = None
    hand_in: Callable[[Path], None] | None = None
    student: str = ""
    # What must come of it: the states of the target's items that did not pass, separated by |; or FULL, NOT_GRADED.
    expect: str = "failed"
    # A regular expression found in the result's sentences.
    says: str = ""
    # Control: what plain nbgrader suffers (one of EFFECTS), or the submission with harmless amounts gets FULL.
    plain: str = ""
    tokens: dict[str, tuple[str, ...]] = field(default_factory=dict)
    # False: nbgrader's gradebook cannot keep a student of this name; the command says so.
    entered: bool = True
    # False: nbgrader's own command does not find this student's folder, or stops there.
    nbgrader_too: bool = True
    # Why there is no control, where there is none.
    uncontrolled: str = ""

    @property
    def student_id(self) -> str:
        return self.student or f"r{self.row:02}-{self.name}"

    @property
    def gives_right_answers(self) -> bool:
        """Whether the deed stands beside the right answer: points that passed checks gave are earned."""
        return bool(re.search(r"right(, \w+)? = ", self.code))

    @property
    def has_twin(self) -> bool:
        return bool(self.tokens)

    @property
    def harms_by_amount(self) -> bool:
        """Whether it may only be done in a sandbox: no moderate amount would show the same."""
        return any(len(given) <= MODERATE and name in ("AMOUNT", "DEPTH") for name, given in self.tokens.items())

    def filled(self, text: str, values: dict[str, str], amount: int = DEED) -> str:
        tokens = {name: given[amount if amount < len(given) else DEED] for name, given in self.tokens.items()}
        names = {**values, **tokens, "NAME": self.name}
        return re.sub(r"@([A-Z]+)@", lambda match: names.get(match[1], match[0]), text)


def attack(name: str, row: int, what: str, **more: object) -> Attack:
    """Add an attack to the list."""
    if name in ATTACKS:
        raise ValueError(f"there are two attacks called {name}")
    # A twin shows that the rest of the submission is right; that the deed was done, the sentence must tell.
    has_control = more.get("plain") or (more.get("tokens") and more.get("says"))
    if not (has_control or more.get("uncontrolled") or more.get("expect") == FULL):
        raise ValueError(f"the attack {name} has no control")
    if more.get("expect", "failed") == "failed":
        more.setdefault("says", "the result (is|has|differs)")
    ATTACKS[name] = made = Attack(name, row, what, **more)
    return made


def load() -> dict[str, Attack]:
    """All attacks, by name."""
    from tests.attacks import channel, files, honest, network, notebooks, pages, points, processes  # noqa: F401

    return ATTACKS
