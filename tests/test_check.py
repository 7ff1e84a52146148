"""The student's `check`: recorded cases on the student's functions, and the report."""

import functools
import html.parser
import os
import re
import subprocess
import sys
import time
import warnings

import numpy as np
import pytest

from backpass import callables, check
from backpass.cases import (
    EQUALS,
    RAISES,
    UNCHANGED,
    Ask,
    BadBook,
    Book,
    Call,
    Came,
    Case,
    Exercise,
    Mistake,
    Reply,
    Seed,
    Unsupported,
    load,
    save,
)
from backpass.cli import main
from backpass.report import Item, Report, feedback_html

RNG = np.random.default_rng(3)
X, W, DY = RNG.normal(size=(4, 3)), RNG.normal(size=(2, 3)), RNG.normal(size=(4, 2))
GRADIENTS = (DY @ W, DY.T @ X)


# Small exercises that stand in for those of the course.


def dense_forward(x, weight):
    return x @ weight.T, (x, weight)


def dense_backward(dy, cache):
    x, weight = cache
    return dy @ weight, dy.T @ x


def noisy(x, rng):
    return x + rng.normal(size=x.shape)


def halve(x):
    if x.size == 0:
        raise ValueError("empty")
    return x / 2


FORWARD = Call("dense_forward", (X, W), {}, ("x", "weight"), (1,), ("y",), EQUALS, right=Reply((X @ W.T, None)))
BACKWARD = Call(
    "dense_backward",
    (DY, Came(0, (1,))),
    {},
    ("dy", "cache"),
    (),
    ("dx", "dweight"),
    EQUALS,
    right=Reply(GRADIENTS),
    wrong={
        "transposed": Reply((GRADIENTS[0], -GRADIENTS[1])),
        "mean": Reply((GRADIENTS[0], GRADIENTS[1] / 4)),
    },
)


def book() -> Book:
    seed = Seed(5)
    return Book(
        "unit",
        "A unit",
        {
            "dense": Exercise(("dense_forward", "dense_backward"), 4.0, hints=("First.", "Second."), lecture="a.ipynb"),
            "noise": Exercise(("noisy",), 2.0),
            "half": Exercise(("halve",), 0.0, bonus=True),
        },
        [
            Case("dense", "Forward", 1, "A product.", [FORWARD]),
            Case("dense", "Backward", 1, "Two products.", [FORWARD, BACKWARD], ("transposed", "mean")),
            Case(
                "dense",
                "Adjoint",
                1,
                "About.",
                [FORWARD, BACKWARD, Ask("adjoint", (Came(0, (0,)), DY, X, Came(1, (0,))))],
                ("transposed", "mean"),
            ),
            Case(
                "dense",
                "Unchanged",
                0.5,
                "About.",
                [
                    Call(
                        "dense_forward",
                        (X, W),
                        {},
                        ("x", "weight"),
                        (1,),
                        ("y",),
                        UNCHANGED,
                        right=Reply((X @ W.T, None)),
                    )
                ],
            ),
            Case(
                "noise",
                "One generator",
                2,
                "About.",
                [
                    Call("noisy", (X, seed), {}, ("x", "rng"), right=Reply(X)),
                    Call("noisy", (X, seed), {}, ("x", "rng"), right=Reply(X)),
                    Call("noisy", (X, Seed(5, 1)), {}, ("x", "rng"), right=Reply(X)),
                    Ask("not_equal", (Came(0), Came(1)), {"tag": "again"}),
                    Ask("same_draws", (Came(0), Came(2))),
                ],
            ),
            Case(
                "half",
                "An error",
                1,
                "About.",
                [Call("halve", (X[:0],), {}, ("x",), then=RAISES, error="ValueError")],
            ),
            Case(
                "half",
                "A value",
                1,
                "About.",
                [Call("halve", (X,), {}, ("x",), then=EQUALS, right=Reply(X / 2))],
            ),
        ],
        {
            "transposed": Mistake("dense", "The sign.", ("dense_backward",)),
            "mean": Mistake("dense", "A mean.", ("dense_backward",)),
            "global": Mistake("noise", "Global state.", ("noisy",), ("same_draws:global_state",)),
        },
    )


@pytest.fixture(autouse=True)
def cases(tmp_path, monkeypatch):
    save(tmp_path / "cases.npz", book())
    monkeypatch.chdir(tmp_path)
    return tmp_path / "cases.npz"


def states(report):
    return [item.state for item in report.items]


