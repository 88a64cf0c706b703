"""The rows and the table of cards."""

import pytest

from tf_ttur import config as configs
from tf_ttur.errors import UserError
from tf_ttur.studies import cards_table


def test_one_row_per_published_metric_and_one_where_nothing_is_published():
    rows = list(cards_table.rows(configs.load("billion_word")))
    assert [row["metric"] for row in rows] == ["jsd_4", "jsd_6"]
    [row] = cards_table.rows(configs.load("quickstart"))
    assert {key for key, value in row.items() if value is None} == {
        *("metric", "published_table", "published_best", "published_best_at"),
        *("published_end", "published_lowest_mean", "erratum", "hours_per_1000_updates"),
    }


def test_rates_that_were_not_published_have_no_score():
    config = configs.load("svhn", {"generator.learning_rate": 3e-4})
    [row] = cards_table.rows(config)
    assert row["metric"] is None
    assert row["published_best"] is None


def test_hours_are_those_of_1000_updates():
    [row] = cards_table.rows(configs.load("cifar10"), seconds_per_update=0.36)
    assert row["hours_per_1000_updates"] == pytest.approx(0.1)
    lines = cards_table.table([row]).splitlines()
    assert lines[1].split() == [
        *("cifar10:ttur", "0.0001,", "0.0005", "1", "120,000", "fid", "36.89", "at", "85k"),
        *("42.6", "[37.3,", "48.7]", "0.10"),
    ]
    assert lines[2:4] == ["", "Errata"]
    assert lines[4].startswith("  cifar10: ")


def test_a_folder_without_cards_is_refused(tmp_path):
    with pytest.raises(UserError, match="holds no cards"):
        cards_table.read_cards(tmp_path)
    assert len(cards_table.read_cards()) >= 35
