"""Myth cells: predict first, run, then read the verdict.

A prediction is kept in `.backpass/predictions.json` beside the notebook, stored before the answer runs.
What is stored after the verdict was seen does not replace it; it is kept as the prediction "after".
"""

from __future__ import annotations

import html
import time
from collections.abc import Sequence
from pathlib import Path

from . import kept

STORE = "predictions.json"


def stored(folder: Path | str = ".") -> dict[str, dict]:
    """All predictions kept in a folder: {myth: {"question", "choices", "before", "after", "seen"}}."""
    return kept.read(STORE, folder)


def store(myth: str, answer: str, question: str = "", choices: Sequence[str] = (), folder: Path | str = ".") -> str:
    """Keep a prediction; returns the sentence that says so. A folder that cannot be written is no error."""
    everything = stored(folder)
    entry = everything.setdefault(myth, {})
    entry.update(question=question, choices=list(choices))
    when = "after" if entry.get("seen") else "before"
    entry[when] = answer
    if not kept.write(everything, STORE, folder):
        return f"Your prediction is “{answer}”. This folder cannot be written, so it is not kept."
    if when == "after":
        before = entry.get("before", "nothing")
        return f"Kept as your view after the verdict: “{answer}”. Before it you said “{before}”."
    return f"Stored: “{answer}”. Now run the next cell."


def predict(myth: str, question: str, choices: Sequence[str], answer: str | None = None) -> None:
    """Ask the reader. Shows one button per choice; `answer="..."` stores one without buttons.

    Raises ValueError when the answer is none of the choices.
    """
    from IPython.display import display

    if answer is not None and answer not in choices:
        raise ValueError(f"{answer!r} is none of the choices: {', '.join(map(repr, choices))}")
    display(Question(question, choices))
    if answer is not None:
        print(store(myth, answer, question, choices))
        return
    try:
        import ipywidgets
    except ImportError:
        return
    from .figures.interactive import Knobs

    before = stored().get(myth, {}).get("before")
    said = ipywidgets.Label(f"Stored earlier: “{before}”." if before else "")
    buttons = [ipywidgets.Button(description=choice, layout={"width": "auto"}) for choice in choices]
    for button in buttons:
        button.on_click(lambda b: setattr(said, "value", store(myth, b.description, question, choices)))
    knobs = Knobs(ipywidgets.VBox([ipywidgets.HBox(buttons, layout={"flex_flow": "row wrap"}), said]), [])
    knobs.text = "With a running kernel there is a button for each answer."
    display(knobs)


class Question:
    """A question with its choices."""

    def __init__(self, question: str, choices: Sequence[str]):
        self.question, self.choices = question, list(choices)

    def _repr_html_(self) -> str:
        choices = " · ".join(html.escape(choice) for choice in self.choices)
        return (
            '<div style="border-left: 4px solid #8E4A9E; padding: .4em 1em; max-width: 44em">'
            f"<strong>Predict.</strong> {html.escape(self.question)}<br>"
            f'<span style="color: #555">{choices}</span></div>'
        )

    def __repr__(self) -> str:
        return f"Predict. {self.question} ({' / '.join(self.choices)})"


class Verdict:
    """What came out, beside what was predicted."""

    def __init__(self, right: str, because: str, reference: str, before: str | None):
        self.right, self.because, self.reference, self.before = right, because, reference, before

    @property
    def opening(self) -> str:
        if self.before is None:
            return "No prediction was stored."
        if self.before == self.right:
            return f"You predicted “{self.before}”, and so it is."
        return f"You predicted “{self.before}”; it is not so."

    def _repr_html_(self) -> str:
        right = html.escape(self.right[:1].upper() + self.right[1:])
        return (
            '<div style="border-left: 4px solid #009E73; padding: .4em 1em; max-width: 44em">'
            f"{html.escape(self.opening)}<br><strong>{right}.</strong> {html.escape(self.because)}<br>"
            f'<span style="color: #555">{html.escape(self.reference)}</span></div>'
        )

    def __repr__(self) -> str:
        return f"{self.opening} {self.right}. {self.because} ({self.reference})"


def verdict(myth: str, right: str, because: str, reference: str) -> Verdict:
    """The verdict on a myth, and the reader's stored prediction beside it.

    right: the choice that came out, best taken from the computation just made; because: why, in a sentence
    or two; reference: where to read more. Works without a stored prediction.
    """
    everything = stored()
    before = everything.get(myth, {}).get("before")
    if myth in everything:
        everything[myth]["seen"] = everything[myth].get("seen") or int(time.time())
        everything[myth]["right"] = right
        kept.write(everything, STORE, ".")
    return Verdict(right, because, reference, before)
