"""What a Python program passes as examples: what is taken, in which order, and what is refused."""

import itertools

import numpy as np
import PIL.Image
import pytest
import tensorflow as tf

from tests.data.test_ranges import BAD, GOOD, smooth
from tf_ttur import config as configs
from tf_ttur.data import Examples, sources
from tf_ttur.data.images import Images
from tf_ttur.data.own_examples import adopt
from tf_ttur.data.sources.source import GIVEN
from tf_ttur.errors import UserError

SEED = np.array([1, 2], np.int32)
PIXELS = np.random.default_rng(0).integers(0, 256, (20, 32, 32, 3), np.uint8)


@pytest.fixture
def data():
    return configs.default().data


def data_set(images=PIXELS):
    return tf.data.Dataset.from_tensor_slices(images)


def batches(examples, first, count, batch_size=8):
    """`count` batches as uint8, from number `first` on."""
    taken = itertools.islice(examples.batches(SEED, first, 1, batch_size), count)
    return np.stack([np.rint((batch.numpy() + 1) * 127.5) for batch in taken]).astype(np.uint8)


def refusal(thing, data):
    with pytest.raises(UserError) as caught:
        adopt(thing, data)
    assert len(str(caught.value)) < 700  # no array is printed
    return str(caught.value)


def test_an_array_is_shuffled_as_every_source_is(data, tmp_path):
    np.save(tmp_path / "images.npy", PIXELS)
    expected = batches(Images(str(tmp_path / "images.npy"), 32), 0, 4)
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    pictures = [PIL.Image.fromarray(image) for image in PIXELS]
    for thing in (PIXELS, mapped, tf.constant(PIXELS), pictures, lambda: PIXELS):
        examples = adopt(thing, data)
        assert examples.word == GIVEN
        np.testing.assert_array_equal(batches(examples, 0, 4), expected)
    np.testing.assert_array_equal(batches(adopt(PIXELS / 127.5 - 1, data), 0, 4), expected)


def test_words_and_own_examples_are_taken(data, tmp_path):
    np.save(tmp_path / "images.npy", PIXELS)
    for word in (tmp_path / "images.npy", str(tmp_path / "images.npy")):
        assert adopt(word, data).word == str(word)
    own = Images("digits:9", 32)
    assert adopt(own, data) is own
    source = sources.open_source("digits:9")
    assert adopt(source, data).num_examples == 9


@pytest.mark.parametrize("kind", ["single", "batches", "floats", "tuple"])
def test_a_data_set_keeps_its_order_pass_after_pass(kind, data):
    given = {
        "single": data_set(),
        "batches": data_set().batch(7),
        "floats": data_set().map(lambda image: tf.cast(image, tf.float32) / 127.5 - 1),
        "tuple": tf.data.Dataset.from_tensor_slices((PIXELS,)),
    }[kind]
    examples = adopt(given, data)
    assert examples.num_examples == 20
    found = batches(examples, 0, 5)
    np.testing.assert_array_equal(found.reshape(-1, 32, 32, 3), [*PIXELS, *PIXELS])
    np.testing.assert_array_equal(batches(examples, 4, 1)[0], found[4])
    [indices] = examples.indices(SEED, 2, 1, 8).take(1).as_numpy_iterator()
    np.testing.assert_array_equal(PIXELS[indices], found[2])
    np.testing.assert_array_equal(next(examples.in_order(20)), PIXELS)


def test_two_replicas_and_two_workers_see_the_batches_of_one(data):
    examples = adopt(data_set(), data)
    whole = batches(examples, 0, 4)
    halves = batches(examples, 0, 8, batch_size=4)
    np.testing.assert_array_equal(halves.reshape(whole.shape), whole)
    odd = examples.batches(SEED, 0, 2, 4, wanted=lambda number: number % 2 == 1)
    second = np.rint((next(iter(odd)).numpy() + 1) * 127.5)
    np.testing.assert_array_equal(second, halves[1])


def test_a_function_that_builds_a_shuffled_data_set_is_exact(data, capsys):
    def build():
        return data_set().shuffle(20, seed=3)

    examples = adopt(build, data)
    found = batches(examples, 0, 8)
    first, second = found.reshape(64, -1)[:20], found.reshape(64, -1)[20:40]
    assert not (first == second).all()
    assert sorted(map(bytes, first)) == sorted(map(bytes, second)) == sorted(map(bytes, PIXELS))
    np.testing.assert_array_equal(batches(adopt(build, data), 7, 1)[0], found[7])
    assert adopt(build, data).fingerprints == examples.fingerprints
    assert "each reading" not in capsys.readouterr().err


