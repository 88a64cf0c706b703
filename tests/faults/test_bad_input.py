"""Every kind of bad input at every command line: each ends with what was found, what was expected
and what to do, and writes nothing.
"""

import gzip
import io
import json
import os
import shlex
import stat
import tarfile

import numpy as np
import PIL.Image
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from tests.conftest import ROOT, assert_refused
from tests.faults.bad_files import SIDE, array_header, bomb, encoded, npy, zipped
from tests.metrics.mini_inception import graph_bytes
from tf_ttur import config as configs
from tf_ttur.metrics import inception

KINDS = ("PNG", "JPEG", "GIF", "VP8", "VP8L", "VP8X")
PROVENANCE = {"num_images": 4, "image_shape": [8, 8, 3], "images_digest": "0" * 64}
PROVENANCE |= {"network": "original", "network_sha1": "0", "precision": "float32"}


@pytest.fixture(scope="module")
def bad(tmp_path_factory):
    """The folder of all files that the rows name."""
    folder = tmp_path_factory.mktemp("bad")
    for write in (
        images,
        zips,
        arrays,
        archives,
        saved_models,
        statistics,
        graphs,
        cards,
        lines,
        runs,
    ):
        write(folder)
    return folder


def folder_of(folder, contents):
    for name, content in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())


def images(bad):
    def png(image):
        content = io.BytesIO()
        image.save(content, "PNG")
        return content.getvalue()

    good = encoded("PNG", 32, 32)
    folder_of(bad, {f"bomb-{kind}/a.png": bomb(kind) for kind in KINDS})
    folder_of(bad, {
        "good/a.png": good,
        "good/b.png": good,
        "grey/a.png": png(PIL.Image.new("L", (32, 32))),
        "transparent/a.png": png(PIL.Image.new("RGBA", (32, 32))),
        "deep/a.png": png(PIL.Image.fromarray(np.zeros((32, 32), np.uint16))),
        "cut/a.png": good[:500],
        "headless/a.jpg": b"\xff\xd8\xff",
        "no-bytes/a.webp": b"",
        "page/a.jpg": "<html>not found</html>",
        "sizes/a.png": encoded("PNG", 40, 32),
        "hidden/.a.png": good,
        "text.txt": "no images",
    })  # fmt: skip
    (bad / "empty").mkdir()
    (bad / "round").mkdir()
    (bad / "round/again").symlink_to(bad / "round")


def zips(bad):
    good = encoded("PNG", 32, 32)
    folder_of(bad, {"none.zip": "no zip"})
    whole = zipped(bad / "whole.zip", {"a.png": good}).read_bytes()
    folder_of(
        bad,
        {
            "cut.zip": whole[:-30],
            "flipped.zip": whole[:100] + bytes([whole[100] ^ 0xFF]) + whole[101:],
        },
    )
    zipped(bad / "empty.zip", {})
    zipped(bad / "above.zip", {"../a.png": good})
    zipped(bad / "root.zip", {"/a.png": good})
    zipped(bad / "link.zip", {"a.png": b"/etc/passwd"}, mode=stat.S_IFLNK | 0o777)
    zipped(bad / "huge.zip", {"a.png": good}, claimed_bytes=2**30)
    zipped(bad / "secret.zip", {"a.png": good}, encrypted=True)
    zipped(bad / "bomb.zip", {"a.png": bomb("PNG")})


def arrays(bad):
    np.save(bad / "floats.npy", np.zeros((2, 8, 8, 3)))
    np.save(bad / "one.npy", np.zeros((8, 8, 3), np.uint8))
    np.save(bad / "nothing.npy", np.zeros((0, 8, 8, 3), np.uint8))
    np.save(bad / "objects.npy", np.array([{}], object))
    folder_of(bad, {
        "short.npy": npy(array_header("|u1", (9, 8, 8, 3)), bytes(100)),
        "endless.npy": npy(array_header("|u1", (2**40, 2**20, 8, 3))),
        "header.npy": npy("(((((("),
        "text.npy": "no array",
    })  # fmt: skip
    np.savez(
        bad / "two.npz", a=np.zeros((2, 8, 8, 3), np.uint8), b=np.zeros((2, 8, 8, 3), np.uint8)
    )
    zipped(
        bad / "bomb.npz",
        {"images.npy": npy(array_header("|u1", (2**29, 8, 8, 3)))},
        claimed_bytes=2**31,
    )


