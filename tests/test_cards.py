"""Reproduction cards, myth cells, and the other small parts of the lectures."""

import json

import numpy as np
import pytest

from backpass import cards, myths
from backpass.counting import multiplications
from backpass.tables import Documented, Table


@pytest.mark.parametrize("name", cards.names())
def test_a_card_is_complete(name):
    card = cards.card(name)
    for text in (card.claim, card.source, card.scaled_down, card.does_not_transfer):
        assert len(text) > 20
    record = card.record
    assert list(record["values"]) == list(card.measures)
    assert len(record["seeds"]) >= (5 if card.random else 1)
    for measure, values in record["values"].items():
        low, high = card.interval(measure)
        assert len(values) == len(record["seeds"])
        # The recorded runs themselves lie inside, so that the interval is at least their spread.
        assert low <= min(values)
        assert max(values) <= high
    assert name in card._repr_html_()
    assert f"backpass card {name}" in repr(card)


@pytest.mark.parametrize("name", [name for name in cards.names() if not cards.card(name).random])
def test_an_experiment_without_chance_comes_out_as_recorded(name):
    outcome = cards.rerun(name)
    assert outcome.agrees, str(outcome)
    assert "fall in the card's intervals" in str(outcome)


def test_what_disagrees_is_named():
    results = {measure: cards.card("equivariance").mean(measure) for measure in cards.card("equivariance").measures}
    results["zoom by 1.5"] = 7.0
    outcome = cards.compare("equivariance", results)
    assert not outcome.agrees
    assert outcome.sentence.endswith("outside the card's intervals: zoom by 1.5.")


def test_an_unknown_card_is_answered_with_the_known_ones():
    with pytest.raises(ValueError, match="nearest: prior-ladder"):
        cards.show_card("prior-lader")


def test_an_interval_needs_five_seeds():
    with pytest.raises(ValueError, match="five"):
        cards.measure("prior-ladder", seeds=(0, 1))


def test_the_ladder_takes_weights_away():
    torch = pytest.importorskip("torch")
    from backpass.experiments.convolution import ladder_networks

    x = torch.zeros(2, 1, 16, 16)
    nets = ladder_networks(torch)
    assert all(net(x).shape == (2, 10) for net in nets.values())
    sizes = [sum(p.numel() for p in net.parameters()) for net in nets.values()]
    assert sizes == sorted(sizes, reverse=True)


def test_locally_connected_with_equal_weights_is_a_convolution():
    torch = pytest.importorskip("torch")
    from backpass.experiments.convolution import ladder_networks

    nets = ladder_networks(torch)
    local, shared = nets["local"][0], nets["shared"][0]
    with torch.no_grad():
        local.weight[:] = shared.weight.reshape(32, 49).T
        local.bias[:] = shared.bias
        x = torch.randn(3, 1, 16, 16, generator=torch.Generator().manual_seed(0))
        torch.testing.assert_close(local(x).reshape(3, 32, 10, 10), shared(x))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_prediction_is_kept_beside_the_notebook(folder):
    assert "Stored" in myths.store("flip", "yes", "Does it flip?", ["yes", "no"])
    assert json.loads((folder / ".backpass" / "predictions.json").read_text())["flip"]["before"] == "yes"
    judged = myths.verdict("flip", "no", "It is symmetric.", "a book")
    assert "You predicted “yes”; it is not so." in repr(judged)
    assert "a book" in judged._repr_html_()


def test_a_view_after_the_verdict_does_not_replace_the_prediction(folder):
    myths.store("flip", "yes")
    myths.verdict("flip", "no", "", "")
    assert "after the verdict" in myths.store("flip", "no")
    entry = myths.stored()["flip"]
    assert (entry["before"], entry["after"], entry["right"]) == ("yes", "no", "no")
    assert "You predicted “yes”" in repr(myths.verdict("flip", "no", "", ""))


def test_a_verdict_needs_no_prediction(folder):
    assert "No prediction was stored." in repr(myths.verdict("flip", "no", "", ""))
    assert not (folder / ".backpass").exists()


def test_a_damaged_file_is_no_obstacle(folder):
    (folder / ".backpass").mkdir()
    (folder / ".backpass" / "predictions.json").write_text("{not json")
    assert myths.stored() == {}
    assert "Stored" in myths.store("flip", "yes")


def test_a_folder_that_cannot_be_written_is_said(folder):
    (folder / ".backpass").write_text("a file in the way")
    assert "cannot be written" in myths.store("flip", "yes")


def test_a_prediction_must_be_among_the_choices(folder):
    pytest.importorskip("IPython")
    with pytest.raises(ValueError, match="none of the choices"):
        myths.predict("flip", "Does it flip?", ["yes", "no"], answer="perhaps")


def test_multiplications_are_counted():
    with multiplications() as counted:
        value = np.dot(counted(np.ones((4, 5))), counted(np.arange(5)))
    assert counted.total == 20
    assert float(value[0]) == 10


def test_a_table_says_which_cells_are_not_computed():
    table = Table(("call", "result"), (("a", np.array([1, 2])), ("b", Documented("3", "a page"))))
    assert "[1, 2]" in repr(table)
    assert "3 [1]" in repr(table)
    assert "<sup>1</sup>" in table._repr_html_()
    with pytest.raises(ValueError, match="2 cells"):
        Table(("call", "result"), (("a",),))


def test_the_rosetta_table_works_without_scipy_and_torch(monkeypatch):
    import sys

    from backpass.rosetta.convolution import convolution_names

    computed = convolution_names()
    for name in ("scipy.signal", "scipy.ndimage", "torch"):
        monkeypatch.setitem(sys.modules, name, None)
    documented = convolution_names()
    # What is written for the case without a library is what the library gives.
    texts = [[text for text, _ in row] for row in computed.rows]
    assert [[text for text, _ in row] for row in documented.rows] == texts
