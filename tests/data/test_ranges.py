"""What the values of images mean: every form of the same photographs, and what is refused."""

import numpy as np
import PIL.Image
import pytest
import tensorflow as tf

from tests.conftest import assert_refused
from tests.metrics.mini_inception import graph_bytes
from tf_ttur import metrics
from tf_ttur.data import ranges
from tf_ttur.data.images import open_images, open_raw
from tf_ttur.data.sources import given
from tf_ttur.errors import UserError
from tf_ttur.metrics.inception import Inception

pytestmark = pytest.mark.filterwarnings("ignore:.*images for [0-9]+ features")

MEAN = np.array([0.485, 0.456, 0.406])
STD = np.array([0.229, 0.224, 0.225])


def smooth(count=60, size=32, power=1.0):
    """Images with the smooth surfaces of photographs, from black to white."""
    random = np.random.default_rng(0)
    small = random.uniform(0, 1, (count, 5, 5, 3)).astype(np.float32)
    images = tf.clip_by_value(tf.image.resize(small, (size, size), "bicubic"), 0, 1).numpy()
    return (255 * images**power).round().astype(np.uint8)


@pytest.fixture(scope="module")
def network():
    return Inception(graph_bytes())


@pytest.fixture(params=["synthetic", "faces"])
def photographs(request):
    if request.param == "synthetic":
        return smooth()
    folder = request.getfixturevalue("shared") / "data/faces64"
    paths = sorted(folder.glob("*.png"))[:200]
    return np.stack([np.asarray(PIL.Image.open(path).convert("RGB")) for path in paths])


def judge(images, value_range=None, **options):
    tally = ranges.Tally()
    for first in range(0, len(images), 50):
        tally.add("images", images[first : first + 50], value_range)
    ranges.judge("images", tally, value_range, **options)


GOOD = {
    "uint8": (lambda u: (255 * u).round().astype(np.uint8), None),
    "uint8 although floats are of 0 ... 1": (lambda u: (255 * u).round().astype(np.uint8), (0, 1)),
    "-1 ... 1": (lambda u: 2 * u - 1, None),
    "-1 ... 1 in bfloat16": (lambda u: tf.cast(2 * u - 1, tf.bfloat16).numpy(), None),
    "said to be of -1 ... 1": (lambda u: 2 * u - 1, (-1, 1)),
    "said to be of 0 ... 1": (lambda u: u, (0, 1)),
    "said to be of 0 ... 1, with overshoot": (lambda u: 1.006 * u - 0.003, (0, 1)),
    "said to be of 0 ... 255": (lambda u: 255 * u, (0, 255)),
    "a generator without tanh": (lambda u: 2 * u - 1 + noise(u, 0.1), None),
    "a generator without tanh, one value far off": (lambda u: with_one(2 * u - 1, 9), None),
    "dark": (lambda u: 2 * (0.1 * u) - 1, None),
    "bright": (lambda u: 2 * (1 - 0.9 * u**2) - 1, None),
}
BAD = {
    "0 ... 1": (lambda u: u, None, "value_range=(0, 1)"),
    "0 ... 1 with overshoot": (lambda u: 1.006 * u - 0.003, None, "value_range=(0, 1)"),
    "0 ... 1 with noise": (lambda u: u + noise(u, 0.05), None, "value_range=(0, 1)"),
    "0 ... 1, dark": (lambda u: 0.1 * u, None, "value_range=(0, 1)"),
    "normalised for ImageNet": (lambda u: (u - MEAN) / STD, None, "a mean and a standard"),
    "standardised": (lambda u: standardised(u), None, "a mean and a standard"),
    "0 ... 255": (lambda u: 255 * u, None, "value_range=(0, 255)"),
    "0 ... 255 less a mean": (lambda u: 255 * (u - MEAN), None, "add the mean"),
    "cast before scaling": (lambda u: np.floor(u).astype(np.uint8), None, "cast before scaling"),
    "-1 ... 1, cast": (
        lambda u: with_one(2 * u - 1, 1).astype(np.int8).astype(np.uint8),
        None,
        "cast before scaling",
    ),
    "not of 0 ... 1": (lambda u: 2 * u - 1, (0, 1), "outside of value_range=(0, 1)"),
    "not of -1 ... 1": (lambda u: 255 * u, (-1, 1), "outside of value_range=(-1, 1)"),
    "not of 0 ... 255": (lambda u: u, (0, 255), "value_range=(0, 1)"),
}