def archives(bad):
    folder_of(bad, {
        "text.mat": "no matrix",
        "text.tar.gz": "no tarball",
        "text-lmdb/data.mdb": "no database" * 1000,
        "half/prepared.json": "{",
        "other/prepared.json": "{}",
    })  # fmt: skip

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


def saved_models(bad):
    def write(name, operation, object_graph=True):
        model = saved_model_pb2.SavedModel()
        graph = model.meta_graphs.add()
        function = graph.graph_def.library.function.add()
        function.signature.name = "sample"
        function.node_def.add(name="node", op=operation)
        if object_graph:
            graph.object_graph_def.nodes.add().user_object.identifier = "_generic_user_object"
        folder_of(bad, {f"{name}/saved_model.pb": model.SerializeToString()})

    for operation in ("WriteFile", "ReadFile", "PyFunc", "EagerPyFunc", "SaveV2", "PrintV2"):
        write(f"export-{operation}", operation)
    write("export-old", "Identity", object_graph=False)
    folder_of(
        bad, {"export-text/saved_model.pb": "no protobuf", "export-empty/saved_model.pb": b""}
    )
    folder_of(bad, {"export-pbtxt/saved_model.pbtxt": "saved_model_schema_version: 1"})
    tf.saved_model.save(tf.Module(), str(bad / "export-module"))


def statistics(bad):
    def write(name, **changes):
        np.savez(bad / f"{name}.npz", **({"mu": np.zeros(4), "sigma": np.eye(4)} | changes))

    write("good-statistics")
    write("shapes", sigma=np.eye(3))
    write("none", mu=np.zeros(0), sigma=np.zeros((0, 0)))
    write("nan", mu=np.full(4, np.nan))
    write("words", mu=np.array(["a", "b", "c", "d"]))
    write("lopsided", sigma=np.triu(np.ones((4, 4))))
    write("negative", sigma=-np.eye(4))
    write("pickled", mu=np.array([{}] * 4, object))
    write("seven", mu=np.zeros(7), sigma=np.eye(7))
    write("provenance", provenance="{")
    write("other-network", provenance=json.dumps(PROVENANCE | {"network": "unknown"}))
    write("whole", provenance=json.dumps(PROVENANCE))
    for number in (1, 2):
        write(
            f"part-{number}",
            provenance=json.dumps(PROVENANCE | {"shard": number, "shards": 3, "shards_total": 12}),
        )
    write(
        "part-x",
        provenance=json.dumps(PROVENANCE | {"shard": "x", "shards": 3, "shards_total": 12}),
    )
    np.savez(bad / "no-mu.npz", sigma=np.eye(4))
    large = npy(array_header("<f8", (2**14, 2**14)))
    zipped(
        bad / "bomb-statistics.npz",
        {"mu.npy": large, "sigma.npy": large},
        claimed_bytes=2**31 + 128,
    )
    zipped(bad / "token.npz", {name: npy("{'descr': '<f8'") for name in ("mu.npy", "sigma.npy")})
    folder_of(bad, {"text.npz": "no zip", "no-bytes.npz": b""})


