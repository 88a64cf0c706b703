"""The folder of all files that the rows of `bad_commands` name."""

import gzip
import io
import json
import os
import pickle
import stat
import tarfile

import numpy as np
import PIL.Image
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from tests.conftest import ROOT
from tests.faults.bad_commands import BOMBS, OPERATIONS
from tests.faults.bad_files import array_header, bomb, encoded, npy, zipped
from tests.metrics.mini_inception import graph_bytes
from tf_ttur import config as configs
from tf_ttur.metrics import inception

PROVENANCE = {
    "num_images": 4,
    "image_shape": [8, 8, 3],
    "images_digest": "0" * 64,
    "network": "original",
    "network_sha1": "0",
    "precision": "float32",
}
CARD = """from tf_ttur import config
def get_config():
    card = config.default()
    card.{assignment}
    return card
"""


def write(bad):
    """Writes all of them into the folder `bad`."""
    _images(bad)
    _zips(bad)
    _arrays(bad)
    _archives(bad)
    _saved_models(bad)
    _statistics(bad)
    _graphs(bad)
    _cards(bad)
    _lines(bad)
    _runs(bad)


def _write_files(folder, contents):
    """Writes {path within the folder: text or bytes}."""
    for name, content in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())


def _png(image):
    content = io.BytesIO()
    image.save(content, "PNG")
    return content.getvalue()


def _images(bad):
    good = encoded("PNG", 32, 32)
    contents = {
        "good/a.png": good,
        "good/b.png": good,
        "cmyk/a.png": encoded("TIFF", 32, 32, mode="CMYK"),
        "animations/a.webp": encoded("WEBP", 32, 32, frames=2),
        "pages/a.tiff": encoded("TIFF", 32, 32, frames=2),
        "heic/a.heic": "\0\0\0 ftypheic",
        "transparent/a.png": _png(PIL.Image.new("RGBA", (32, 32))),
        "deep/a.png": _png(PIL.Image.fromarray(np.zeros((32, 32), np.uint16))),
        "cut/a.png": good[:500],
        "headless/a.jpg": b"\xff\xd8\xff",
        "no-bytes/a.webp": b"",
        "page/a.jpg": "<html>not found</html>",
        "sizes/a.png": encoded("PNG", 40, 32),
        "hidden/.a.png": good,
        "text.txt": "no images",
    }
    _write_files(bad, contents)
    _write_files(bad, {f"bomb-{kind}/a.png": bomb(kind) for kind in BOMBS})
    (bad / "empty").mkdir()
    (bad / "dead-link").mkdir()
    (bad / "dead-link/a.png").symlink_to(bad / "nothing.png")
    (bad / "round").mkdir()
    (bad / "round/again").symlink_to(bad / "round")


def _zips(bad):
    good = encoded("PNG", 32, 32)
    whole = zipped(bad / "whole.zip", {"a.png": good}).read_bytes()
    contents = {
        "none.zip": "no zip",
        "cut.zip": whole[:-30],
        "flipped.zip": whole[:100] + bytes([whole[100] ^ 0xFF]) + whole[101:],
    }
    _write_files(bad, contents)
    zipped(bad / "empty.zip", {})
    zipped(bad / "above.zip", {"../a.png": good})
    zipped(bad / "root.zip", {"/a.png": good})
    zipped(bad / "link.zip", {"a.png": b"/etc/passwd"}, mode=stat.S_IFLNK | 0o777)
    zipped(bad / "huge.zip", {"a.png": good}, claimed_bytes=2**30)
    zipped(bad / "secret.zip", {"a.png": good}, encrypted=True)
    zipped(bad / "bomb.zip", {"a.png": bomb("PNG")})


def _arrays(bad):
    images = np.zeros((2, 8, 8, 3), np.uint8)
    np.save(bad / "floats.npy", np.zeros((2, 8, 8, 3)))
    np.save(bad / "one.npy", images[0])
    np.save(bad / "nothing.npy", images[:0])
    np.save(bad / "objects.npy", np.array([{}], object))
    np.savez(bad / "two.npz", a=images, b=images)
    contents = {
        "short.npy": npy(array_header("|u1", (9, 8, 8, 3)), bytes(100)),
        "endless.npy": npy(array_header("|u1", (2**40, 2**20, 8, 3))),
        "header.npy": npy("(((((("),
        "text.npy": "no array",
    }
    _write_files(bad, contents)
    members = {"images.npy": npy(array_header("|u1", (2**29, 8, 8, 3)))}
    zipped(bad / "bomb.npz", members, claimed_bytes=2**31)