def noise(images, scale):
    return np.random.default_rng(1).normal(0, scale, images.shape)


def with_one(images, value):
    images[0, 0, 0, 0] = value
    return images


def standardised(images):
    """As `tf.image.per_image_standardization` does."""
    mean = images.mean((1, 2, 3), keepdims=True)
    return (images - mean) / images.std((1, 2, 3), keepdims=True)


@pytest.mark.parametrize("form", GOOD)
def test_these_pass(photographs, form):
    change, value_range = GOOD[form]
    judge(change(photographs / 255), value_range)


@pytest.mark.parametrize("form", BAD)
def test_these_are_refused_with_their_cause(photographs, form):
    change, value_range, words = BAD[form]
    with pytest.raises(UserError) as refusal:
        judge(change(photographs / 255), value_range)
    assert words in str(refusal.value)


@pytest.mark.parametrize("form", [form for form in BAD if BAD[form][1] is None])
def test_a_training_is_not_sent_to_flags_of_a_measurement(photographs, form):
    with pytest.raises(UserError) as refusal:
        judge(BAD[form][0](photographs / 255), is_measured=False)
    assert "value" not in refusal.value.cure


def test_an_array_file_of_a_training_is_not_sent_to_flags_either(photographs, tmp_path):
    np.save(tmp_path / "unit.npy", (photographs / 255).astype(np.float32))
    word = str(tmp_path / "unit.npy")
    with pytest.raises(UserError, match=r"--value-range 0,1"):
        open_images(word)
    for open_training in (open_raw, lambda word: given.of_object("given", np.load(word))):
        with pytest.raises(UserError) as refusal:
            open_training(word)
        assert refusal.value.cure == (
            "scale them: 2 * images - 1. If they really are so bright or grey, pass uint8"
        )


def test_one_image_of_many_decides_nothing():
    images = smooth(200) / 127.5 - 1
    images[7] = 5.0
    judge(images)  # 0.5 % of the values
    images[7:11] = 5.0
    with pytest.raises(UserError, match=r"2 % of them beyond"):
        judge(images)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_the_image_with_nan_is_named(network, value):
    images = smooth() / 127.5 - 1
    images[41, 3, 2, 1] = value
    word = "NaN" if np.isnan(value) else "infinity"
    for form in (images, iter([images[:30], images[30:]]), in_turn(images)):
        with pytest.raises(UserError, match=f"{word} in image 41 "):
            metrics.compute_statistics(form, network, num_images=60)


def in_turn(images):
    """A function that draws the images in turn."""
    drawn = iter(images)
    return lambda count: np.stack([next(drawn, images[0]) for _ in range(count)])


def test_the_range_says_what_the_values_mean(network):
    levels = smooth()
    expected = metrics.compute_statistics(levels, network)
    unit = levels / np.float32(255)
    for images, value_range in (
        (levels, None),
        (unit, (0, 1)),
        (unit * 2 - 1, None),
        (unit * 2 - 1, [-1.0, 1.0]),
        (unit * 255, (0, 255)),
    ):
        found = metrics.compute_statistics(images, network, value_range=value_range)
        assert found.provenance["images_digest"] == expected.provenance["images_digest"]
    assert found.provenance["value_range"] == [0, 255]
    black = np.zeros_like(levels)
    black[:, :4] = 1
    with pytest.raises(UserError, match="takes them as they are"):
        metrics.compute_statistics(black, network)
    metrics.compute_statistics(black, network, value_range=(0, 255))
    for wrong in ((0, 2), 1, "0,1", (0, 1, 2)):
        with pytest.raises(UserError, match=r"one of \(0, 1\), \(-1, 1\), \(0, 255\)"):
            metrics.compute_statistics(levels, network, value_range=wrong)


def test_truncation_keeps_what_are_levels_already(network):
    levels = smooth()
    expected = metrics.compute_statistics(levels, network).provenance["images_digest"]
    for images, value_range in ((levels.astype(np.float32), (0, 255)), (levels / 255, (0, 1))):
        found = metrics.compute_statistics(
            images, network, quantisation="truncate", value_range=value_range
        )
        assert found.provenance["images_digest"] == expected


