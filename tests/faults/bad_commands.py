"""The table of bad input: command lines, and words that the message of each must hold.

Each group is a dictionary {arguments: word, or tuple of words} of one door to a command. {bad} is
the folder that `bad_folder` writes, {out} an empty one.
"""

from tests.faults.bad_files import SIDE

BOMBS = ("PNG", "JPEG", "GIF", "VP8", "VP8L", "VP8X")
OPERATIONS = ("WriteFile", "ReadFile", "PyFunc", "EagerPyFunc", "SaveV2", "PrintV2")

_CARD = "--config configs/svhn.py"
CONFIGS = {
    "": "--config is missing",
    "--config configs/nothing.py": "no config configs/nothing.py",
    "--config=configs/nothing.py": "no config configs/nothing.py",
    "--config": "flag --config",
    "--config configs/svhn.py:fast": "no variant 'fast'",
    f"{_CARD} extra": "unexpected extra",
    f"{_CARD} --wordir=x": "wordir",
    f"{_CARD} --config.generator.rate=1": "config.generator.rate is not a key",
    f"{_CARD} --config.updates=many": "config.updates",
    f"{_CARD} --config.updates=10000000000": "below 2^31",
    f"{_CARD} --config.seed=1.5": "config.seed",
    f"{_CARD} --config.batch_size=0": "config.batch_size = 0",
    f"{_CARD} --config.loss=mse": "non_saturating",
    f"{_CARD} --config.generator.learning_rate=inf": "finite",
    f"{_CARD} --config.data.crop={'9' * 5000}": "config.data.crop",
    "--config {bad}/cards/syntax.py": "SyntaxError",
    "--config {bad}/cards/raises.py": "a mistake",
    "--config {bad}/cards/leaves.py": "SystemExit",
    "--config {bad}/cards/nothing.py": "get_config",
    "--config {bad}/cards/number.py": "gives int",
    "--config {bad}/cards/keys.py": "rate",
    "--config {bad}/cards/types.py": "updates",
}

# What a training learns from, and where it writes.
_IMAGES = "--config configs/quickstart.py --inception {bad}/good.pb --workdir {out}/run"
_LINES = "--config configs/billion_word.py --workdir {out}/run"
TRAINING = {
    f"{_IMAGES} --config.data.source={{bad}}/nowhere": "does not exist",
    f"{_IMAGES} --config.data.source=digits:5": "digits:5 has 5 images",
    f"{_IMAGES} --config.data.source=digits:99999999999": "up to 9 digits",
    f"{_IMAGES} --config.data.source=tfds:cifar10": "tfds:NAME/SPLIT",
    f"{_IMAGES} --workdir {{bad}}/text.txt": "is a file",
    f"{_IMAGES} --workdir {{bad}}/good": "not a run folder",
    f"{_IMAGES} --workdir {{bad}}/run-text": "config.json cannot be read",
    f"{_IMAGES} --config.evaluation.reference={{bad}}/nowhere.npz": "nowhere.npz",
    f"{_IMAGES} --config.evaluation.reference={{bad}}/text.txt": "text.txt",
    f"{_LINES} --config.data.dir={{bad}}/nowhere": "does not exist",
    f"{_LINES} --config.data.dir={{bad}}/latin1": "is not UTF-8",
    f"{_LINES} --config.data.dir={{bad}}/unnamed": "text.txt",
    f"{_LINES} --config.data.dir={{bad}}/few": "has 3 lines",
}

BENCHMARK = {"--config configs/nothing.py": "no config"}

LIST = {
    "{bad}/empty": "holds no cards",
    "{bad}/broken-cards": "SyntaxError",
}

