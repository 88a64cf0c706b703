import dataclasses
import hashlib
import io
import json
import os
import zipfile

import numpy as np
import PIL.Image
import pytest
import tensorflow as tf

from tf_ttur.data import prepare, sources
from tf_ttur.data.images import Images, open_images
from tf_ttur.data.sources.source import identity_of_files
from tf_ttur.errors import UserError
from tf_ttur.metrics import extraction, statistics
from tf_ttur.metrics.pixels import PixelPooling

SEED = np.array([1, 2], np.int32)


def numbered(tmp_path, count=23, side=16):
    """An array file in which every image is filled with its number."""
    images = np.broadcast_to(
        np.arange(count, dtype=np.uint8)[:, None, None, None], (count, side, side, 3)
    )
    np.save(tmp_path / "numbered.npy", images)
    return str(tmp_path / "numbered.npy")


def take(images, batches, first=0, stride=1, batch_size=4):
    """The numbers of the images in the given count of batches."""
    dataset = images.batches(SEED, first, stride, batch_size).take(batches)
    return np.rint((np.stack(list(dataset.as_numpy_iterator()))[..., 0, 0, 0] + 1) * 127.5).astype(
        int
    )


@pytest.mark.parametrize("memory_gib", [1.0, 0.0])
def test_each_epoch_is_an_order_of_its_own(tmp_path, memory_gib):
    images = Images(numbered(tmp_path), 16, memory_gib=memory_gib)
    first, second = take(images, 10).reshape(
        2, 20
    )  # 5 batches an epoch; 3 of the 23 images are left out
    for epoch in (first, second):
        assert len(set(epoch)) == 20 and set(epoch) < set(range(23))
        assert list(epoch) != sorted(epoch)
    assert list(first) != list(second)


@pytest.mark.parametrize("memory_gib", [1.0, 0.0])
def test_a_batch_is_a_function_of_its_number(tmp_path, memory_gib):
    word = numbered(tmp_path)
    whole = take(Images(word, 16), 12)
    np.testing.assert_array_equal(
        take(Images(word, 16, memory_gib=memory_gib), 5, first=7), whole[7:]
    )


def test_batches_of_replicas_make_up_the_global_batch(tmp_path):
    images = Images(numbered(tmp_path), 16)
    np.testing.assert_array_equal(
        take(images, 20, stride=2, batch_size=2).reshape(10, 4), take(images, 10)
    )


def test_a_source_that_gives_fewer_images_than_it_says(tmp_path):
    source = sources.open_source(numbered(tmp_path))
    short = dataclasses.replace(source, stream=lambda: source.in_order(0, 20), read=None)
    with pytest.raises(UserError, match="gave 20 images"):
        take(Images(short, 16), 1)


def test_scale(tmp_path):
    np.save(tmp_path / "a.npy", np.tile(np.uint8([[[[0, 51, 255]]]]), (4, 16, 16, 1)))
    batch = next(Images(str(tmp_path / "a.npy"), 16).batches(SEED, 0, 1, 2).as_numpy_iterator())
    assert batch.dtype == np.float32 and batch.shape == (2, 16, 16, 3)
    np.testing.assert_allclose(batch[0, 0, 0], [-1, -0.6, 1], rtol=1e-6)


def test_too_few_images(tmp_path):
    with pytest.raises(UserError, match="23 images"):
        Images(numbered(tmp_path), 16).batches(SEED, 0, 1, 24)


def test_in_order_gives_the_last_partial_batch(folder):
    assert [len(batch) for batch in Images(str(folder)).in_order(5)] == [5, 5, 2]


def test_crop_and_resize(tmp_path):
    image = np.zeros((20, 40, 3), np.uint8)
    image[4:16, 14:26] = 200  # the centre 12x12
    PIL.Image.fromarray(image).save(tmp_path / "wide.png")
    PIL.Image.fromarray(np.full((50, 30, 3), 77, np.uint8)).save(tmp_path / "x_high.png")
    [cropped] = Images(str(tmp_path), 8, "12").in_order(2)
    assert (cropped[0] == 200).all() and (cropped[1] == 77).all()
    [square] = Images(str(tmp_path), 10, "square").in_order(2)
    assert square.shape == (2, 10, 10, 3) and square[0, 0, 0, 0] == 0 and square[0, 5, 5, 0] == 200