def graphs(bad):
    whole = tf.compat.v1.GraphDef.FromString(graph_bytes())

    def write(name, change):
        graph = tf.compat.v1.GraphDef.FromString(whole.SerializeToString())
        change(graph, {node.name: node for node in graph.node})
        (bad / name).write_bytes(graph.SerializeToString())

    def constant(graph, nodes, name, shape):
        tensor = nodes[name].attr["value"].tensor
        tensor.Clear()
        tensor.dtype = tf.float32.as_datatype_enum
        tensor.float_val.append(1.0)  # which stands for all
        for side in shape:
            tensor.tensor_shape.dim.add(size=side)

    write("good.pb", lambda graph, nodes: None)
    write("operation.pb", lambda graph, nodes: setattr(nodes["conv"], "op", "ReadFile"))
    write("circle.pb", lambda graph, nodes: nodes["Sub"].input.__setitem__(0, "mixed/join"))
    write("alone.pb", lambda graph, nodes: nodes["conv"].input.__delitem__(0))
    write("stride.pb", lambda graph, nodes: nodes["pool"].attr["strides"].list.i.__setitem__(1, -1))
    write("padding.pb", lambda graph, nodes: setattr(nodes["pool"].attr["padding"], "s", b"\xff"))
    write("huge.pb", lambda graph, nodes: constant(graph, nodes, "softmax/weights", (2**20, 2**20)))
    write("shape.pb", lambda graph, nodes: constant(graph, nodes, "softmax/weights", (3, 5)))
    write("below.pb", lambda graph, nodes: constant(graph, nodes, "softmax/weights", (-20, -10)))
    size = np.int32([2**14, 2**14])
    write(
        "size.pb",
        lambda graph, nodes: (
            nodes["ResizeBilinear/size"].attr["value"].tensor.CopyFrom(tf.make_tensor_proto(size))
        ),
    )
    folder_of(bad, {"text.pb": "no protobuf", "no-bytes.pb": b"", "cut.pb": graph_bytes()[:3000]})
    folder_of(bad, {"cut.tgz": gzip.compress(os.urandom(3000))[:2000]})
    for name, member in (("other.tgz", "readme.txt"), ("huge.tgz", inception.GRAPH_FILE)):
        with tarfile.open(bad / name, "w") as archive:
            info = tarfile.TarInfo(member)
            info.size = 2**33 if name == "huge.tgz" else 0
            archive.addfile(info)


def cards(bad):
    folder_of(bad, {
        "cards/syntax.py": "def get_config(",
        "cards/raises.py": "raise RuntimeError('a mistake')",
        "cards/leaves.py": "import sys; sys.exit(0)",
        "cards/nothing.py": "",
        "cards/number.py": "def get_config(): return 3",
        "cards/keys.py": "from tf_ttur import config\ndef get_config():\n c = config.default()\n c.generator.rate = 1.0\n return c",
        "cards/types.py": "from tf_ttur import config\ndef get_config():\n c = config.default()\n c.updates = 'many'\n return c",
        "broken-cards/a.py": "VARIANTS = {",
    })  # fmt: skip


def lines(bad):
    folder_of(bad, {
        "latin1/news.en-1": "caf\xe9\n".encode("latin1"),
        "damaged/news.en-1.gz": gzip.compress(b"text\n" * 1000)[:30],
        "blank/news.en-1": "",
        "unnamed/text.txt": "text\n",
        "few/news.en-1": "text\n" * 3,
    })  # fmt: skip


def runs(bad):
    tiny, language = (
        configs.load(f"{ROOT}/configs/{name}.py") for name in ("quickstart", "billion_word")
    )
    tiny.model.width = 4
    folder_of(bad, {
        "run-text/config.json": "{",
        "run-list/config.json": "[]",
        "run-keys/config.json": '{"generator": {"rate": 1.0}}',
        "run-none/config.json": configs.to_json(tiny),
        "run-none/metrics.jsonl": "",
        "run-lines/config.json": configs.to_json(language),
        "run-symbols/config.json": configs.to_json(language),
        "run-symbols/vocabulary.json": '"letters"',
        "run-damaged/config.json": configs.to_json(tiny),
        "run-foreign/config.json": configs.to_json(tiny),
    })  # fmt: skip
    for place in (
        "run-damaged/checkpoints",
        "run-damaged/checkpoints/best-3",
        "run-foreign/checkpoints",
    ):
        tf.train.Checkpoint(weight=tf.Variable(tf.zeros(100))).write(str(bad / place / "ckpt-3"))
    for index in (bad / "run-damaged").rglob("*.index"):
        index.write_bytes(index.read_bytes()[:-10])