# {what of the folder is prepared: words}
_IMAGE_FOLDERS = {
    **{f"bomb-{kind}": ("cannot be decoded", f"{SIDE**2} pixels") for kind in BOMBS},
    "grey": ("grey/a.png", "mode L"),
    "transparent": "mode RGBA",
    "deep": "16 bits a channel",
    "cut": "cut/a.png cannot be decoded",
    "headless": "headless/a.jpg cannot be decoded",
    "no-bytes": "no-bytes/a.webp cannot be decoded",
    "page": "no known format",
    "sizes": "has 40x32 pixels",
    "hidden": "holds no images",
    "empty": "holds no images",
    "round": "leads back",
    "text.txt": "is a file of another kind",
    "good --crop 500": "at least the 500",
}
_ARCHIVES = {
    "none.zip": "not a readable zip",
    "cut.zip": "not a readable zip",
    "empty.zip": "holds no images",
    "above.zip": "member ../a.png",
    "root.zip": "member /a.png",
    "link.zip": "the link a.png",
    "huge.zip": "1,073,741,824 bytes when it is unpacked",
    "secret.zip": "encrypted",
    "bomb.zip": "cannot be decoded",
    "flipped.zip": "cannot be decoded",
    "floats.npy": "float64",
    "one.npy": "of shape (8, 8, 3)",
    "nothing.npy": "nothing.npy",
    "objects.npy": "cannot be read",
    "short.npy": "cannot be read",
    "endless.npy": "cannot be read",
    "header.npy": "cannot be read",
    "text.npy": "cannot be read",
    "two.npz": "['a', 'b']",
    "bomb.npz": "2,147,483,648 when it is unpacked",
    "text.mat": "cannot be read",
    "text.tar.gz": "cannot be read",
    "link.tar": "a link or a device",
    "device.tar": "a link or a device",
    "above.tar": "member ../data_batch_1.bin",
    "huge.tar": "8,589,934,592 bytes",
    "text-lmdb": "data.mdb cannot be read",
    "half": "half cannot be read",
    "other": "other cannot be read",
}
_SVHN = "svhn --input {bad}/good"
_WORDS = "billion_word --output {out}/made --input {bad}"
PREPARE = {
    **{
        f"svhn --output {{out}}/made --input {{bad}}/{name}": words
        for name, words in (_IMAGE_FOLDERS | _ARCHIVES).items()
    },
    "imagenet --input {bad}/good --output {out}/made": ("invalid choice", "usage: "),
    _SVHN: "--output",
    f"{_SVHN} --output {{out}}/made --size 0": "0 is not in 1",
    f"{_SVHN} --output {{bad}}/text.txt": "holds other things",
    f"{_WORDS}/damaged": "news.en-1.gz cannot be read",
    f"{_WORDS}/blank": "all shards of",
    f"{_WORDS}/text.tar.gz": "cannot be read",
}

_STATISTICS_FILES = {
    "no-mu": "no mu",
    "shapes": "sigma of shape (3, 3)",
    "none": "mu of shape (0,)",
    "nan": "NaN",
    "words": "cannot be read",
    "lopsided": "no covariance",
    "negative": "no covariance",
    "pickled": "cannot be read",
    "seven": ("7 features", "has 4"),
    "provenance": "cannot be read",
    "token": "cannot be read",
    "bomb-statistics": "2,147,483,776 when it is unpacked",
    "text": "cannot be read",
    "no-bytes": "cannot be read",
    "missing": "cannot be read",
}
_GOOD = "{bad}/good-statistics.npz"
_DIGITS = "digits:30 digits:30:1"
FID = {
    **{f"{{bad}}/{name}.npz {_GOOD}": words for name, words in _STATISTICS_FILES.items()},
    "{bad}/whole.npz {bad}/other-network.npz": ("network original", "unknown"),
    f"{_GOOD} {_GOOD} --metrics kid": "kid",
    f"{_GOOD} {_GOOD} --metrics lpips": "no metric lpips",
    _GOOD: "REFERENCE",
    "digits:30 {bad}/seven.npz --inception {bad}/good.pb": "7 features",
    f"{_DIGITS} --inception hub:http://example.org/module": "https://",
    f"{_DIGITS} --inception hub:{{bad}}/empty": "cannot be loaded",
    f"{_DIGITS} --inception hub:{{bad}}/export-ReadFile": ("ReadFile", "--trust"),
    "{bad}/export-WriteFile digits:30": ("WriteFile", "--trust"),
}

_MERGED = "--output {out}/merged.npz"
MERGE_STATS = {
    f"{_MERGED} {{bad}}/part-1.npz {{bad}}/part-2.npz": "shards 1, 2 of 3",
    f"{_MERGED} {{bad}}/part-1.npz {{bad}}/part-1.npz {{bad}}/part-2.npz": "shards 1, 1, 2 of 3",
    f"{_MERGED} {{bad}}/whole.npz": "not shards",
    f"{_MERGED} {{bad}}/good-statistics.npz": "how many images",
    f"{_MERGED} {{bad}}/part-x.npz": "how many images",
    f"{_MERGED} {{bad}}/text.npz": "cannot be read",
}

STATS = {
    "": "0 sources",
    "digits:30 --output {out}/x.npz --shard 3/2": "--shard 3/2",
    "digits:30 --output {out}/x.npz --batch-size 0": "batch-size",
    "{bad}/nowhere --output {out}/x.npz": "does not exist",
    "{bad}/cut --output {out}/x.npz --inception {bad}/good.pb": "cut/a.png cannot be decoded",
    "{bad}/export-PyFunc --output {out}/x.npz": ("PyFunc", "--trust"),
}