def test_a_data_set_that_is_not_deterministic_is_named(data, capsys):
    sources.source.say_once.cache_clear()
    shuffled = data_set().shuffle(20, seed=3)
    first, second = adopt(shuffled, data), adopt(shuffled, data)
    assert "in another order at each reading" in capsys.readouterr().err
    assert first.fingerprints == second.fingerprints  # of the same images, in any order
    random = np.random.default_rng(0)  # which goes on from reading to reading

    def draw(image):
        drawn = random.integers(0, 256, (32, 32, 3), np.uint8)
        return np.where(image < 0, image, drawn)

    noise = data_set().map(
        lambda image: tf.ensure_shape(tf.numpy_function(draw, [image], tf.uint8), (32, 32, 3))
    )
    first, second = adopt(noise, data), adopt(noise, data)
    assert "other images at each reading" in capsys.readouterr().err
    assert first.fingerprints == second.fingerprints
    assert first.identity != second.identity  # statistics of other images are not reused


def test_other_images_have_other_fingerprints(data):
    digests = {
        adopt(given, data).fingerprints["fingerprint"]
        for given in (
            data_set(),
            data_set(PIXELS[::-1]),
            data_set(PIXELS[:19]),
            PIXELS,
            255 - PIXELS,
        )
    }
    assert len(digests) == 5


def labelled():
    return tf.data.Dataset.zip(data_set(), tf.data.Dataset.range(20))


@pytest.mark.parametrize(
    "thing, words",
    [
        (np.arange(60_000), "int64 (60000,)|these may be labels"),
        ((PIXELS, np.arange(20)), "a tuple of 2: uint8 (20, 32, 32, 3)|without labels"),
        (PIXELS[:, :28, :28], "28x28 pixels|config.data.image_size|config.data.crop"),
        (PIXELS / 255, "floats from 0 to 1|2 * images - 1"),
        (PIXELS.astype(np.float32), "floats from 0 to 255|cast them to uint8"),
        (PIXELS.astype(np.int64), "int64 (20, 32, 32, 3)|to uint8"),
        (PIXELS // 255, "cast before scaling"),
        (PIXELS.transpose(0, 3, 1, 2), "transpose(0, 2, 3, 1)"),
        (PIXELS[0], "one image"),
        (np.full((2, 32, 32, 3), np.nan), "NaN in image 0"),
        ([PIXELS[0], PIXELS[1, :8]], "one size"),
        (None, "None|tf.data.Dataset"),
        (lambda: 1 / 0, "ZeroDivisionError"),
        (lambda: labelled(), "uint8 of shape (32, 32, 3), int64 of shape ()|lambda images, labels"),
        (lambda: data_set().repeat(), "without an end|.take(n)"),
        (lambda: data_set(PIXELS[:, :28]), "32x28 pixels"),
        (lambda: data_set().map(lambda image: {"image": image}), "example['image']"),
        (lambda: data_set().map(lambda image: tf.cast(image, tf.float32)), "from 0 to 255"),
        (lambda: data_set().take(0), "an empty data set"),
        (lambda: tf.data.Dataset.range(9), "int64 of shape ()|labels"),
    ],
)
def test_what_is_refused(thing, words, data):
    message = refusal(thing, data)
    for wanted in words.split("|"):
        assert wanted in message


OF_NO_RANGE = {
    name: form[0]
    for name, form in (GOOD | BAD).items()
    if form[1] is None and "bfloat16" not in name
}


@pytest.mark.parametrize("name", OF_NO_RANGE)
def test_values_are_judged_as_in_a_measurement(name, data):
    images = OF_NO_RANGE[name](smooth() / 255)
    if images.dtype == np.float64:
        images = images.astype(np.float32)
    for given in (images, data_set(images)):
        if name in BAD:
            message = refusal(given, data)
            assert BAD[name][2] in message or "probably of 0 ... " in message
            assert "value_range" not in message  # which only a measurement takes
            continue
        levels = images
        if images.dtype != np.uint8:  # those beyond -1 ... 1 are clipped
            levels = np.rint(np.clip((images + 1) * np.float32(127.5), 0, 255))
        np.testing.assert_array_equal(next(adopt(given, data).in_order(60)), levels)


def test_examples_of_another_kind_are_refused(data):
    with pytest.raises(UserError, match="lines of characters, which"):
        adopt(Images("digits:9", 32), data, "lines")
    with pytest.raises(UserError, match=r"data\.dir"):
        adopt(PIXELS, data, "lines")


def test_the_word_of_given_examples_names_nothing():
    with pytest.raises(UserError, match="passed from a Python program"):
        sources.open_source(GIVEN)
    assert GIVEN not in sources.describe_sources()


def test_members_of_the_protocol_are_what_makes_own_examples(data):
    class Half:
        num_examples = 3
        batches = Examples.batches

    assert "an object of type" in refusal(Half(), data)
