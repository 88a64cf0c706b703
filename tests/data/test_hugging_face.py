"""Data sets of the Hugging Face library, made here. No network is needed."""

import time

import numpy as np
import PIL.Image
import pytest

from tf_ttur import config as configs
from tf_ttur.data import sources
from tf_ttur.data.own_examples import adopt
from tf_ttur.errors import UserError

datasets = pytest.importorskip("datasets", reason="needs the extra hf")

PIXELS = np.random.default_rng(0).integers(0, 256, (6, 32, 32, 3), np.uint8)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A folder with `one` (a data set), `all` (two splits) and `table/x.parquet`."""
    folder = tmp_path_factory.mktemp("hf")
    features = datasets.Features(
        {"image": datasets.Image(), "label": datasets.Value("int64"), "mask": datasets.Image()}
    )
    pictures = [PIL.Image.fromarray(image) for image in PIXELS]
    columns = {"image": pictures, "label": range(6), "mask": pictures[::-1]}
    data_set = datasets.Dataset.from_dict(columns, features)
    data_set.save_to_disk(folder / "one")
    splits = {"train": data_set, "test": data_set.select(range(3, 6))}
    datasets.DatasetDict(splits).save_to_disk(folder / "all")
    (folder / "table").mkdir()
    data_set.to_parquet(folder / "table/x.parquet")
    return folder


def read(source):
    return np.stack(list(source.in_order().as_numpy_iterator()))


@pytest.mark.parametrize(
    "word, expected",
    [
        ("one/train", PIXELS),
        ("all/test", PIXELS[3:]),
        ("table/x.parquet/train", PIXELS),
        ("table/train", PIXELS),
    ],
)
def test_local_data_sets(saved, word, expected, monkeypatch, tmp_path):
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path)
    source = sources.open_source(f"hf:{saved}/{word}")
    np.testing.assert_array_equal(read(source), expected)
    np.testing.assert_array_equal(source.read(np.int64(2)), expected[2])


def test_a_data_set_of_a_program_is_learnt_from(saved):
    data = configs.default().data
    data_set = datasets.load_from_disk(saved / "one")
    examples = adopt(data_set, data)
    examples.check_batches(6)
    assert examples.num_examples == 6
    np.testing.assert_array_equal(next(examples.in_order(6)), PIXELS)
    turned = adopt(data_set.select(range(5, -1, -1)), data)
    assert turned.fingerprints != examples.fingerprints
    again = adopt(datasets.load_from_disk(saved / "one"), data)
    assert (again.fingerprints, again.identity) == (examples.fingerprints, examples.identity)


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda some: some.select_columns(["label"]), "6 examples of label (Value)"),
        (lambda some: some.remove_columns(["image"]).rename_column("mask", "image"), ""),
        (lambda some: some.rename_column("image", "photo"), "photo (Image)"),
        (lambda some: datasets.DatasetDict(train=some), "data_set['train']"),
        (lambda some: some.to_iterable_dataset(), "without streaming=True"),
        (lambda some: some.select([]), "0 examples"),
    ],
)
def test_what_has_no_images_is_named(saved, change, words):
    thing = change(datasets.load_from_disk(saved / "one"))
    data = configs.default().data
    if not words:
        assert adopt(thing, data).num_examples == 6
        return
    with pytest.raises(UserError) as refusal:
        adopt(thing, data)
    assert words in str(refusal.value)


def test_words_that_name_nothing(saved, monkeypatch):
    def no_network(*arguments, **options):
        import requests

        raise requests.exceptions.ConnectionError("Failed to resolve 'example.org'")

    monkeypatch.setattr("requests.Session.request", no_network)
    start = time.monotonic()
    for word, words in {
        "hf:nothing": "hf:DATASET/SPLIT",
        f"hf:{saved}/all/val": "one of train, test",
        f"hf:{saved}/one/data/train": "does not exist",
        "hf:someone/something/train": "cannot be resolved",
    }.items():
        with pytest.raises(UserError) as refusal:
            sources.open_source(word)
        assert words in str(refusal.value), word
    assert time.monotonic() - start < 10
