from ml_collections import ConfigDict

from tf_ttur.training import collapse


def rows(name, *values, every=100):
    return [
        {"update": number * every, "name": name, "value": value}
        for number, value in enumerate(values)
    ]


def signs(found, factor=2.0, updates=200):
    return [
        update
        for update, _ in collapse.signs(
            found, "fid", ConfigDict({"metric_factor": factor, "accuracy_updates": updates})
        )
    ]


def test_a_distance_far_above_the_best_one():
    assert signs(rows("fid", 100, 50, 90, 100)) == []
    assert signs(rows("fid", 100, 50, 101, 200, 99, 101)) == [200, 500]  # each time that it begins
    assert signs(rows("fid", 100, None, 250)) == [200]
    assert signs(rows("fid", 100, 50, 1000), factor=0.0) == []
    assert signs(rows("jsd_4", 0.1, 1.0)) == []
    [(_, words)] = collapse.signs(
        rows("fid", 100, 50, 101), "fid", ConfigDict({"metric_factor": 2.0, "accuracy_updates": 0})
    )
    assert words == "fid is 101, more than 2 times its best value, 50 after update 100"


def test_a_discriminator_without_mistakes():
    name = collapse.ACCURACY
    assert signs(rows(name, 1, 1)) == []
    assert signs(rows(name, 0.9, 1, 1, 1, 1)) == [300]
    assert signs(rows(name, 1, 1, 0.99, 1, 1)) == []
    assert signs(rows(name, 1, 1, 1, 0.5, 1, 1, 1)) == [200, 600]
    assert signs(rows(name, 1, 1, 1), updates=0) == []


def test_the_best_update():
    assert collapse.best_update(rows("fid", 3, 1, None, 1, 2), "fid") == 100
    assert collapse.best_update([], "fid") is None