def test_crop_larger_than_the_image_is_an_error(folder):
    with pytest.raises(UserError, match=r"00.png has 32x32 pixels"):
        list(Images(str(folder), 32, "64").in_order(4))
    with pytest.raises(UserError, match="digits:5 has 32x32 pixels"):
        Images("digits:5", 32, "64")


def test_images_of_another_size_than_the_network(folder):
    with pytest.raises(UserError, match=r"00.png has 32x32 pixels\n.*64x64"):
        list(Images(str(folder), 64).in_order(4))
    with pytest.raises(UserError, match=r"digits:5 has 32x32 pixels\n.*64x64"):
        Images("digits:5", 64)


def bad_image(folder, kind):
    good = PIL.Image.open(folder / "00.png")
    if kind == "size":
        good.resize((16, 16)).save(folder / "07.png")
    elif kind == "truncated":
        content = io.BytesIO()
        good.resize((256, 256)).save(content, "JPEG")
        (folder / "07.jpg").write_bytes(content.getvalue()[:2000])
    elif kind == "empty":
        (folder / "07.png").write_bytes(b"")
    elif kind == "RGB, 16 bits":
        wide = np.random.default_rng(0).integers(0, 2**16, (32, 32, 3), np.uint16)
        (folder / "07.png").write_bytes(tf.io.encode_png(wide).numpy())
    elif kind == "RGBA":
        PIL.Image.new("RGBA", (32, 32)).save(folder / "07.png")
    elif kind == "animation":
        good.save(folder / "07.png", save_all=True, append_images=[good.rotate(90)])
    elif kind == "transparent":
        good.convert("P").save(folder / "07.png", transparency=0)
    else:
        good.convert(kind).save(folder / "07.png")


@pytest.mark.parametrize(
    "kind",
    ["size", "truncated", "empty", "animation", "RGBA", "I;16", "RGB, 16 bits", "transparent"],
)
def test_a_bad_image_is_named(folder, kind):
    bad_image(folder, kind)
    with pytest.raises(UserError, match=r"07\.(png|jpg)"):
        list(Images(str(folder)).in_order(4))


def test_sizes_that_change_between_batches_are_named(tmp_path):
    for number, side in enumerate([8, 8, 8, 9, 9, 9]):
        PIL.Image.new("RGB", (side, 8)).save(tmp_path / f"{number}.png")
    with pytest.raises(UserError, match=r"3\.png has 9x8 pixels, those before it 8x8"):
        list(Images(str(tmp_path)).in_order(3))


def test_real_cifar10(shared, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(shared / "data/tfds"))
    monkeypatch.setattr("tensorflow_datasets.core.constants.DATA_DIR", str(shared / "data/tfds"))
    images = Images("tfds:cifar10/test", 32)
    [batch] = images.in_order(1000)
    assert images.num_images == 1000 and batch.shape == (1000, 32, 32, 3)
    assert 115 < batch.mean() < 125  # CIFAR-10's mean is 120.7
    assert next(images.in_order(3)).shape == (3, 32, 32, 3)
    with pytest.raises(UserError, match="no split"):
        sources.open_source("tfds:cifar10/validation")
    with pytest.raises(UserError, match="GiB"):
        Images("tfds:cifar10/test", 32, memory_gib=0).batches(SEED, 0, 1, 10)


def test_in_order_from_a_later_image(folder):
    images = Images(str(folder))
    whole = np.concatenate(list(images.in_order(5)))
    np.testing.assert_array_equal(np.concatenate(list(images.in_order(5, first=7))), whole[7:])
    assert list(images.in_order(5, first=12)) == []


