"""Files of arrays, by what they hold: images, statistics, both, or pickles of them."""

import pickle
import re
import shlex
import subprocess
import sys
import zipfile

import numpy as np
import pytest

from tests.data.test_sources import refused
from tf_ttur.data import sources
from tf_ttur.data.array_files import image_array, read_headers
from tf_ttur.data.images import Images
from tf_ttur.errors import UserError
from tf_ttur.metrics import sides, statistics

COVARIANCE = np.eye(3)
MEAN = np.arange(3.0)


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (6, 8, 9, 3), np.uint8)


def read(word):
    source = sources.open_source(word)
    read = list(source.in_order().as_numpy_iterator())
    assert len(read) == source.num_images
    return np.stack(read)


@pytest.mark.parametrize(
    "names",
    [
        ("images", "labels"),
        ("arr_0", "arr_1"),
        ("x_train", "y_train"),
        ("anything", "labels"),
    ],
)
def test_labels_beside_images_are_ignored_and_said(tmp_path, images, names, capsys):
    labels = np.arange(6)
    np.savez(tmp_path / "samples.npz", **dict(zip(names, (images, labels), strict=True)))
    np.testing.assert_array_equal(read(tmp_path / "samples.npz"), images)
    said = " ".join(capsys.readouterr().err.split())
    assert f"the images are {names[0]} (uint8 of shape (6, 8, 9, 3))" in said
    assert f"ignored: {names[1]} (int64 of shape (6,))" in said


def test_labels_may_be_uint8_or_objects(tmp_path, images):
    np.savez(tmp_path / "a.npz", y=np.zeros((6, 1), np.uint8), x=images)
    np.savez(tmp_path / "b.npz", images=images, labels=np.array(["a", None]))
    for name in ("a.npz", "b.npz"):
        np.testing.assert_array_equal(read(tmp_path / name), images)


def test_images_and_arr_0_come_before_others(tmp_path, images):
    others = 255 - images
    np.savez(tmp_path / "a.npz", others=others, images=images)
    np.savez(tmp_path / "b.npz", images, others)
    for name in ("a.npz", "b.npz"):
        np.testing.assert_array_equal(read(tmp_path / name), images)


def test_two_arrays_of_images_without_a_telling_name(tmp_path, images):
    np.savez(tmp_path / "data.npz", x_train=images, y_train=np.arange(6), x_test=images[:2])
    error = refusal(tmp_path / "data.npz", "x_train and x_test can be the images")
    carry_out(error)
    np.testing.assert_array_equal(read(tmp_path / "x_train.npy"), images)


@pytest.mark.parametrize("name", ["grey.npy", "grey.npz"])
@pytest.mark.parametrize("with_channels", [False, True])
def test_grey_arrays_are_replicated_and_said(tmp_path, images, name, with_channels, capsys):
    grey = images[..., :1] if with_channels else images[..., 0]
    save = np.save if name.endswith("npy") else np.savez
    save(tmp_path / name, grey)
    expected = np.repeat(images[..., :1], 3, axis=-1)
    np.testing.assert_array_equal(read(tmp_path / name), expected)
    Images(str(tmp_path / name))
    assert "6 grey images" in capsys.readouterr().err
    assert sources.open_source(tmp_path / name).converted == "grey"


@pytest.mark.parametrize(
    "array, words",
    [
        (np.zeros((8, 8, 3), np.uint8), "one image"),
        (np.zeros((8, 8, 4), np.uint8), "one image"),
        (np.zeros((5, 3, 8, 8), np.uint8), "transpose(0, 2, 3, 1)"),
        (np.zeros((5, 8, 8, 4), np.uint8), "transparency"),
        (np.zeros((5, 8, 8, 3)), "floats from 0 to 0"),
        (np.zeros((5, 8, 8)), "float64 of shape (5, 8, 8)"),
        (np.zeros((0, 8, 8, 3), np.uint8), "of shape (0, 8, 8, 3)"),
        (np.zeros((5, 192), np.uint8), "of shape (5, 192)"),
    ],
)
@pytest.mark.parametrize("name", ["x.npy", "images.npz"])
def test_arrays_that_are_no_images(tmp_path, array, words, name):
    save = np.save if name.endswith("npy") else np.savez
    save(tmp_path / name, array)
    refused(tmp_path / name, words)


def test_endings_in_capitals(tmp_path, images):
    with open(tmp_path / "A.NPY", "wb") as file:
        np.save(file, images)
    with open(tmp_path / "B.NPZ", "wb") as file:
        np.savez(file, images)
    with open(tmp_path / "S.NPZ", "wb") as file:
        np.savez(file, mu=MEAN, sigma=COVARIANCE)
    for name in ("A.NPY", "B.NPZ"):
        np.testing.assert_array_equal(read(tmp_path / name), images)
    assert sides.is_statistics(str(tmp_path / "S.NPZ"))


# Statistics