def test_right_functions_earn_all_points():
    report = check("dense")
    assert states(report) == ["passed"] * 4
    assert (repr(report), report.passed) == ("4", True)
    assert "4 of 4 items pass, 4 of 4 points" in str(report)


def test_exercises_can_be_named_by_their_functions():
    assert repr(check(dense_backward)) == "4"
    assert [section.exercise for section in check("noisy", "half").sections] == ["noise", "half"]
    assert len(check().sections) == 3


def test_a_function_that_is_passed_is_the_one_that_is_checked():
    def noisy(x, rng):
        return x

    assert states(check(noisy)) == ["failed"]


def test_bonus_cells_count_nothing():
    report = check("half")
    assert report.passed
    assert repr(report) == "0"


def test_a_mistake_is_named_where_all_replies_agree():
    def dense_backward(dy, cache):
        return dy @ cache[1], -dy.T @ cache[0]

    report = check("dense")
    assert states(report) == ["passed", "failed", "failed", "passed"]
    assert [item.mistake_name for item in report.items] == ["", "transposed", "transposed", ""]
    assert "Likely cause: The sign." in str(report)
    assert repr(report) == "1.71"


def test_another_error_is_not_named():
    def dense_backward(dy, cache):
        return dy @ cache[1], dy.T @ cache[0] + 1

    report = check("dense")
    assert {item.mistake_name for item in report.items} == {""}
    assert "the second returned value (dweight) differs in all 6 values" in report.items[1].message
    assert "off by one constant" in report.items[1].message


def test_a_mistake_is_not_named_where_what_it_passes_fails():
    def dense_backward(dy, cache):
        return dy @ cache[1], -dy.T @ cache[0]

    def dense_forward(x, weight):
        x += 1
        return (x - 1) @ weight.T, (x - 1, weight)

    report = check("dense")
    assert states(report)[3] == "failed"
    assert "changed `x` in place" in report.items[3].message
    assert report.items[3].mistake_name == ""


def test_a_mistake_of_a_random_exercise_is_named_by_its_tag():
    def noisy(x, rng):
        return x + np.random.normal(size=x.shape)

    (item,) = check("noise").items
    assert item.mistake == "Global state."


def test_what_raises_is_told_with_the_students_line():
    def dense_forward(x, weight):
        return x @ weight, None

    report = check("dense")
    assert states(report) == ["raised"] * 4
    assert "raised ValueError" in report.items[0].message
    assert "in `dense_forward`: `return x @ weight, None`" in report.items[0].message


def test_stubs_and_missing_functions_are_not_attempted():
    def dense_forward(x, weight):
        raise NotImplementedError

    report = check("dense")
    assert states(report) == ["not_attempted"] * 4
    assert (repr(report), "Not attempted yet." in str(report)) == ("0", True)
    noisy = None  # noqa: F841 - hides the function
    assert "There is no function called `noisy` yet." in check("noise").items[0].message


def test_nothing_that_code_does_escapes(capsys):
    def halve(x):
        print("to stdout")
        print("to stderr", file=sys.stderr)
        warnings.warn("careful", stacklevel=1)
        np.log(np.zeros(1))
        sys.exit(3)

    report = check("half")
    assert states(report) == ["failed", "raised"]
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "")
    assert "UserWarning: careful" in str(report)
    assert "divide by zero" in report._repr_html_()
    assert "to stderr" in report._repr_html_()
    assert "raised SystemExit: 3" in report.items[1].message


def test_an_object_that_defies_comparing_is_a_failure():
    def halve(x):
        loop = []
        loop.append(loop)
        return loop

    assert states(check("half")) == ["failed", "failed"]


def test_an_interrupt_names_the_item_and_the_line(capsys):
    def halve(x):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check("half")
    assert "Interrupted in half, item “An error”" in capsys.readouterr().out


def test_an_interrupt_from_the_menu_names_the_line_in_a_kernel(cases):
    manager = pytest.importorskip("jupyter_client.manager")
    begun = cases.parent / "begun"
    code = [
        "import pathlib",
        "from backpass import check",
        "def halve(x):",
        f"    pathlib.Path({str(begun)!r}).touch()",
        "    while True:",
        "        pass",
    ]
    kernel, client = manager.start_new_kernel(cwd=str(cases.parent), env=os.environ | {"PYTHONPATH": str(_course())})
    try:
        client.execute_interactive("\n".join(code), timeout=60)
        said = []
        asked = client.execute("check('half')")
        while not begun.exists():
            time.sleep(0.02)
            assert kernel.is_alive()
        kernel.interrupt_kernel()
        while True:
            message = client.get_iopub_msg(timeout=60)
            if message["parent_header"].get("msg_id") != asked:
                continue
            if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                break
            said.append(message["content"].get("text") or message["content"].get("ename") or "")
    finally:
        client.stop_channels()
        kernel.shutdown_kernel(now=True)
    assert "KeyboardInterrupt" in said
    text = "".join(said)
    assert re.search(r"Interrupted in half, item “An error”, at line [56] of the cell, in `halve`: `(while|pass)", text)


