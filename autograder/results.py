"""A graded submission, and its form as Gradescope's results.json."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace

from autograder.isolation import said
from backpass.report import Item


@dataclass
class Result:
    """The items of one submission. `trouble` is a sentence about the file as a whole ("" when it was readable)."""

    unit: str
    submission: str
    items: list[Item] = field(default_factory=list)
    trouble: str = ""
    # How student code was isolated; anything but "bubblewrap" is said in every result.
    isolation: str = "bubblewrap"
    # Errors, prints and time-outs of the submission's own cells, as sentences.
    notes: list[str] = field(default_factory=list)
    # What its processes used, None where that is not known. Not in the JSON form: results compare byte for byte.
    processor_seconds: float | None = field(default=None, compare=False)

    @property
    def graded(self) -> bool:
        """False where anything is "not graded": then there is no total."""
        return bool(self.items) and all(item.state != "not_graded" for item in self.items)

    @property
    def score(self) -> float | None:
        return sum(item.points for item in self.items if not item.bonus) if self.graded else None

    @property
    def max_score(self) -> float:
        return sum(item.max_points for item in self.items if not item.bonus)

    @property
    def extra_credit(self) -> float | None:
        return sum(item.points for item in self.items if item.bonus) if self.graded else None

    @property
    def why_not_graded(self) -> str:
        """The first reason why there is no total; "" where there is one, or none is known."""
        reasons = [item.message for item in self.items if item.state == "not_graded"]
        return self.trouble or next(filter(None, reasons), "")

    def of(self, exercise: str) -> list[Item]:
        return [item for item in self.items if item.exercise == exercise]

    def exercise_score(self, exercise: str) -> float | None:
        """Points for one exercise, or None where one of its items was not graded."""
        points = [item.points for item in self.of(exercise)]
        return None if None in points or not points else sum(points)

    def mistakes(self) -> list[str]:
        """Names of the mistakes found, each once, in order."""
        return list(dict.fromkeys(item.mistake_name for item in self.items if item.mistake_name))

    def to_json(self) -> dict:
        """Gradescope's results.json. What was not graded has no score, at the top level neither."""
        data: dict = {"tests": [_test(item) for item in self.items], "visibility": "visible"}
        if self.graded:
            data["score"] = self.score + self.extra_credit
        sentences = [self.trouble, *self.notes, said(self.isolation)]
        data["output"] = "\n".join(sentence for sentence in sentences if sentence)
        data["output_format"] = "text"
        data["extra_data"] = {
            "unit": self.unit,
            "submission": self.submission,
            "trouble": self.trouble,
            "isolation": self.isolation,
            "notes": self.notes,
        }
        return data

    def without(self, dropped: Collection[str]) -> Result:
        """As it is reported: without the items of exercises that the course drops."""
        if not dropped:
            return self
        return replace(self, items=[item for item in self.items if item.exercise not in dropped])

    def for_gradescope(self, remark: str = "", seconds: float | None = None) -> dict:
        """results.json as it is uploaded. Where anything is "not graded" no number is in it.

        Gradescope adds up the tests' scores where there is no total: an item without one would count as zero.
        """
        data = self.to_json() | {"stdout_visibility": "hidden"}
        if seconds is not None:
            data["execution_time"] = round(seconds)
        if not self.graded:
            for test in data["tests"]:
                test.pop("score", None)
                test.pop("status", None)
            why = f"Not graded, and so without a score: that is no zero. Tell your instructor. {self.why_not_graded}"
            # The reason is said once.
            data["output"] = "\n".join([why, *data["output"].splitlines()[bool(self.trouble) :]])
        data["output"] = "\n".join(filter(None, (data["output"], remark)))
        return data

    @classmethod
    def from_json(cls, data: dict) -> Result:
        extra = data["extra_data"]
        items = [_item(test) for test in data["tests"]]
        return cls(
            extra["unit"],
            extra["submission"],
            items,
            extra["trouble"],
            extra["isolation"],
            list(extra["notes"]),
            data.get("processor_seconds"),
        )


def _test(item: Item) -> dict:
    test: dict = {
        "name": f"{item.exercise}: {item.title}",
        "max_score": item.max_points,
        "output": "\n".join(text for text in (item.about, item.message, item.mistake) if text),
        "output_format": "text",
        "extra_data": {
            "exercise": item.exercise,
            "title": item.title,
            "state": item.state,
            "about": item.about,
            "message": item.message,
            "mistake": item.mistake,
            "mistake_name": item.mistake_name,
            "bonus": item.bonus,
        },
    }
    if item.points is not None:
        test["score"] = item.points
        test["status"] = "passed" if item.state == "passed" else "failed"
    return test


def _item(test: dict) -> Item:
    return Item(max_points=test["max_score"], points=test.get("score"), **test["extra_data"])