def _archives(bad):
    contents = {
        "text.mat": "no matrix",
        "text.tar.gz": "no tarball",
        "text-lmdb/data.mdb": "no database" * 1000,
        "half/prepared.json": "{",
        "other/prepared.json": "{}",
    }
    _write_files(bad, contents)

    with tarfile.open(bad / "notes.tar.gz", "w:gz") as archive:
        archive.addfile(tarfile.TarInfo("notes.txt"))
    (bad / "parent/cifar-10-batches-bin").mkdir(parents=True)
    (bad / "parent/cifar-10-batches-bin/data_batch_1.bin").touch()

    def tar(file, **attributes):
        with tarfile.open(bad / file, "w") as archive:
            member = tarfile.TarInfo("data_batch_1.bin")
            for key, value in attributes.items():
                setattr(member, key, value)
            archive.addfile(member)

    tar("link.tar", type=tarfile.SYMTYPE, linkname="/etc/passwd")
    tar("device.tar", type=tarfile.CHRTYPE)
    tar("above.tar", name="../data_batch_1.bin")
    tar("huge.tar", size=2**33)


def _saved_models(bad):
    def export(name, operation, object_graph=True):
        model = saved_model_pb2.SavedModel()
        graph = model.meta_graphs.add()
        function = graph.graph_def.library.function.add()
        function.signature.name = "sample"
        function.node_def.add(name="node", op=operation)
        if object_graph:
            graph.object_graph_def.nodes.add().user_object.identifier = "_generic_user_object"
        _write_files(bad, {f"{name}/saved_model.pb": model.SerializeToString()})

    for operation in OPERATIONS:
        export(f"export-{operation}", operation)
    export("export-old", "Identity", object_graph=False)
    contents = {
        "export-text/saved_model.pb": "no protobuf",
        "export-empty/saved_model.pb": b"",
        "export-pbtxt/saved_model.pbtxt": "saved_model_schema_version: 1",
    }
    _write_files(bad, contents)
    tf.saved_model.save(tf.Module(), str(bad / "export-module"))


def _statistics(bad):
    def save(name, **changes):
        arrays = {"mu": np.zeros(4), "sigma": np.eye(4)} | changes
        np.savez(bad / f"{name}.npz", **arrays)

    def save_with_provenance(name, **changes):
        save(name, provenance=json.dumps(PROVENANCE | changes))

    save("good-statistics")
    save("shapes", sigma=np.eye(3))
    save("none", mu=np.zeros(0), sigma=np.zeros((0, 0)))
    save("nan", mu=np.full(4, np.nan))
    save("words", mu=np.array(["a", "b", "c", "d"]))
    save("lopsided", sigma=np.triu(np.ones((4, 4))))
    save("negative", sigma=-np.eye(4))
    save("pickled", mu=np.array([{}] * 4, object))
    save("seven", mu=np.zeros(7), sigma=np.eye(7))
    save("provenance", provenance="{")
    save_with_provenance("other-network", network="unknown")
    save_with_provenance("whole")
    save_with_provenance("part-1", shard=1, shards=3, shards_total=12)
    save_with_provenance("part-2", shard=2, shards=3, shards_total=12)
    save_with_provenance("part-x", shard="x", shards=3, shards_total=12)
    np.savez(bad / "no-mu.npz", sigma=np.eye(4))
    np.savez(bad / "mean-cov.npz", mean=np.zeros(4), cov=np.eye(4))
    np.save(bad / "pickled.npy", {"mu": np.zeros(4), "sigma": np.eye(4)})
    (bad / "statistics.pkl").write_bytes(pickle.dumps({"mean": 0, "cov": 0}))
    large = npy(array_header("<f8", (2**14, 2**14)))
    members = {"mu.npy": large, "sigma.npy": large}
    zipped(bad / "bomb-statistics.npz", members, claimed_bytes=2**31 + 128)
    unfinished = npy("{'descr': '<f8'")
    zipped(bad / "token.npz", {"mu.npy": unfinished, "sigma.npy": unfinished})
    _write_files(bad, {"text.npz": "no zip", "no-bytes.npz": b""})


def _graphs(bad):
    whole = graph_bytes()
    contents = {
        "good.pb": whole,
        "text.pb": "no protobuf",
        "no-bytes.pb": b"",
        "cut.pb": whole[:3000],
        "cut.tgz": gzip.compress(os.urandom(3000))[:2000],
    }
    _write_files(bad, contents)
    for name, change in _GRAPH_CHANGES.items():
        graph = tf.compat.v1.GraphDef.FromString(whole)
        change({node.name: node for node in graph.node})
        (bad / name).write_bytes(graph.SerializeToString())
    for name, member, size in (
        ("other.tgz", "readme.txt", 0),
        ("huge.tgz", inception.GRAPH_FILE, 2**33),
    ):
        with tarfile.open(bad / name, "w") as archive:
            info = tarfile.TarInfo(member)
            info.size = size
            archive.addfile(info)


