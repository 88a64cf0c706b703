"""Words of TensorFlow Datasets, with small sets that are prepared here. No network is needed."""

import threading
import time

import numpy as np
import pytest
import tensorflow_datasets as tfds

from tests.data import tiny_tfds
from tf_ttur.data import sources
from tf_ttur.data.images import Images, open_images
from tf_ttur.data.sources import tfds_builders
from tf_ttur.data.sources.source import identity_of
from tf_ttur.errors import UserError
from tf_ttur.io import hosts


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A folder with configurations of `tiny_set` in a version that TFDS no longer prepares."""
    folder = tmp_path_factory.mktemp("tfds")
    for config in ("small", "large", "grey", "transparent", "deep", "sizes"):
        tiny_tfds.write(folder, config)
    tiny_tfds.write(folder, "large", tiny_tfds.NEW, "array_record")
    return folder


@pytest.fixture
def data_dir(prepared, monkeypatch):
    """The folder of data sets is `prepared`, and there is no network."""
    monkeypatch.setattr("tensorflow_datasets.core.constants.DATA_DIR", str(prepared))
    monkeypatch.setattr("requests.Session.request", _no_network)
    return prepared


def _no_network(*arguments, **options):
    import requests

    raise requests.exceptions.ConnectionError("Failed to resolve 'example.org'")


def read(word):
    return list(sources.open_source(word).in_order().as_numpy_iterator())


def refused(word, *words):
    with pytest.raises(UserError) as refusal:
        sources.open_source(word)
    for wanted in words:
        assert wanted in str(refusal.value)


def as_bytes(images):
    return sorted(image.tobytes() for image in images)


def test_a_configuration_and_a_version(data_dir):
    images = read(f"tfds:tiny_set/small:{tiny_tfds.OLD}/train")
    assert as_bytes(images) == tiny_tfds.all_images("small")
    larger = read(f"tfds:tiny_set/large:{tiny_tfds.OLD}/test")
    assert as_bytes(larger) == tiny_tfds.all_images("large")


def test_slices(data_dir):
    word = f"tfds:tiny_set/small:{tiny_tfds.OLD}/"
    whole = read(f"{word}train")
    np.testing.assert_array_equal(read(f"{word}train[:7]"), whole[:7])
    np.testing.assert_array_equal(read(f"{word}train[50%:]"), whole[10:])
    assert sources.open_source(f"{word}train[:7]+test").num_images == 27
    identities = {sources.open_source(f"{word}{split}").identity for split in ("train", "test")}
    assert len(identities) == 2


def test_the_version_in_a_word_does_not_change_the_identity(shared, monkeypatch):
    folder = str(shared / "data/tfds")
    monkeypatch.setattr("tensorflow_datasets.core.constants.DATA_DIR", folder)
    plain = sources.open_source("tfds:cifar10/train")
    pinned = sources.open_source("tfds:cifar10:3.0.2/train")
    assert plain.identity == pinned.identity
    # That of version 0.1.0.
    number = plain.num_images
    assert plain.identity == identity_of("cifar10", "3.0.2", "train", number)


def test_array_record_is_read_at_random(data_dir):
    source = sources.open_source("tfds:tiny_set/large/train")
    assert source.read is not None
    images = list(source.in_order().as_numpy_iterator())
    assert as_bytes(images) == tiny_tfds.all_images("large")
    np.testing.assert_array_equal(source.read(np.int64(11)), images[11])
    part = sources.open_source("tfds:tiny_set/large/train[5:8]")
    np.testing.assert_array_equal(list(part.in_order().as_numpy_iterator()), images[5:8])
    # Larger than memory_gib, it feeds a training without being loaded.
    batches = Images(source, 0, memory_gib=1e-9)
    batches.check_batches(4)


def test_grey_images_are_replicated_and_said(data_dir, capsys):
    word = f"tfds:tiny_set/grey:{tiny_tfds.OLD}/train"
    images = read(word)
    assert {image.shape for image in images} == {(8, 8, 3)}
    assert as_bytes(image[:, :, :1] for image in images) == tiny_tfds.all_images("grey")
    assert all((image == image[:, :, :1]).all() for image in images)
    Images(word)
    assert f"{word}: 20 grey images" in capsys.readouterr().err
    assert sources.open_source(word).converted == "grey"


def test_other_shapes_are_named(data_dir):
    refused(f"tfds:tiny_set/transparent:{tiny_tfds.OLD}/train", "of shape (8, 8, 4)")
    refused(f"tfds:tiny_set/deep:{tiny_tfds.OLD}/train", "type uint16")


def test_several_sizes_are_named(data_dir):
    images = Images(f"tfds:tiny_set/sizes:{tiny_tfds.OLD}/train")
    with pytest.raises(UserError) as refusal:
        list(images.in_order(20))
    assert "has 9x8 pixels, those before it 8x8" in str(refusal.value)
    assert "--size 8" in str(refusal.value)
    resized = open_images(images.word, size=6)
    assert next(resized.in_order(20)).shape == (20, 6, 6, 3)
    cropped = Images(f"tfds:tiny_set/sizes:{tiny_tfds.OLD}/train", 32, "square")
    assert next(cropped.in_order(20)).shape == (20, 32, 32, 3)


@pytest.mark.parametrize(
    "word, message",
    [
        ("tfds:tiny_set/small:9.9.9/train", "tfds:tiny_set/small:3.0.0/train"),
        ("tfds:tiny_set/medium/train", "tfds:tiny_set/small:3.0.0/train"),
        ("tfds:tiny_set/large/validation", "one of ['train', 'test']"),
        ("tfds:tiny_set/large/train[3:x]", "no split train[3:x]"),
        ("tfds:tiny_set/large/train[5:5]", "is empty"),
        ("tfds:no_such_set/train", "has no data set no_such_set"),
        ("tfds:tiny_set/a/b/train", "tfds:NAME/CONFIG:VERSION/SPLIT"),
        ("tfds:huggingface:mnist/train", "tfds:NAME/CONFIG:VERSION/SPLIT"),
    ],
)
def test_words_that_name_nothing(data_dir, word, message):
    refused(word, message)


def test_without_a_network_another_prepared_version_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("tensorflow_datasets.core.constants.DATA_DIR", str(tmp_path))
    monkeypatch.setattr("requests.Session.request", _no_network)
    old = tmp_path / "cifar10/3.0.0"
    old.mkdir(parents=True)
    for name in ("dataset_info.json", "features.json"):
        (old / name).write_text("{}", "utf-8")
    start = time.monotonic()
    refused(
        "tfds:cifar10/train",
        "no prepared cifar10/3.0.2",
        "cannot be reached (its name cannot be resolved)",
        "prepared there: tfds:cifar10:3.0.0/train",
    )
    assert time.monotonic() - start < 10
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_dir()) == [
        "3.0.0",
        "cifar10",
    ]


def test_a_host_without_an_answer_is_known_in_seconds(tmp_path, monkeypatch):
    monkeypatch.setattr("tensorflow_datasets.core.constants.DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr("requests.Session.request", lambda *_, **__: threading.Event().wait(60))
    monkeypatch.setattr(hosts, "PROBE_SECONDS", 0.2)
    start = time.monotonic()
    refused("tfds:mnist/train", "no answer within 0.2 s")
    assert time.monotonic() - start < 5
    assert not (tmp_path / "data").exists()


def test_what_was_downloaded_before_needs_no_network(tmp_path, monkeypatch):
    monkeypatch.setattr("tensorflow_datasets.core.constants.DATA_DIR", str(tmp_path))
    monkeypatch.setattr("requests.Session.request", _no_network)
    builder = tfds.builder("cifar10")
    assert tfds_builders._unreachable(builder)
    [(url, info)] = builder.url_infos.items()
    name = tfds.core.download.resource.get_dl_fname(url, info.checksum)
    (tmp_path / "downloads/cifar10").mkdir(parents=True)
    (tmp_path / f"downloads/cifar10/{name}.INFO").touch()
    assert not tfds_builders._unreachable(builder)


def test_a_failed_or_interrupted_preparation_leaves_no_folders(tmp_path, monkeypatch):
    monkeypatch.setattr("tensorflow_datasets.core.constants.DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr(tfds_builders, "_unreachable", lambda builder: "")

    def fail(error):
        def prepare(builder, *_, **__):
            for name in ("downloads/extracted", "downloads/mnist/a.tmp", "mnist"):
                (tmp_path / "data" / name).mkdir(parents=True)
            raise error

        return prepare

    prepare = "tensorflow_datasets.core.DatasetBuilder.download_and_prepare"
    monkeypatch.setattr(prepare, fail(OSError("the server hung up\nand more")))
    refused("tfds:mnist/train", "TFDS cannot prepare mnist (OSError: the server hung up)")
    assert not (tmp_path / "data").exists()
    monkeypatch.setattr(prepare, fail(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        sources.open_source("tfds:mnist/train")
    assert not (tmp_path / "data").exists()


def test_a_folder_of_tfds_is_named_as_a_word(prepared):
    folder = prepared / "tiny_set/small"
    refused(
        str(folder / tiny_tfds.OLD),
        "holds no images",
        f"TFDS_DATA_DIR={prepared}",
        f"tfds:tiny_set/small:{tiny_tfds.OLD}/train",
    )