def test_unreadable_images_are_left_out_and_named(folder, capsys):
    names = [
        Images(str(folder)).source.contents(index)[0].rpartition("/")[2] for index in range(12)
    ]
    whole = np.concatenate(list(Images(str(folder)).in_order(5)))
    (folder / "02.png").write_bytes(b"\x89PNG broken")
    PIL.Image.new("RGBA", (32, 32)).save(folder / "07.png")
    images = Images(str(folder))
    images.leave_out_unreadable()
    assert images.num_images == 10 and [name.rpartition("/")[2] for name in images.skipped] == [
        "02.png",
        "07.png",
    ]
    kept = [index for index, name in enumerate(names) if name not in ("02.png", "07.png")]
    np.testing.assert_array_equal(np.concatenate(list(images.in_order(4))), whole[kept])
    err = capsys.readouterr().err
    assert err.count(f"left out: {folder}") == 2 and "mode RGBA" in err
    assert images.identity != Images(str(folder)).identity
    (folder / "11.png").write_bytes(b"")  # broken after that: named as it is in the folder
    with pytest.raises(UserError, match=r"11.png"):
        list(images.in_order(4))


def test_files_without_an_image_are_counted_by_their_endings(folder, capsys):
    (folder / "deeper/a.HEIC").write_bytes(b"")
    (folder / "deeper/README").write_bytes(b"")
    (folder / ".hidden.txt").write_bytes(b"")
    (folder / "b.txt").write_bytes(b"")
    for _ in range(2):  # said once
        source = sources.open_source(str(folder))
    assert source.left_out == {".txt": 2, "": 1, ".heic": 1}
    message = f"{folder}: left out: 2 .txt, 1 without an ending, 1 .heic\n"
    assert capsys.readouterr().err == message
    with zipfile.ZipFile(folder / "a.zip", "w") as archive:
        archive.write(folder / "00.png", "a/00.png")
        archive.write(folder / "b.txt", "a/b.txt")
        archive.write(folder / "b.txt", "__MACOSX/b.txt")
    assert sources.open_source(folder / "a.zip").left_out == {".txt": 1}
    assert "a.zip: left out: 1 .txt\n" in capsys.readouterr().err


def test_many_endings_are_summed_up(tmp_path, capsys):
    PIL.Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    for number in range(12):
        (tmp_path / f"a.{number:02}").write_bytes(b"")
    sources.open_source(tmp_path)
    assert "1 .07, 4 others\n" in capsys.readouterr().err


def test_a_folder_of_four_formats(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3), np.uint8)
    for name, kind, image in zip(
        ("0.png", "1.bmp", "2.TIF", "3.ppm"), ("PNG", "BMP", "TIFF", "PPM"), images, strict=True
    ):
        PIL.Image.fromarray(image).save(tmp_path / name, kind)
    opened = Images(str(tmp_path))
    np.testing.assert_array_equal(np.concatenate(list(opened.in_order(3))), images)
    assert opened.source.formats == [".bmp", ".png", ".ppm", ".tif"]
    assert opened.source.left_out == {}


def test_the_identity_is_of_the_images_that_are_read(tmp_path):
    PIL.Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    status = os.stat(tmp_path / "a.png")
    mark = json.dumps(["/a.png", status.st_size, status.st_mtime_ns]).encode()
    earlier = hashlib.sha256(str(tmp_path).encode() + mark).hexdigest()  # of version 0.1.0
    assert sources.open_source(tmp_path).identity == earlier
    identities = set()
    for name in ("a.png", "b.bmp"):
        with zipfile.ZipFile(tmp_path / "a.zip", "a") as archive:
            archive.write(tmp_path / "a.png", name)
        of_files = identity_of_files(tmp_path / "a.zip")
        source = sources.open_source(tmp_path / "a.zip")
        assert (source.identity == of_files) == (name == "a.png")
        identities.add(source.identity)
    assert len(identities) == 2


def test_grey_and_opaque_images_are_counted_and_said(folder, capsys):
    for number in (1, 2, 5):
        path = folder / f"{number:02}.png"
        PIL.Image.open(path).convert("LA" if number == 5 else "L").save(path)
    images = Images(str(folder))
    assert images.shape == (32, 32, 3)
    for _ in range(2):
        assert sum(map(len, images.in_order(5))) == 12
    assert images.counts() == {"grey": 3, "opaque_alpha": 1}
    assert images.counts(2, 4) == {"grey": 1}  # 02 and 04; the folder within comes last
    err = capsys.readouterr().err
    assert err.count("3 grey images; the one channel is used as R, G and B\n") == 1
    assert err.count("1 image whose alpha is 255 everywhere; it is dropped\n") == 1
    images.take_first(3)
    assert images.counts() == {"grey": 2}