def test_it_is_decided_early_and_at_the_end(network):
    """An iterator is refused after 1,000 images, and also where only its end is wrong."""
    images = smooth(100) / 255
    taken = []

    def batches(scales):
        for scale in scales:
            taken.append(scale)
            yield images * scale - (scale - 1)

    with pytest.raises(UserError, match="probably of 0"):
        metrics.compute_statistics(batches([1] * 20), network)
    assert len(taken) <= 11
    taken.clear()
    with pytest.raises(UserError, match="beyond"):
        metrics.compute_statistics(batches([2] * 11 + [40]), network)
    assert len(taken) == 12


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A folder with the same photographs in several arrays, and others to compare them with."""
    folder = tmp_path_factory.mktemp("arrays")
    levels = smooth()
    unit = levels / np.float32(255)
    np.save(folder / "others.npy", smooth(power=1.5))
    np.save(folder / "levels.npy", levels)
    np.savez(folder / "unit.npz", images=unit.astype(np.float16), labels=np.zeros(60, int))
    np.save(folder / "signed.npy", 2.0 * unit - 1)
    np.save(folder / "grey.npy", (2 * unit - 1)[..., :1])
    np.save(folder / "cast.npy", unit.astype(np.uint8))
    np.save(
        folder / "few_levels.npy", np.where(levels > 250, 1, 255 * (levels > 128)).astype(np.uint8)
    )
    np.save(folder / "normalised.npy", (unit - MEAN) / STD)
    broken = 2 * unit - 1
    broken[17, 3, 3, 0] = np.nan
    np.save(folder / "nan.npy", broken)
    return folder


def test_arrays_of_floats_by_their_words(files, network):
    expected = metrics.compute_statistics(files / "levels.npy", network)
    signed = metrics.compute_statistics(files / "signed.npy", network)
    assert signed.provenance["images_digest"] == expected.provenance["images_digest"]
    assert signed.provenance["value_range"] == [-1, 1]
    assert signed.provenance["quantisation"] == "round"
    unit = metrics.compute_statistics(files / "unit.npz", network, value_range=(0, 1))
    np.testing.assert_allclose(unit.mu, expected.mu, rtol=0.01)  # of float16
    levels = metrics.compute_statistics(files / "levels.npy", network, value_range=(0, 1))
    assert levels.provenance["images_digest"] == expected.provenance["images_digest"]
    assert metrics.compute_statistics(files / "grey.npy", network).provenance["num_images"] == 60


@pytest.mark.parametrize(
    "word, message",
    [
        ("unit.npz", "probably of 0 ... 1"),
        ("cast.npy", "cast before scaling"),
        ("few_levels.npy", "hardly any value but 0, 1 and 255"),
        ("normalised.npy", "mean and a standard deviation"),
        ("nan.npy", "NaN in image 17"),
    ],
)
def test_arrays_whose_values_are_in_doubt(word, message, files, monkeypatch, tool):
    monkeypatch.chdir(files)
    assert_refused(tool("tools/fid.py", word, "others.npy"), message)
    with pytest.raises(UserError, match=message.replace(".", r"\.")):
        metrics.compute_statistics(word)


def test_the_range_on_the_command_line(files, tmp_path, tool):
    (tmp_path / "graph.pb").write_bytes(graph_bytes())
    words = ["--value-range", "0,1", "--count", "40", "--inception", tmp_path / "graph.pb"]
    answer = tool("tools/fid.py", files / "unit.npz", files / "others.npy", *words)
    assert answer.returncode == 0, answer.stderr
    assert "40 images" in answer.stdout
    assert_refused(tool("tools/fid.py", "digits:30", "digits:30", *words), "--value-range has no")
    words[1] = "0,2"
    assert_refused(tool("tools/fid.py", files / "unit.npz", "digits:30", *words), "one of (0, 1)")


def test_a_few_of_many_images_are_looked_at():
    images = np.zeros((100_000, 2, 2, 3), np.uint8)
    images[::3] = 200
    ranges.judge_array("images", images, None)
    with pytest.raises(UserError, match="no value above 1"):
        ranges.judge_array("images", images[:1] // 255, None)
