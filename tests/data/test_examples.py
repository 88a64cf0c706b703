"""Images and lines can both be learnt from: they fulfil one protocol."""

import inspect

import numpy as np
import pytest

from tf_ttur.data import Examples
from tf_ttur.data.images import Images
from tf_ttur.data.text import Lines


@pytest.fixture(params=["images", "lines"])
def examples(request, tmp_path):
    """23 images, or 23 lines."""
    if request.param == "images":
        return Images("digits:23", 32)
    text = "".join(f"{chr(97 + number)}\n" for number in range(23))
    (tmp_path / "news.en-1").write_text(text, encoding="utf-8")
    return Lines(tmp_path, length=6)


def members(protocol):
    """(names of attributes, {name: function}) of a protocol."""
    public = {name: value for name, value in vars(protocol).items() if not name.startswith("_")}
    functions = {name: value for name, value in public.items() if inspect.isfunction(value)}
    attributes = {*protocol.__annotations__, *(public.keys() - functions.keys())}
    return attributes, functions


def test_they_have_all_members_of_the_protocol(examples):
    attributes, functions = members(Examples)
    assert {"word", "num_examples", "identity", "skipped", "vocabulary"} <= attributes
    assert {"check_batches", "batches", "encode", "explain"} <= functions.keys()
    for name in attributes:
        assert hasattr(examples, name)
    for name, function in functions.items():
        there = list(inspect.signature(getattr(type(examples), name)).parameters)
        assert there == list(inspect.signature(function).parameters), name


def test_what_the_members_give(examples):
    assert isinstance(examples.word, str) and isinstance(examples.identity, str)
    assert examples.num_examples == 23 and examples.skipped == []
    assert isinstance(examples.vocabulary, tuple)
    examples.check_batches(23)
    seed = np.array([1, 2], np.int32)
    batch = next(iter(examples.batches(seed, 0, 1, 4, wanted=lambda number: number > 2)))
    encoded = examples.encode(batch)
    assert encoded.shape[0] == 4 and encoded.dtype == np.float32
    assert examples.explain(RuntimeError("of another cause"), range(4)) is None