def test_a_missing_error_is_told():
    def halve(x):
        return x / 2

    assert "should raise a ValueError here, and returned a value" in check("half").items[0].message


def test_a_wrong_error_is_told():
    def halve(x):
        if x.size == 0:
            raise KeyError("empty")
        return x / 2

    assert "should raise a ValueError here, and raised KeyError" in check("half").items[0].message


def test_arguments_are_fresh_copies():
    def dense_forward(x, weight):
        y = x @ weight.T
        x[:] = 0
        return y, (x.copy(), weight)

    check("dense")
    assert repr(check(globals()["dense_forward"])) == "4"


def test_what_is_missing_is_said_in_a_sentence(cases):
    assert "Did you mean dense" in str(check("dens"))
    assert repr(check("dens")) == "0"
    cases.write_bytes(b"no zip")
    assert "is damaged" in str(check("dense"))
    cases.unlink()
    assert "Open the notebook from its release folder" in str(check("dense"))
    assert "Nothing was checked." in check("dense")._repr_html_()


class Tags(html.parser.HTMLParser):
    """All tags, and whether they close."""

    def __init__(self):
        super().__init__()
        self.open, self.seen, self.attributes = [], set(), set()

    def handle_starttag(self, tag, attrs):
        self.seen.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def parsed(text):
    tags = Tags()
    tags.feed(text)
    assert not tags.open
    return tags


def test_html_is_well_formed_and_fetches_nothing():
    def dense_backward(dy, cache):
        return dy @ cache[1] * 2, dy.T @ cache[0]

    text = check()._repr_html_()
    assert not parsed(text).seen & {"script", "style", "svg", "img", "iframe", "link"}
    assert "y, cache = dense_forward(x, weight)" in text
    assert "dense_backward(dy, cache)" in text
    assert "Hint 1 of 2" in text
    assert "http" not in text


def test_what_a_student_wrote_is_escaped():
    def halve(x):
        print("<script>alert(2)</script>")
        raise RuntimeError("<script>alert(1)</script>")

    text = check("half")._repr_html_()
    assert "<script" not in text
    assert "&lt;script&gt;alert(1)" in text


@pytest.mark.parametrize("shape", [(30, 40), (100, 100), (2, 3, 4, 5), (2, 2, 2, 2, 2), (7,), ()])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64, bool])
def test_arrays_of_every_form_can_be_shown(shape, dtype, cases):
    right = np.asarray(RNG.normal(size=shape) * 3).astype(dtype)
    call = Call("halve", (right,), {}, ("x",), then=EQUALS, right=Reply(right))
    save(cases, Book("u", "", {"half": Exercise(("halve",), 1.0)}, [Case("half", "One", 1, "", [call])]))

    def halve(x):
        return np.logical_not(x) if x.dtype == bool else (x + 1).astype(x.dtype)

    report = check("half")
    assert states(report) == ["failed"]
    parsed(report._repr_html_())
    assert "0 of 1 items pass" in str(report)
    assert len(report._repr_html_()) < 200_000


def test_feedback_shows_items_without_values_and_is_escaped():
    items = [
        Item("dense", "First", 2, 2, "passed", "About."),
        Item("dense", "Second", 2, 0, "failed", "About.", "<b>wrong</b>", "A cause.", "m"),
        Item("dense", "Third", 2, 0, "crashed", "About.", "was killed", "A cause.", "m"),
        Item("noise", "Fourth", 1, None, "not_graded", "About.", "A fault."),
        Item("half", "Fifth", 1, 0.5, "passed", bonus=True),
    ]
    text = feedback_html(items, "Feedback")
    tags = parsed(text)
    assert tags.seen <= {"div", "span", "strong", "table", "tr", "td", "code"}
    assert tags.attributes <= {"style"}
    assert text.count("A cause.") == 1
    assert "dense: 2 of 6 points" in text
    assert "a fault of ours, no point is lost" in text
    assert "&lt;b&gt;wrong" in text