VERIFY = {
    "--inception {bad}/text.pb": "not a frozen graph",
    "--inception {bad}/no-bytes.pb": "it has no node",
    "--inception {bad}/cut.pb": "not a frozen graph",
    "--inception {bad}/operation.pb": "ReadFile",
    "--inception {bad}/circle.pb": "circle",
    "--inception {bad}/alone.pb": "cannot be carried out",
    "--inception {bad}/stride.pb": "cannot be carried out",
    "--inception {bad}/padding.pb": "cannot be carried out",
    "--inception {bad}/huge.pb": "constants have",
    "--inception {bad}/shape.pb": "cannot be carried out",
    "--inception {bad}/below.pb": "cannot be carried out",
    "--inception {bad}/size.pb": "ResizeBilinear has 805,306,368 values",
    "--inception {bad}/cut.tgz": "cannot be read",
    "--inception {bad}/other.tgz": "holds no",
    "--inception {bad}/huge.tgz": "8,589,934,592 bytes",
    "--inception {bad}/empty": "no Inception network",
    "--inception {bad}/nowhere.pb": "no Inception network",
}

_MADE = "--output {out}/made"
SAMPLE = {
    **{f"{{bad}}/export-{operation} {_MADE}": (operation, "--trust") for operation in OPERATIONS},
    f"{{bad}}/export-old {_MADE}": ("TensorFlow 1", "--trust"),
    f"{{bad}}/export-text {_MADE}": "not an exported generator",
    f"{{bad}}/export-empty {_MADE}": "not an exported generator",
    f"{{bad}}/export-pbtxt {_MADE}": "not an exported generator",
    f"{{bad}}/export-module {_MADE}": "not an exported generator",
    f"{{bad}}/run-none {_MADE}": "not an exported generator",
    f"{{bad}}/export-module {_MADE} --count 9999999999": "is not in 1",
    "{bad}/export-module --output {bad}/good": "is not empty",
}

DISTURB = {
    f"{{bad}}/export-PyFunc {_MADE}": ("PyFunc", "--trust"),
    f"digits:40 {_MADE} --only fog": "no disturbance fog",
    f"digits:40 {_MADE} --limit much": "--limit",
    "digits:40 --output {bad}/text.txt": "text.txt",
}

SADDLE = {
    f"{_MADE} --runs 0": "0 is not in 1",
    "--output {bad}/text.txt": "text.txt",
}

THEORY = {
    f"heavy-ball {_MADE} --run x": "--run with heavy-ball",
    f"third {_MADE}": "invalid choice",
    f"assumptions {_MADE} --run {{bad}}/empty": "config.json cannot be read",
}

NASH = {
    f"{{bad}}/empty {_MADE}": "config.json cannot be read",
    f"{{bad}}/run-none {_MADE} --count 99": "invalid choice",
    f"{{bad}}/run-damaged {_MADE}": "ckpt-3 is damaged",
    f"{{bad}}/run-foreign {_MADE}": "holds other variables",
}

EXPORT = {
    f"{{bad}}/empty {_MADE}": "config.json cannot be read",
    f"{{bad}}/run-text {_MADE}": "config.json cannot be read",
    f"{{bad}}/run-list {_MADE}": "config.json cannot be read",
    f"{{bad}}/run-keys {_MADE}": "rate",
    f"{{bad}}/run-none {_MADE}": "no checkpoint",
    f"{{bad}}/run-lines {_MADE}": "vocabulary.json cannot be read",
    f"{{bad}}/run-symbols {_MADE}": "not a list of symbols",
    f"{{bad}}/run-damaged {_MADE}": ("ckpt-3 is damaged", "sets it aside"),
    f"{{bad}}/run-damaged --best {_MADE}": "best-3/ckpt-3 is damaged",
    f"{{bad}}/run-foreign {_MADE}": "holds other variables",
}

CURVE = {
    "{bad}/empty --output {out}/x.png": "no metrics.jsonl",
    "{bad}/run-none --output {out}/x.png": "has no evaluation",
    "{bad}/run-none --output {out}/x.xyz": "ends in .png or .svg",
}

GROUPS = [
    ("tf_ttur/train.py", CONFIGS),
    ("tf_ttur/train.py", TRAINING),
    ("tools/benchmark.py", BENCHMARK),
    ("tools/list_configs.py", LIST),
    ("tools/prepare_data.py", PREPARE),
    ("tools/fid.py", FID),
    ("tools/merge_stats.py", MERGE_STATS),
    ("tools/precalc_stats.py", STATS),
    ("tools/verify.py", VERIFY),
    ("tools/sample.py", SAMPLE),
    ("tools/disturb.py", DISTURB),
    ("tools/saddle.py", SADDLE),
    ("tools/theory.py", THEORY),
    ("tools/nash.py", NASH),
    ("tools/export.py", EXPORT),
    ("tools/curve.py", CURVE),
]

# [(command line, words)]
ROWS = [
    (f"{door} {arguments}".strip(), (words,) if isinstance(words, str) else words)
    for door, group in GROUPS
    for arguments, words in group.items()
]