QUICKSTART = "--config configs/quickstart.py --inception {bad}/good.pb --workdir {out}/run"
LANGUAGE = "--config configs/billion_word.py --workdir {out}/run"
PREPARE = "tools/prepare_data.py svhn --output {out}/made --input {bad}/"
MERGE = "tools/merge_stats.py --output {out}/merged.npz {bad}/"
MINI = "--inception {bad}/good.pb"
ROWS = [
    # configs
    ("tf_ttur/train.py", "--config is missing"),
    ("tf_ttur/train.py --config configs/nothing.py", "no config configs/nothing.py"),
    ("tf_ttur/train.py --config=configs/nothing.py", "no config configs/nothing.py"),
    ("tf_ttur/train.py --config", "flag --config"),
    ("tf_ttur/train.py --config configs/svhn.py:fast", "no variant 'fast'"),
    ("tf_ttur/train.py --config configs/svhn.py extra", "unexpected extra"),
    ("tf_ttur/train.py --config configs/svhn.py --wordir=x", "wordir"),
    ("tf_ttur/train.py --config configs/svhn.py --config.generator.rate=1", "config.generator.rate is not a key"),
    ("tf_ttur/train.py --config configs/svhn.py --config.updates=many", "config.updates"),
    ("tf_ttur/train.py --config configs/svhn.py --config.updates=10000000000", "below 2^31"),
    ("tf_ttur/train.py --config configs/svhn.py --config.seed=1.5", "config.seed"),
    ("tf_ttur/train.py --config configs/svhn.py --config.batch_size=0", "config.batch_size = 0"),
    ("tf_ttur/train.py --config configs/svhn.py --config.loss=mse", "non_saturating"),
    ("tf_ttur/train.py --config configs/svhn.py --config.generator.learning_rate=inf", "finite"),
    ("tf_ttur/train.py --config configs/svhn.py --config.data.crop=" + "9" * 5000, "config.data.crop"),
    ("tf_ttur/train.py --config {bad}/cards/syntax.py", "SyntaxError"),
    ("tf_ttur/train.py --config {bad}/cards/raises.py", "a mistake"),
    ("tf_ttur/train.py --config {bad}/cards/leaves.py", "SystemExit"),
    ("tf_ttur/train.py --config {bad}/cards/nothing.py", "get_config"),
    ("tf_ttur/train.py --config {bad}/cards/number.py", "gives int"),
    ("tf_ttur/train.py --config {bad}/cards/keys.py", "rate"),
    ("tf_ttur/train.py --config {bad}/cards/types.py", "updates"),
    ("tools/benchmark.py --config configs/nothing.py", "no config"),
    ("tools/list_configs.py {bad}/empty", "holds no cards"),
    ("tools/list_configs.py {bad}/broken-cards", "SyntaxError"),
    # what a training learns from, and where it writes
    (f"tf_ttur/train.py {QUICKSTART} --config.data.source={{bad}}/nowhere", "does not exist"),
    (f"tf_ttur/train.py {QUICKSTART} --config.data.source=digits:5", "digits:5 has 5 images"),
    (f"tf_ttur/train.py {QUICKSTART} --config.data.source=digits:99999999999", "up to 9 digits"),
    (f"tf_ttur/train.py {QUICKSTART} --config.data.source=tfds:cifar10", "tfds:NAME/SPLIT"),
    (f"tf_ttur/train.py {QUICKSTART} --workdir {{bad}}/text.txt", "is a file"),
    (f"tf_ttur/train.py {QUICKSTART} --workdir {{bad}}/good", "not a run folder"),
    (f"tf_ttur/train.py {QUICKSTART} --workdir {{bad}}/run-text", "config.json cannot be read"),
    (f"tf_ttur/train.py {QUICKSTART} --config.evaluation.reference={{bad}}/nowhere.npz", "nowhere.npz"),
    (f"tf_ttur/train.py {QUICKSTART} --config.evaluation.reference={{bad}}/text.txt", "text.txt"),
    (f"tf_ttur/train.py {LANGUAGE} --config.data.dir={{bad}}/nowhere", "does not exist"),
    (f"tf_ttur/train.py {LANGUAGE} --config.data.dir={{bad}}/latin1", "is not UTF-8"),
    (f"tf_ttur/train.py {LANGUAGE} --config.data.dir={{bad}}/unnamed", "text.txt"),
    (f"tf_ttur/train.py {LANGUAGE} --config.data.dir={{bad}}/few", "has 3 lines"),
    # images
    *((f"{PREPARE}bomb-{kind}", "cannot be decoded", f"{SIDE**2} pixels") for kind in KINDS),
    (f"{PREPARE}grey", "grey/a.png", "mode L"),
    (f"{PREPARE}transparent", "mode RGBA"),
    (f"{PREPARE}deep", "16 bits a channel"),
    (f"{PREPARE}cut", "cut/a.png cannot be decoded"),
    (f"{PREPARE}headless", "headless/a.jpg cannot be decoded"),
    (f"{PREPARE}no-bytes", "no-bytes/a.webp cannot be decoded"),
    (f"{PREPARE}page", "no known format"),
    (f"{PREPARE}sizes", "has 40x32 pixels"),
    (f"{PREPARE}hidden", "holds no images"),
    (f"{PREPARE}empty", "holds no images"),
    (f"{PREPARE}round", "leads back"),
    (f"{PREPARE}text.txt", "is a file of another kind"),
    (f"{PREPARE}good --crop 500", "at least the 500"),
    # archives
    (f"{PREPARE}none.zip", "not a readable zip"),
    (f"{PREPARE}cut.zip", "not a readable zip"),
    (f"{PREPARE}empty.zip", "holds no images"),
    (f"{PREPARE}above.zip", "member ../a.png"),
    (f"{PREPARE}root.zip", "member /a.png"),
    (f"{PREPARE}link.zip", "the link a.png"),
    (f"{PREPARE}huge.zip", "1,073,741,824 bytes when it is unpacked"),
    (f"{PREPARE}secret.zip", "encrypted"),
    (f"{PREPARE}bomb.zip", "cannot be decoded"),
    (f"{PREPARE}flipped.zip", "cannot be decoded"),
    (f"{PREPARE}floats.npy", "float64"),
    (f"{PREPARE}one.npy", "of shape (8, 8, 3)"),
    (f"{PREPARE}nothing.npy", "nothing.npy"),
    (f"{PREPARE}objects.npy", "cannot be read"),
    (f"{PREPARE}short.npy", "cannot be read"),
    (f"{PREPARE}endless.npy", "cannot be read"),
    (f"{PREPARE}header.npy", "cannot be read"),
    (f"{PREPARE}text.npy", "cannot be read"),
    (f"{PREPARE}two.npz", "['a', 'b']"),
    (f"{PREPARE}bomb.npz", "2,147,483,648 when it is unpacked"),
    (f"{PREPARE}text.mat", "cannot be read"),
    (f"{PREPARE}text.tar.gz", "cannot be read"),
    (f"{PREPARE}link.tar", "a link or a device"),
    (f"{PREPARE}device.tar", "a link or a device"),
    (f"{PREPARE}above.tar", "member ../data_batch_1.bin"),
    (f"{PREPARE}huge.tar", "8,589,934,592 bytes"),
    (f"{PREPARE}text-lmdb", "data.mdb cannot be read"),
    (f"{PREPARE}half", "half cannot be read"),
    (f"{PREPARE}other", "other cannot be read"),
    ("tools/prepare_data.py imagenet --input {bad}/good --output {out}/made", "invalid choice", "usage: "),
    ("tools/prepare_data.py svhn --input {bad}/good", "--output"),
    ("tools/prepare_data.py svhn --input {bad}/good --output {out}/made --size 0", "0 is not in 1"),
    ("tools/prepare_data.py svhn --input {bad}/good --output {bad}/text.txt", "holds other things"),
    ("tools/prepare_data.py billion_word --input {bad}/damaged --output {out}/made", "news.en-1.gz cannot be read"),
    ("tools/prepare_data.py billion_word --input {bad}/blank --output {out}/made", "all shards of"),
    ("tools/prepare_data.py billion_word --input {bad}/text.tar.gz --output {out}/made", "cannot be read"),
    # statistics
    *((f"tools/fid.py {{bad}}/{name}.npz {{bad}}/good-statistics.npz", *words) for name, *words in [
        ("no-mu", "no mu"),
        ("shapes", "sigma of shape (3, 3)"),
        ("none", "mu of shape (0,)"),
        ("nan", "NaN"),
        ("words", "cannot be read"),
        ("lopsided", "no covariance"),
        ("negative", "no covariance"),
        ("pickled", "cannot be read"),
        ("seven", "7 features", "has 4"),
        ("provenance", "cannot be read"),
        ("token", "cannot be read"),
        ("bomb-statistics", "2,147,483,776 when it is unpacked"),
        ("text", "cannot be read"),
        ("no-bytes", "cannot be read"),
        ("missing", "cannot be read"),
    ]),
    ("tools/fid.py {bad}/whole.npz {bad}/other-network.npz", "network original", "unknown"),
    ("tools/fid.py {bad}/good-statistics.npz {bad}/good-statistics.npz --metrics kid", "kid"),
    ("tools/fid.py {bad}/good-statistics.npz {bad}/good-statistics.npz --metrics lpips", "no metric lpips"),
    ("tools/fid.py {bad}/good-statistics.npz", "REFERENCE"),
    (f"tools/fid.py digits:30 {{bad}}/seven.npz {MINI}", "7 features"),
    (f"{MERGE}part-1.npz {{bad}}/part-2.npz", "shards 1, 2 of 3"),
    (f"{MERGE}part-1.npz {{bad}}/part-1.npz {{bad}}/part-2.npz", "shards 1, 1, 2 of 3"),
    (f"{MERGE}whole.npz", "not shards"),
    (f"{MERGE}good-statistics.npz", "how many images"),
    (f"{MERGE}part-x.npz", "how many images"),
    (f"{MERGE}text.npz", "cannot be read"),
    ("tools/precalc_stats.py", "0 sources"),
    ("tools/precalc_stats.py digits:30 --output {out}/x.npz --shard 3/2", "--shard 3/2"),
    ("tools/precalc_stats.py digits:30 --output {out}/x.npz --batch-size 0", "batch-size"),
    ("tools/precalc_stats.py {bad}/nowhere --output {out}/x.npz", "does not exist"),
    (f"tools/precalc_stats.py {{bad}}/cut --output {{out}}/x.npz {MINI}", "cut/a.png cannot be decoded"),
    # networks
    *((f"tools/verify.py --inception {{bad}}/{name}", *words) for name, *words in [
        ("text.pb", "not a frozen graph"),
        ("no-bytes.pb", "it has no node"),
        ("cut.pb", "not a frozen graph"),
        ("operation.pb", "ReadFile"),
        ("circle.pb", "circle"),
        ("alone.pb", "cannot be carried out"),
        ("stride.pb", "cannot be carried out"),
        ("padding.pb", "cannot be carried out"),
        ("huge.pb", "constants have"),
        ("shape.pb", "cannot be carried out"),
        ("below.pb", "cannot be carried out"),
        ("size.pb", "ResizeBilinear has 805,306,368 values"),
        ("cut.tgz", "cannot be read"),
        ("other.tgz", "holds no"),
        ("huge.tgz", "8,589,934,592 bytes"),
        ("empty", "no Inception network"),
        ("nowhere.pb", "no Inception network"),
    ]),
    ("tools/fid.py digits:30 digits:30:1 --inception hub:http://example.org/module", "https://"),
    ("tools/fid.py digits:30 digits:30:1 --inception hub:{bad}/empty", "cannot be loaded"),
    ("tools/fid.py digits:30 digits:30:1 --inception hub:{bad}/export-ReadFile", "ReadFile", "--trust"),
    # exported generators
    *((f"tools/sample.py {{bad}}/export-{name} --output {{out}}/made", *words) for name, *words in [
        *((operation, operation, "--trust") for operation in ("WriteFile", "ReadFile", "PyFunc", "EagerPyFunc", "SaveV2", "PrintV2")),
        ("old", "TensorFlow 1", "--trust"),
        ("text", "not an exported generator"),
        ("empty", "not an exported generator"),
        ("pbtxt", "not an exported generator"),
        ("module", "not an exported generator"),
    ]),
    ("tools/sample.py {bad}/run-none --output {out}/made", "not an exported generator"),
    ("tools/sample.py {bad}/export-module --output {out}/made --count 9999999999", "is not in 1"),
    ("tools/sample.py {bad}/export-module --output {bad}/good", "is not empty"),
    ("tools/fid.py {bad}/export-WriteFile digits:30", "WriteFile", "--trust"),
    ("tools/precalc_stats.py {bad}/export-PyFunc --output {out}/x.npz", "PyFunc", "--trust"),
    ("tools/disturb.py {bad}/export-PyFunc --output {out}/made", "PyFunc", "--trust"),
    # disturbances, studies, run folders
    ("tools/disturb.py digits:40 --output {out}/made --only fog", "no disturbance fog"),
    ("tools/disturb.py digits:40 --output {out}/made --limit much", "--limit"),
    ("tools/disturb.py digits:40 --output {bad}/text.txt", "text.txt"),
    ("tools/saddle.py --output {out}/made --runs 0", "0 is not in 1"),
    ("tools/saddle.py --output {bad}/text.txt", "text.txt"),
    ("tools/theory.py heavy-ball --output {out}/made --run x", "--run with heavy-ball"),
    ("tools/theory.py third --output {out}/made", "invalid choice"),
    ("tools/theory.py assumptions --output {out}/made --run {bad}/empty", "config.json cannot be read"),
    ("tools/nash.py {bad}/empty --output {out}/made", "config.json cannot be read"),
    ("tools/nash.py {bad}/run-none --output {out}/made --count 99", "invalid choice"),
    ("tools/export.py {bad}/empty --output {out}/made", "config.json cannot be read"),
    ("tools/export.py {bad}/run-text --output {out}/made", "config.json cannot be read"),
    ("tools/export.py {bad}/run-list --output {out}/made", "config.json cannot be read"),
    ("tools/export.py {bad}/run-keys --output {out}/made", "rate"),
    ("tools/export.py {bad}/run-none --output {out}/made", "no checkpoint"),
    ("tools/export.py {bad}/run-lines --output {out}/made", "vocabulary.json cannot be read"),
    ("tools/export.py {bad}/run-symbols --output {out}/made", "not a list of symbols"),
    ("tools/export.py {bad}/run-damaged --output {out}/made", "ckpt-3 is damaged", "sets it aside"),
    ("tools/export.py {bad}/run-damaged --best --output {out}/made", "best-3/ckpt-3 is damaged"),
    ("tools/export.py {bad}/run-foreign --output {out}/made", "holds other variables"),
    ("tools/nash.py {bad}/run-damaged --output {out}/made", "ckpt-3 is damaged"),
    ("tools/nash.py {bad}/run-foreign --output {out}/made", "holds other variables"),
    ("tools/curve.py {bad}/empty --output {out}/x.png", "no metrics.jsonl"),
    ("tools/curve.py {bad}/run-none --output {out}/x.png", "has no evaluation"),
    ("tools/curve.py {bad}/run-none --output {out}/x.xyz", "ends in .png or .svg"),
]  # fmt: skip


def test_there_are_enough_rows_for_every_command_line():
    tools = {line.partition(" ")[0] for line, *_ in ROWS}
    assert tools == {
        "tf_ttur/train.py",
        *(f"tools/{path.name}" for path in (ROOT / "tools").glob("*.py")),
    }
    assert len({line for line, *_ in ROWS}) == len(ROWS) > 60


@pytest.mark.parametrize(
    "line, words", [pytest.param(line, words, id=line[:100]) for line, *words in ROWS]
)
@pytest.mark.filterwarnings("ignore")
def test_bad_input_is_refused(bad, tmp_path, cache, tool, monkeypatch, line, words):
    monkeypatch.chdir(ROOT)
    before = state(bad)
    assert_refused(tool(*shlex.split(line.format(bad=bad, out=tmp_path))), *words)
    assert [
        path for folder in (tmp_path, cache) for path in folder.rglob("*") if path.is_file()
    ] == []
    assert state(bad) == before


def state(folder):
    return {path: path.stat().st_mtime_ns for path in folder.glob("**/*") if path.is_file()}
