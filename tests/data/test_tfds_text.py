"""Texts of TensorFlow Datasets as lines, with a small set that is prepared here."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from tests.conformance.models import Training, build
from tf_ttur.data import text
from tf_ttur.data.text import Lines
from tf_ttur.errors import UserError

TEXTS = [f"line {number} — größer" for number in range(40)] + ["", "two\nlines"]


class TinyText(tfds.core.GeneratorBasedBuilder):
    """`tiny_text`."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        features = {"text": tfds.features.Text(), "label": tfds.features.ClassLabel(num_classes=2)}
        return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(features))

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples()}

    def _generate_examples(self):
        for number, line in enumerate(TEXTS):
            yield number, {"text": line, "label": number % 2}


@pytest.fixture(scope="module", params=["tfrecord", "array_record"])
def prepared(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    TinyText(data_dir=str(folder), file_format=request.param).download_and_prepare()
    return folder


@pytest.fixture
def data_dir(prepared, monkeypatch):
    monkeypatch.setattr("tensorflow_datasets.core.constants.DATA_DIR", str(prepared))
    return prepared


def test_lines_are_those_of_a_file_with_the_same_texts(data_dir, tmp_path):
    lines = Lines("tfds:tiny_text/train", length=18)
    assert lines.num_lines == 43
    shown = [line.rstrip("`") for line in lines.decode(lines.codes)]
    assert sorted(shown) == sorted("\n".join(TEXTS).split("\n"))
    (tmp_path / "news.en-1").write_text("".join(f"{line}\n" for line in shown), "utf-8")
    of_file = Lines(tmp_path, length=18)
    np.testing.assert_array_equal(lines.codes, of_file.codes)
    assert (lines.vocabulary, lines.fingerprints) == (of_file.vocabulary, of_file.fingerprints)


def test_the_first_lines_and_slices(data_dir):
    whole = Lines("tfds:tiny_text/train", length=18)
    first = Lines("tfds:tiny_text/train", length=18, max_lines=5)
    assert first.decode(first.codes) == whole.decode(whole.codes[:5])
    part = Lines("tfds:tiny_text:1.0.0/train[:3]", length=18)
    assert part.decode(part.codes)[0] == whole.decode(whole.codes[:1])[0]


def test_they_are_prepared_once(data_dir, tmp_path):
    words = ("tfds:tiny_text/train", tmp_path / "lines")
    assert "43 lines of 18 characters" in text.prepare(*words, length=18)
    assert "already prepared" in text.prepare(*words, length=18)
    np.testing.assert_array_equal(
        Lines(tmp_path / "lines", length=18).codes, Lines(words[0], length=18).codes
    )


@pytest.mark.slow  # traces the language networks
def test_a_language_network_learns_from_them(data_dir, prepared, tmp_path):
    if prepared.name.startswith("array_record"):
        pytest.skip("the lines are the same")
    config = build("language", tmp_path, **{"data.dir": "tfds:tiny_text/train"})
    training = Training(config, tf.distribute.MirroredStrategy(["CPU:0"]))
    [values] = training.go(0, 1)
    assert np.isfinite(list(values.values())).all()


@pytest.mark.parametrize(
    "word, message",
    [
        ("tfds:tiny_text/test", "no split test"),
        ("tfds:tiny_text", "tfds:NAME/SPLIT"),
        ("tfds:no_such_text/train", "has no data set no_such_text"),
    ],
)
def test_words_that_name_nothing(data_dir, word, message):
    with pytest.raises(UserError, match=message):
        Lines(word)


def test_images_are_no_texts(shared, monkeypatch):
    folder = str(shared / "data/tfds")
    monkeypatch.setattr("tensorflow_datasets.core.constants.DATA_DIR", folder)
    with pytest.raises(UserError, match="one feature of texts"):
        Lines("tfds:cifar10/train")
