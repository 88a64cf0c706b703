import json

import numpy as np

from tf_ttur.data.disturbances import LEVELS, MIXED, MIXED_ALPHAS
from tf_ttur.studies import disturbance_report
from tf_ttur.studies.disturbance_report import summarise
from tf_ttur.studies.disturbances import UNDISTURBED


def make_rows(fid, score, name="blur"):
    """The rows of one disturbance with these values at the levels 0 to 3, out of order."""
    return [
        {
            "disturbance": name if level else UNDISTURBED,
            "level": level,
            "alpha": level,
            "fid": fid[level],
            "inception_score": score[level],
            "inception_score_std": 0.1,
        }
        for level in (0, 3, 1, 2)
    ]


def test_summary():
    found = summarise(make_rows((0.5, 1, 2, 3), (2.0, 1.5, 2.5, 1.0)))["blur"]
    assert found["fid"] == [0.5, 1, 2, 3]
    assert found["fid_rises"] and not found["inception_score_falls"]
    assert found["ind_limit"] == 2.5 and found["ind"] == [0.5, 1.0, 0.0, 1.5]
    saturated = summarise(make_rows((0, 1, 3, 2), (2.0, 1.5, 1.4, 1.0)))["blur"]
    assert not saturated["fid_rises"] and saturated["inception_score_falls"]


def test_limits_of_ind():
    rows = make_rows((0, 1, 2, 3), (2.0, 1.5, 1.4, 1.0))
    assert summarise(rows, limit="published")["blur"]["ind_limit"] == 2.5
    assert summarise(rows, limit=4)["blur"]["ind"] == [2.0, 2.5, 2.6, 3.0]


def test_a_disturbance_without_all_levels_is_left_out():
    assert summarise(make_rows((0, 1, 2, 3), (2.0, 1.5, 1.4, 1.0))[:3]) == {}


def test_report(tmp_path):
    settings = {
        "images": 40,
        "source": "digits:40",
        "seed": 0,
        "network": "stand-in",
        "precision": "float32",
        "swirl_radius": 25,
        "mixed_in": "others",
    }
    shown = np.zeros((16, 32, 32, 3), np.uint8)
    others = np.full((3, 40, 40, 3), 255, np.uint8)
    for name in ("blur", MIXED):
        rows = make_rows((0, 1, 2, 3), (2.0, 1.5, 2.5, 1.0), name)
        report = disturbance_report.study(rows, settings, "fid_stand_in", shown, others)
        folder = tmp_path / name
        verdict = report.write(folder)
        assert verdict == (
            "fid_stand_in rises with every level of 1 of 1 disturbances; "
            "the Inception Score falls with every level of 0 of 1 disturbances."
        )
        numbers = json.loads((folder / "disturb.json").read_text(encoding="utf-8"))
        assert numbers["disturbances"][name]["fid"] == [0, 1, 2, 3]
        assert {file.suffix for file in folder.iterdir()} == {".svg", ".png", ".json", ".md"}
        text = (folder / "disturb.md").read_text(encoding="utf-8")
        assert text.startswith(verdict) and "stand-in" in text
        assert len(text.splitlines()) == 2 + 2 + len(LEVELS)


def test_the_picture_of_a_mixture_shows_as_many_others_as_the_level_says():
    rows = make_rows((0, 1, 2, 3), (2.0, 1.5, 2.5, 1.0), MIXED)
    for row in rows:
        row["alpha"] = MIXED_ALPHAS[row["level"]]
    settings = dict.fromkeys(("images", "seed"), 40)
    settings |= dict.fromkeys(("source", "network", "precision", "mixed_in"), "x")
    shown = np.zeros((2, 8, 8, 3), np.uint8)  # black, and what is mixed in is blue
    others = np.zeros((1, 20, 20, 3), np.uint8)
    others[..., 2] = 255
    settings["swirl_radius"] = 25
    report = disturbance_report.study(rows, settings, "fid", shown, others)
    picture = np.asarray(report.figure.axes[0].images[0].get_array())
    is_gap = (picture == 255).all(axis=(0, 2))
    parts = np.split(picture[:, ~is_gap], 4, axis=1)
    assert [(part[..., 2] == 255).mean() for part in parts] == list(MIXED_ALPHAS)