def test_which_files_are_statistics(tmp_path, images):
    contents = {
        "statistics": {"mu": MEAN, "sigma": COVARIANCE},
        "half": {"mu": MEAN},
        "images": {"images": images},
        "sampled": {"arr_0": images, "arr_1": np.arange(6)},
        "adm": {"arr_0": images, "mu": MEAN, "sigma": COVARIANCE, "mu_s": MEAN},
        "neither": {"a": MEAN, "b": MEAN},
    }
    for name, arrays in contents.items():
        np.savez(tmp_path / f"{name}.npz", **arrays)
    answers = {
        name: [sides.is_statistics(f"{tmp_path}/{name}.npz", prefer) for prefer in (False, True)]
        for name in contents
    }
    assert answers == {
        "statistics": [True, True],
        "half": [True, True],
        "images": [False, False],
        "sampled": [False, False],
        "adm": [True, False],
        "neither": [False, False],
    }
    refused(tmp_path / "statistics.npz", "holds statistics and no images")
    np.testing.assert_array_equal(read(tmp_path / "adm.npz"), images)
    with pytest.raises(UserError, match="holds images and no statistics"):
        statistics.load(tmp_path / "sampled.npz")


def refusal(path, *words):
    """The error for a file in the place of images, and of statistics."""
    for open_it in (sources.open_source, statistics.load, lambda path: sides.open_side(str(path))):
        with pytest.raises(UserError) as error:
            open_it(path)
        for word in (str(path), *words):
            assert word in str(error.value)
    return error.value


def carry_out(error):
    """Carries out the command of an error in a shell, as its reader would."""
    command = re.search(r"python -c .*", error.cure)[0]
    assert "\n" not in command
    program = shlex.split(command)
    subprocess.run([sys.executable, *program[1:]], check=True)


def check_converted(tmp_path):
    with np.load(next(tmp_path.glob("*-statistics.npz"))) as converted:
        np.testing.assert_array_equal(converted["mu"], MEAN)
        np.testing.assert_array_equal(converted["sigma"], COVARIANCE)


@pytest.mark.parametrize("names", [("mean", "cov"), ("m", "s"), ("mean", "covariance"), "xy"])
def test_statistics_under_other_names(tmp_path, names):
    arrays = dict(zip(names, (MEAN, COVARIANCE), strict=True))
    np.savez(tmp_path / "of others.npz", **arrays, labels=np.arange(4))
    error = refusal(tmp_path / "of others.npz", "no mu and no sigma", "statistics of other names")
    carry_out(error)
    check_converted(tmp_path)


@pytest.mark.parametrize("names", [("mu", "sigma"), ("mean", "cov")])
@pytest.mark.parametrize("kind", ["npy", "npz", "misnamed npz", "pkl"])
@pytest.mark.parametrize("protocol", [2, 4])
def test_pickles_of_statistics_come_with_the_line_that_converts_them(
    tmp_path, names, kind, protocol
):
    content = dict(zip(names, (MEAN, COVARIANCE), strict=True))
    path = tmp_path / f"it's.{kind.split()[-1]}"
    if kind in ("misnamed npz", "pkl"):
        path.write_bytes(pickle.dumps(content, protocol))
    elif kind == "npy":
        np.save(path, content)
    else:
        np.savez(path, stats=content)
    if kind == "pkl":
        with pytest.raises(UserError) as raised:
            sides.open_side(str(path))
        error = raised.value
        assert "it is a pickle of statistics" in str(error)
    else:
        error = refusal(path, f"it is a pickle of statistics ({', '.join(names)})")
    assert "can run any program" in str(error)
    carry_out(error)
    check_converted(tmp_path)


def test_pickled_statistics_inside_an_npz(tmp_path):
    np.savez(tmp_path / "s.npz", mu=np.array([{}], dtype=object), sigma=COVARIANCE)
    with pytest.raises(UserError, match="cannot be read safely: it is a pickle"):
        statistics.load(tmp_path / "s.npz")


def test_other_pickles(tmp_path):
    np.save(tmp_path / "list.npy", np.array([np.zeros(3), None], dtype=object))
    (tmp_path / "net.pkl").write_bytes(pickle.dumps({"G_ema": 1}))
    (tmp_path / "cut.pkl").write_bytes(pickle.dumps({"mu": 1, "sigma": 2})[:-8])
    for name in ("list.npy", "net.pkl", "cut.pkl"):
        refused(tmp_path / name, "cannot be read safely: it is a pickle")


def test_no_pickle_is_run(tmp_path):
    class Harm:
        def __reduce__(self):
            return (open, (str(tmp_path / "harm"), "w"))

    (tmp_path / "a.pkl").write_bytes(pickle.dumps({"mu": Harm(), "sigma": 0}))
    np.save(tmp_path / "b.npy", np.array({"mu": Harm(), "sigma": 0}))
    np.savez(tmp_path / "c.npz", mu=np.array([Harm()]), sigma=COVARIANCE)
    for name in ("a.pkl", "b.npy", "c.npz"):
        with pytest.raises(UserError, match="pickle"):
            sides.open_side(str(tmp_path / name))
    assert not (tmp_path / "harm").exists()


def test_headers_are_read_without_the_arrays(tmp_path, images):
    np.savez_compressed(tmp_path / "a.npz", images, np.zeros((4000, 4000)))
    with zipfile.ZipFile(tmp_path / "a.npz", "a") as archive:
        archive.writestr("notes.json", "{}")
    headers = read_headers(tmp_path / "a.npz")
    assert list(headers) == ["arr_0", "arr_1"] and headers["arr_1"].shape == (4000, 4000)
    assert image_array(headers) == "arr_0"
    (tmp_path / "long.npy").write_bytes(b"\x93NUMPY\2\0" + (2**31).to_bytes(4, "little"))
    with pytest.raises(ValueError):
        read_headers(tmp_path / "long.npy")