def test_counts_are_in_the_provenance_of_each_shard_and_of_all(folder):
    for number in range(5, 9):
        path = folder / f"{number:02}.png"
        PIL.Image.open(path).convert("L").save(path)
    images = Images(str(folder))
    network = PixelPooling()
    of_all = extraction.image_statistics(images, network).provenance
    assert of_all["grey"] == 4
    assert of_all["left_out"] == {".txt": 1}
    parts = [
        extraction.image_statistics(Images(str(folder)), network, shard=(shard, 2))
        for shard in (1, 2)
    ]
    assert sum(part.provenance.get("grey", 0) for part in parts) == 4
    assert statistics.merge(parts).provenance["grey"] == 4


def test_a_background_and_a_depth_are_recorded(tmp_path):
    (tmp_path / "a").mkdir()
    PIL.Image.new("RGBA", (64, 64)).save(tmp_path / "a/a.png")
    images = open_images(str(tmp_path / "a"), background="white", depth=8)
    assert images.preparation["background"] == "#ffffff"
    assert images.preparation["depth"] == 8
    assert images.identity != Images(str(tmp_path / "a")).identity
    [batch] = images.in_order(1)
    assert (batch == 255).all()
    options = {"data_set": "svhn", "word": tmp_path / "a", "output": tmp_path / "b", "size": 64}
    with pytest.raises(UserError, match="--background white"):
        prepare.prepare(**options)
    record = prepare.prepare(**options, background="white")
    assert record["background"] == "#ffffff"
    assert Images(str(tmp_path / "b"), 64).preparation["background"] == "#ffffff"
    with pytest.raises(UserError, match=r"was made with background #ffffff\n.*background none"):
        prepare.prepare(**options)


def test_names_need_not_be_utf_8_and_links_may_lead_nowhere(folder, capsys):
    os.rename(folder / "00.png", os.fsencode(folder) + b"/caf\xe9.png")
    assert Images(str(folder)).num_images == 12
    assert sum(map(len, Images(str(folder)).in_order(5))) == 12
    (folder / "zz.png").symlink_to(folder / "nowhere.png")
    images = Images(str(folder))
    with pytest.raises(UserError, match="a link to a file that does not exist"):
        list(images.in_order(5))
    images.leave_out_unreadable()
    assert images.num_images == 12
    assert images.skipped == [str(folder / "zz.png")]


def test_nothing_that_can_be_read(folder):
    for path in folder.rglob("*.png"):
        path.write_bytes(b"broken")
    with pytest.raises(UserError, match="has no image that can be read"):
        Images(str(folder)).leave_out_unreadable()


def test_nothing_to_leave_out(folder):
    images = Images(str(folder))
    before = images.identity
    images.leave_out_unreadable()
    assert images.num_images == 12 and not images.skipped and images.identity == before


def test_the_remainder_can_be_dropped(folder):
    images = Images(str(folder))
    everything = np.concatenate(list(images.in_order(5)))
    images.drop_remainder(5)
    batches = list(images.in_order(5))
    assert [len(batch) for batch in batches] == [5, 5]
    np.testing.assert_array_equal(np.concatenate(batches), everything[:10])
    with pytest.raises(UserError, match="whole batch of 64"):
        images.drop_remainder(64)


def test_a_link_that_leads_back_is_refused(folder, tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other/images").symlink_to(folder)
    (folder / "deeper/other").symlink_to(tmp_path / "other")
    with pytest.raises(UserError, match="leads back"):
        sources.open_source(str(folder))


def test_what_to_know_about_a_folder(folder):
    assert Images(str(folder), 32).notes == ["1 subfolder merged", "1 file left out"]
    (folder / "deeper/still").mkdir()
    (folder / "01.png").rename(folder / "deeper/still/01.png")
    (folder / "notes.md").touch()
    assert Images(str(folder), 32).notes == ["2 subfolders merged", "2 files left out"]
    assert Images("digits:8", 32).notes == []
