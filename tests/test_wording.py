"""Suggestions, counts and lists of messages."""

import pytest

from tf_ttur.config import KEYS
from tf_ttur.wording import counted, did_you_mean, listed, nearest


@pytest.mark.parametrize(
    "typed, first",
    [
        ("generator.lr", "generator.learning_rate"),
        ("generator.rate", "generator.learning_rate"),
        ("d.lr", "discriminator.learning_rate"),
        ("bs", "batch_size"),
        ("batch-size", "batch_size"),
        ("data.sorce", "data.source"),
        ("data.size", "data.image_size"),
        ("sorce", "data.source"),
        ("update", "updates"),
        ("eval.metrics", "evaluation.metrics"),
        ("generator_learning_rate", "generator.learning_rate"),
    ],
)
def test_the_meant_key_comes_first(typed, first):
    assert nearest(typed, KEYS)[0] == first


def test_a_name_like_no_other_has_no_suggestion():
    assert nearest("nothing_like_it", KEYS) == []
    assert nearest("lr", []) == []
    assert did_you_mean("nothing_like_it", KEYS) == "correct the name"


def test_names_that_are_as_near_are_all_suggested():
    assert did_you_mean("lr", KEYS, form="config.{}".format) == (
        "did you mean config.discriminator.learning_rate or config.generator.learning_rate?"
    )


def test_counted():
    assert counted(1, "image") == "1 image"
    assert counted(0, "image") == "0 images"
    assert counted(2000, "batch", "batches") == "2,000 batches"


def test_listed():
    assert listed(["a", "b", "c"]) == "a, b, c"
    assert listed(list("abcde")) == "a, b, c and 2 more"
    assert listed([]) == ""
