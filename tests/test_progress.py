"""What `check` keeps beside the notebook, and how it is shown over all units."""

import json
import time

import pytest

from backpass.cases import Book, Exercise, save
from backpass.cli import main
from backpass.kept import FOLDER
from backpass.progress import STORE, entries_of, keep, progress, reference
from backpass.report import Item, Section


def section(name, *states):
    return Section(name, [Item(name, f"item {i}", 1.0, None, state) for i, state in enumerate(states)])


@pytest.fixture
def course(tmp_path):
    """Three folders: two units, in another order than their names, and one that is none."""
    for name, number in (("zebra", 1), ("ant", 2)):
        (tmp_path / name).mkdir()
        exercises = {f"{name}_{i}": Exercise((f"{name}_{i}",), 4.0) for i in range(3)}
        exercises[f"{name}_bonus"] = Exercise((f"{name}_bonus",), 0.0, bonus=True)
        save(tmp_path / name / "cases.npz", Book(name, f"About {name}", exercises, number=number))
    (tmp_path / "notes").mkdir()
    return tmp_path


def test_what_was_found_is_kept_and_shown_over_all_units(course):
    keep([section("zebra_0", "passed", "passed"), section("zebra_1", "passed", "failed")], course / "zebra")
    shown = str(progress(course / "ant")).splitlines()
    assert [line.split("  ")[0].strip() for line in shown] == ["1 · About zebra", "2 · About ant"]
    assert shown[0].endswith("1 of  3  ✓–○")
    assert shown[1].endswith("0 of  3  ○○○")
    assert str(progress(course)) == str(progress(course / "zebra"))


def test_a_bonus_counts_once_it_was_attempted(course):
    keep([section("ant_bonus", "passed")], course / "ant")
    assert str(progress(course)).splitlines()[1].endswith("1 of  4  ○○○✓")


def test_what_was_not_attempted_is_not_kept(tmp_path):
    keep([section("a", "not_attempted", "not_attempted")], tmp_path)
    assert entries_of(tmp_path) == {}


def test_it_survives_and_is_replaced_by_the_next_check(tmp_path):
    keep([section("a", "failed")], tmp_path)
    keep([section("b", "passed")], tmp_path)
    keep([section("a", "failed")], tmp_path)
    entries = entries_of(tmp_path)
    assert (entries["a"]["tries"], entries["b"]["tries"]) == (2, 0)
    assert abs(entries["a"]["when"] - time.time()) < 60
    assert sorted(path.name for path in (tmp_path / ".backpass").iterdir()) == ["progress.json"]


@pytest.mark.parametrize("content", ["", "{", "[1, 2]", '{"a": 3}', b"\xff\xfe"])
def test_a_damaged_file_counts_as_none(tmp_path, content):
    path = tmp_path / FOLDER / STORE
    path.parent.mkdir()
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert entries_of(tmp_path) == {}
    keep([section("a", "passed")], tmp_path)
    assert entries_of(tmp_path)["a"]["passed"] == 1


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path):
    (tmp_path / ".backpass").write_text("a file where the folder would be")
    keep([section("a", "passed")], tmp_path)


def test_the_reference_is_named_when_done_or_after_three_tries(tmp_path, monkeypatch):
    (tmp_path / "solutions").mkdir()
    (tmp_path / "solutions" / "unit.py").touch()
    folder = tmp_path / "work" / "unit"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    for tries in range(1, 4):
        entry = keep([section("a", "failed")], folder)["a"]
        assert reference("unit", entry) == ("../../solutions/unit.py" if tries == 3 else "")
    assert reference("unit", keep([section("b", "passed")], folder)["b"]) == "../../solutions/unit.py"
    assert reference("other", entry) == ""


def test_the_panel_is_read_aloud_and_escaped(course):
    save(course / "ant" / "cases.npz", Book("ant", "<script>", {"a": Exercise(("a",), 1.0)}, number=2))
    page = progress(course / "ant")._repr_html_()
    assert "<script>" not in page
    assert 'aria-label="a: open"' in page
    assert "<strong>2 · &lt;script&gt;</strong>" in page


def test_without_units_it_says_where_to_go(tmp_path, capsys):
    assert main(["progress", str(tmp_path)]) == 0
    assert "in the folder of a released notebook" in capsys.readouterr().out


def test_the_file_is_plain_json(tmp_path):
    keep([section("a", "passed")], tmp_path)
    assert json.loads((tmp_path / FOLDER / STORE).read_text())["a"]["of"] == 1