def test_points_are_never_above_the_maximum():
    assert repr(Report()) == "0"
    for maximum in (0.1, 1 / 3, 2.005, 7.0):
        thirds = [Item("e", "t", 1 / 3, 1 / 3, "passed") for _ in range(3)]
        from backpass.report import Section

        assert float(repr(Report([Section("e", thirds, cell_points=maximum)]))) <= maximum


def test_a_book_comes_back_as_it_was(tmp_path):
    arrays = [
        np.arange(3, dtype=np.float32),
        np.zeros((2, 0)),
        np.array(1.5),
        np.array([[True]]),
        np.float32(2),
    ]
    args = (
        *arrays,
        None,
        True,
        3,
        2.5,
        float("inf"),
        "text",
        [1, (2, {"a": X, 3: None})],
        Seed(1, 2),
        Came(0, (1, "k")),
    )
    kwargs = {"f": callables.square, "g": functools.partial(callables.roll, shift=1, axis=np.int64(0))}
    call = Call(
        "f",
        args,
        kwargs,
        right=Reply({"a": X}),
        wrong={"m": Reply(raised="ValueError"), "n": Reply(object())},
    )
    before = Book("u", "t", {"e": Exercise(("f",), 1.5)}, [Case("e", "c", 1, "about", [call], ("m",))])
    save(tmp_path / "book.npz", before)
    after = load(tmp_path / "book.npz")
    assert (after.unit, after.exercises, len(after.cases)) == ("u", before.exercises, 1)
    (case,) = after.of("e")
    (found,) = case.steps
    for one, other in zip(found.args[:5], arrays, strict=True):
        assert (type(one), one.dtype, one.shape) == (type(other), other.dtype, other.shape)
        assert np.array_equal(one, other)
    assert found.args[5:11] == args[5:11]
    assert found.args[12:] == args[12:]
    assert np.array_equal(found.args[11][1][1]["a"], X)
    assert found.kwargs["f"] is callables.square
    assert np.array_equal(found.kwargs["g"](X), np.roll(X, 1, 0))
    assert found.wrong["n"].value == Unsupported("object")
    assert (case.failed_by, found.wrong["m"].raised) == (("m",), "ValueError")


def test_a_book_holds_no_code(tmp_path):
    for function in (print, lambda x: x, np.sum):
        call = Call("f", (function,))
        with pytest.raises(TypeError, match=r"backpass\.callables"):
            save(tmp_path / "b.npz", Book("u", cases=[Case("e", "c", 1, "", [call])]))
    np.savez(tmp_path / "c.npz", index=np.array([object()], dtype=object))
    with pytest.raises(BadBook):
        load(tmp_path / "c.npz")


def test_every_callable_is_named_and_documented():
    for name in callables.__all__:
        assert getattr(callables, name).__doc__
    assert sorted(callables.__all__) == callables.__all__


def test_importing_is_quick_and_alone():
    code = "import sys; from backpass import check; print(sorted({m.split('.')[0] for m in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=_course())
    assert not {"matplotlib", "IPython", "ipywidgets", "torch", "autograder", "solutions"} & set(
        re.findall(r"'(\w+)'", loaded.stdout)
    )


def _course():
    from pathlib import Path

    return Path(__file__).parents[1] / "course"


def test_doctor_says_what_is_there(capsys):
    main(["doctor"])
    shown = capsys.readouterr().out
    assert "numpy" in shown
    assert "unit unit, 7 cases" in shown


def test_a_notebook_is_run_in_a_fresh_kernel(cases, capsys, monkeypatch):
    nbformat = pytest.importorskip("nbformat")
    pytest.importorskip("nbclient")
    monkeypatch.setenv("PYTHONPATH", str(_course()))
    new = nbformat.v4
    shown = new.new_output("execute_result", {"text/plain": "2"}, execution_count=1)
    cells = [
        new.new_code_cell("from backpass import check"),
        new.new_code_cell("def halve(x):\n    return x / 3"),
        new.new_code_cell('check("half")'),
        new.new_code_cell("gone()"),
        new.new_code_cell('check("noise")', outputs=[shown]),
    ]
    path = cases.with_name("work.ipynb")
    nbformat.write(new.new_notebook(cells=cells), path)
    before = path.read_bytes()
    assert main(["check", str(path)]) == 0
    out = capsys.readouterr().out
    assert "half: 0 of 2 items pass, bonus" in out
    assert "raised NameError" in out
    assert "the notebook shows 2 points, a fresh kernel gives 0" in out
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [None, "no notebook"])
def test_what_is_no_notebook_gives_a_sentence(content, cases, capsys):
    path = cases.with_name("bad.ipynb")
    if content:
        path.write_text(content)
    assert main(["check", str(path)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