def _set_weights(nodes, shape):
    """Gives the last layer's weights this shape and one value, which stands for all of them."""
    tensor = nodes["softmax/weights"].attr["value"].tensor
    tensor.Clear()
    tensor.dtype = tf.float32.as_datatype_enum
    tensor.float_val.append(1.0)
    for side in shape:
        tensor.tensor_shape.dim.add(size=side)


def _set_size(nodes):
    """Has the images resized to 16384x16384."""
    size = tf.make_tensor_proto(np.int32([2**14, 2**14]))
    nodes["ResizeBilinear/size"].attr["value"].tensor.CopyFrom(size)


# {file: what changes the nodes, by their names, of a graph that is good}
_GRAPH_CHANGES = {
    "operation.pb": lambda nodes: setattr(nodes["conv"], "op", "ReadFile"),
    "circle.pb": lambda nodes: nodes["Sub"].input.__setitem__(0, "mixed/join"),
    "alone.pb": lambda nodes: nodes["conv"].input.__delitem__(0),
    "stride.pb": lambda nodes: nodes["pool"].attr["strides"].list.i.__setitem__(1, -1),
    "padding.pb": lambda nodes: setattr(nodes["pool"].attr["padding"], "s", b"\xff"),
    "huge.pb": lambda nodes: _set_weights(nodes, (2**20, 2**20)),
    "shape.pb": lambda nodes: _set_weights(nodes, (3, 5)),
    "below.pb": lambda nodes: _set_weights(nodes, (-20, -10)),
    "size.pb": _set_size,
}


def _cards(bad):
    contents = {
        "cards/syntax.py": "def get_config(",
        "cards/raises.py": "raise RuntimeError('a mistake')",
        "cards/leaves.py": "import sys; sys.exit(0)",
        "cards/nothing.py": "",
        "cards/number.py": "def get_config(): return 3",
        "cards/keys.py": CARD.format(assignment="generator.rate = 1.0"),
        "cards/types.py": CARD.format(assignment="updates = 'many'"),
        "broken-cards/a.py": "VARIANTS = {",
    }
    _write_files(bad, contents)


def _lines(bad):
    contents = {
        "latin1/news.en-1": "caf\xe9\n".encode("latin1"),
        "damaged/news.en-1.gz": gzip.compress(b"text\n" * 1000)[:30],
        "blank/news.en-1": "",
        "unnamed/text.txt": "text\n",
        "few/news.en-1": "text\n" * 3,
    }
    _write_files(bad, contents)


def _runs(bad):
    tiny = configs.load(f"{ROOT}/configs/quickstart.py")
    tiny.model.width = 4
    language = configs.load(f"{ROOT}/configs/billion_word.py")
    row = json.dumps(
        {"update": 100, "training_seconds": 1.0, "name": "loss/generator", "value": 0.7}
    )
    contents = {
        "run-text/config.json": "{",
        "run-list/config.json": "[]",
        "run-keys/config.json": '{"generator": {"rate": 1.0}}',
        "run-none/config.json": configs.to_json(tiny),
        "run-begun/config.json": configs.to_json(tiny),
        "study-begun/ttur-seed0/config.json": configs.to_json(tiny),
        "study-begun/ttur-seed0/metrics.jsonl": row,
        "study-foreign/ttur-seed0/notes.txt": "no run",
        "study-text/study.json": "{",
        "study-other/study.json": json.dumps(
            {"format": 1, "experiment": "svhn", "card": "svhn", "settings": []}
        ),
        "run-begun/metrics.jsonl": row,
        "run-none/metrics.jsonl": "",
        "run-lines/config.json": configs.to_json(language),
        "run-symbols/config.json": configs.to_json(language),
        "run-symbols/vocabulary.json": '"letters"',
        "run-damaged/config.json": configs.to_json(tiny),
        "run-foreign/config.json": configs.to_json(tiny),
    }
    _write_files(bad, contents)
    weight = tf.Variable(tf.zeros(100))
    for checkpoints in (
        "run-damaged/checkpoints",
        "run-damaged/checkpoints/best-3",
        "run-foreign/checkpoints",
    ):
        tf.train.Checkpoint(weight=weight).write(str(bad / checkpoints / "ckpt-3"))
    for index in (bad / "run-damaged").rglob("*.index"):
        index.write_bytes(index.read_bytes()[:-10])
