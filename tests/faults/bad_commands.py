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
    "--config gs://bucket/card.py": "on this machine",
}

# What a training learns from, and where it writes.
_IMAGES = "--config configs/quickstart.py --inception {bad}/good.pb --workdir {out}/run"
_LINES = "--config configs/billion_word.py --workdir {out}/run"
_BEGUN = f"{_IMAGES} --workdir {{bad}}/run-begun --config.data.source=digits:64"
TRAINING = {
    f"{_IMAGES} --config.data.source={{bad}}/nowhere": "does not exist",
    f"{_IMAGES} --config.data.source=digits:5": "digits:5 has 5 images",
    f"{_IMAGES} --config.data.source=digits:99999999999": "up to 9 digits",
    f"{_IMAGES} --config.data.source=tfds:cifar10": "tfds:NAME/SPLIT",
    f"{_IMAGES} --config.data.source=given:examples": "passed from a Python program",
    f"{_IMAGES} --config.data.source=hf:{{bad}}/nowhere/train": "does not exist",
    f"{_IMAGES} --config.data.channels=2": "one of 1, 3",
    f"{_LINES} --config.data.flip=True": "only images has this key",
    f"{_LINES} --config.data.dir=tfds:no_such_text/train": "TFDS has no data set no_such_text",
    f"{_LINES} --config.data.dir=tfds:lm1b": "tfds:NAME/SPLIT",
    "--config configs/images.py --workdir {out}/run": "neither data/images nor photos/",
    f"{_IMAGES} --workdir {{bad}}/text.txt": "is a file",
    f"{_IMAGES} --workdir {{bad}}/good": "not a run folder",
    f"{_IMAGES} --workdir {{bad}}/run-text": "config.json cannot be read",
    f"{_IMAGES} --config.evaluation.reference={{bad}}/nowhere.npz": "nowhere.npz",
    f"{_IMAGES} --config.evaluation.reference={{bad}}/text.txt": "text.txt",
    f"{_LINES} --config.data.dir={{bad}}/nowhere": "does not exist",
    f"{_LINES} --config.data.dir={{bad}}/latin1": "is not UTF-8",
    f"{_LINES} --config.data.dir={{bad}}/unnamed": "text.txt",
    f"{_LINES} --config.data.dir={{bad}}/few": "has 3 lines",
    f"{_IMAGES} --workdir gs://bucket/run": "on this machine",
    f"{_IMAGES} --workdir=": "--workdir is empty",
    f"{_IMAGES} --workdir {{bad}}/text.txt/run": "text.txt, which is a file",
    f"{_IMAGES} --inception s3://bucket/graph.pb": "on this machine",
    f"{_IMAGES} --inception=": "--inception is empty",
    f"{_IMAGES} --config.data.source=https://example.org/a.zip": "on this machine",
    f"{_IMAGES} --config.evaluation.reference=gs://bucket/a.npz": "on this machine",
    f"{_LINES} --config.data.dir=gs://bucket/lines": "on this machine",
    f"{_LINES} --inception {{bad}}/good.pb": "--inception with billion_word",
    f"{_BEGUN} --config.seed=3 --config.loss=hinge": ("seed: 0 -> 3", "loss: non_saturating -> h"),
    f"{_BEGUN} --config.updates=2000": "schedule linear, which depends on it",
}

BENCHMARK = {
    "--config configs/nothing.py": "no config",
    "--config quickstart --batch-size 10": "--batch-size together with --config",
}

LIST = {
    "{bad}/empty": "holds no cards",
    "{bad}/broken-cards": "SyntaxError",
    "http://example.org/cards": "on this machine",
}

# {what of the folder is prepared: words}
_IMAGE_FOLDERS = {
    **{f"bomb-{kind}": ("cannot be decoded", f"{SIDE**2} pixels") for kind in BOMBS},
    "cmyk": ("cmyk/a.png (content: TIFF)", "mode CMYK"),
    "transparent": ("mode RGBA", "--background white"),
    "deep": ("16 bits a channel", "--depth 8"),
    "animations": "animations/a.webp is an animation of 2 frames",
    "pages": "pages/a.tiff has 2 pages",
    "heic": "no images, but 1 .heic",
    "dead-link": "a link to a file that does not exist",
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
    "floats.npy": "floats from 0 to 0",
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
    "notes.tar.gz": "a tarball without images, but 1 .txt",
    "parent": "parent/cifar-10-batches-bin, which holds CIFAR-10",
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
    "imagenet --input {bad}/good --output {out}/made": ("invalid choice", "billion_word"),
    "image --input {bad}/good --output {out}/made": "did you mean images?",
    f"{_SVHN} --output {{out}}/made --size 0": "0 is not in 1",
    f"{_SVHN} --output {{out}}/made --jpeg 101": "101 is not a JPEG quality of 1 to 100",
    f"{_SVHN} --output {{bad}}/text.txt": "text.txt is a file",
    f"{_WORDS}/damaged": "news.en-1.gz cannot be read",
    f"{_WORDS}/blank": "all shards of",
    f"{_WORDS}/text.tar.gz": "cannot be read",
    f"{_SVHN} --output gs://bucket/svhn": "on this machine",
    f"{_SVHN} --output {{out}}/made --files news*": "--files with svhn",
    "svhn --input s3://bucket/a.zip --output {out}/made": "on this machine",
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
    f"{_GOOD} {_GOOD} --count 10": "--count with statistics alone",
    f"{_DIGITS} --count 31": ("digits:30 has 30 images", "at least 31"),
    f"{_DIGITS} --sample 31": ("digits:30 has 30 images", "at least 31"),
    f"{_DIGITS} --count 3 --sample 3": "not allowed with",
    f"{_DIGITS} --quantisation round": "--quantisation has no effect",
    f"{_DIGITS} --seed 1": "--seed where nothing is random",
    f"http://example.org/a.zip {_GOOD}": "on this machine",
    f"{_DIGITS} --compare=": "SOURCE is empty",
    "{bad}/good/a.png {bad}/good/b.png": ("is one image (PNG)", "sets of images"),
    f"{{bad}}/mean-cov.npz {_GOOD}": ("statistics of other names", "python -c"),
    f"{{bad}}/pickled.npy {_GOOD}": ("a pickle of statistics (mu, sigma)", "python -c"),
    f"{{bad}}/statistics.pkl {_GOOD}": ("a pickle of statistics (mean, cov)", "python -c"),
    "{bad}/two.npz digits:30": "a and b can be the images",
    "{bad}/good-statistics.npz digits:30 --metrics is": "a statistics file",
    "tfds:cifar10:9.9.9/train digits:30": "TFDS has no cifar10:9.9.9",
    "tfds:no_such_set/train digits:30": "TFDS has no data set no_such_set",
    "tfds:a/b/c/train digits:30": "tfds:NAME/CONFIG:VERSION/SPLIT",
    "hf:nothing digits:30": "hf:DATASET/SPLIT",
}

_MERGED = "--output {out}/merged.npz"
MERGE_STATS = {
    f"{_MERGED} {{bad}}/part-1.npz {{bad}}/part-2.npz": "shards 1, 2 of 3",
    f"{_MERGED} {{bad}}/part-1.npz {{bad}}/part-1.npz {{bad}}/part-2.npz": "shards 1, 1, 2 of 3",
    f"{_MERGED} {{bad}}/whole.npz": "not shards",
    f"{_MERGED} {{bad}}/good-statistics.npz": "how many images",
    f"{_MERGED} {{bad}}/part-x.npz": "how many images",
    f"{_MERGED} {{bad}}/text.npz": "cannot be read",
    "{bad}/part-1.npz {bad}/part-2.npz --output {bad}/part-1.npz": "is the source",
    "{bad}/part-1.npz --output {bad}/good": "good is a folder",
    "{bad}/part-1.npz --output {bad}/good-statistics.npz": "--overwrite",
}

STATS = {
    "": "there is no SOURCE",
    "digits:30": ("there is no file to write to", "--output FILE.npz"),
    "digits:30 --output {out}/x.npz --shard 3/2": "--shard 3/2",
    "digits:30 --output {out}/x.npz --batch-size 0": "batch-size",
    "{bad}/nowhere --output {out}/x.npz": "does not exist",
    "{bad}/cut --output {out}/x.npz --inception {bad}/good.pb": "cut/a.png cannot be decoded",
    "{bad}/export-PyFunc --output {out}/x.npz": ("PyFunc", "--trust"),
    "{bad}/none.zip --output {bad}/none.zip": "is the source",
    "{bad}/two.npz --output {bad}/two": "is the source",
    "{bad}/good --output {bad}/two.npz": "two.npz exists and is not a statistics file",
    "{bad}/good --output {bad}/good-statistics.npz": "--overwrite",
    "{bad}/good --output {bad}/empty": "empty is a folder",
    "{bad}/good --output {out}/new/": "is a folder",
    "{bad}/good --output gs://bucket/a.npz": "on this machine",
    "{bad}/good --output {out}/x.npz --quantisation round": "--quantisation has no effect",
    "--config svhn --precision float32": "--precision together with --config",
}

VERIFY = {
    "--inception {bad}/text.pb": "not a frozen graph",
    "--inception {bad}/no-bytes.pb": "it has no node",
    "--inception {bad}/cut.pb": "not a frozen graph",
    "--inception {bad}/operation.pb": "ReadFile",
    "--inception {bad}/circle.pb": "circle",
    "--inception {bad}/good.pb --own {bad}/good-statistics.npz": "--own alone",
    "--inception {bad}/good.pb --official {bad}/good-statistics.npz": "--official alone",
    "--inception {bad}/good.pb --own {bad}/seven.npz --official {bad}/good-statistics.npz": (
        "7 features"
    ),
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
    "--inception gs://bucket/graph.pb": "on this machine",
}

_MADE = "--output {out}/made"
SAMPLE = {
    **{f"{{bad}}/export-{operation} {_MADE}": (operation, "--trust") for operation in OPERATIONS},
    f"{{bad}}/export-old {_MADE}": ("TensorFlow 1", "--trust"),
    f"{{bad}}/export-text {_MADE}": "not an exported generator",
    f"{{bad}}/export-empty {_MADE}": "not an exported generator",
    f"{{bad}}/export-pbtxt {_MADE}": "not an exported generator",
    f"{{bad}}/export-module {_MADE}": "not an exported generator",
    f"{{bad}}/run-none {_MADE}": "is a run folder",
    f"{{bad}}/export-module {_MADE} --count 9999999999": "is not in 1",
    "{bad}/export-module --output {bad}/good": "is not empty",
    "{bad}/export-module --output {bad}/text.txt": "text.txt is a file",
    f"gs://bucket/export {_MADE}": "on this machine",
}

DISTURB = {
    f"{{bad}}/export-PyFunc {_MADE}": ("PyFunc", "--trust"),
    f"digits:40 {_MADE} --only fog": "no disturbance fog",
    f"digits:40 {_MADE} --limit much": "--limit",
    "digits:40 --output {bad}/text.txt": "text.txt",
    f"digits:40 {_MADE} --only blur --swirl-radius 9": "--swirl-radius together with --only blur",
    f"digits:40 {_MADE} --reference gs://bucket/a.npz": "on this machine",
}

SADDLE = {
    f"{_MADE} --runs 0": "0 is not in 1",
    "--output {bad}/text.txt": "text.txt",
    "--output gs://bucket/figures": "on this machine",
}

THEORY = {
    f"heavy-ball {_MADE} --run x": "--run with heavy-ball",
    f"third {_MADE}": "invalid choice",
    f"assumptions {_MADE} --run {{bad}}/empty": "config.json cannot be read",
    "heavy-ball --output {bad}/text.txt": "text.txt is a file",
    f"assumptions {_MADE} --batches 3": "--batches with assumptions",
}

NASH = {
    f"{{bad}}/empty {_MADE}": "config.json cannot be read",
    f"{{bad}}/run-none {_MADE} --count 99": "invalid choice",
    f"{{bad}}/run-damaged {_MADE}": "ckpt-3 is damaged",
    f"{{bad}}/run-foreign {_MADE}": "holds other variables",
    "{bad}/run-none --output {bad}/text.txt": "text.txt is a file",
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
    "{bad}/run-none --output {bad}/text.txt": "text.txt is a file",
    f"gs://bucket/run {_MADE}": "on this machine",
}

CURVE = {
    "{bad}/empty --output {out}/x.png": "no metrics.jsonl",
    "{bad}/run-none --output {out}/x.png": "has no evaluation",
    "{bad}/run-none --output {out}/x.xyz": "ends in .png or .svg",
    "{bad}/run-none --output {bad}/good/a.png": "is not a picture that Matplotlib drew",
    "{bad}/run-none --output {bad}/empty": "empty is a folder",
}

REPORT = {
    "{bad}/empty --output {out}/report": "holds no run",
    "{bad}/nowhere --output {out}/report": "holds no run",
    "{bad}/run-none --output {out}/report": "has no rows yet",
    "{bad}/run-text --output {out}/report": "no metrics.jsonl",
    "{bad}/run-begun {bad}/run-begun --output {bad}/text.txt": "is a file",
    "s3://bucket/run --output {out}/report": "on this machine",
}

_CELLS = "quickstart --variants ttur --seeds 0"
STUDY = {
    "": "required: CARD",
    "quickstrat": "did you mean quickstart?",
    "quickstart:ttur": "names a variant",
    "quickstart --variants fast": "no variant 'fast'",
    "quickstart --variants ttur,ttur": "--variants ttur,ttur",
    "quickstart --seeds 3-1": "3-1 is no range of seeds",
    "quickstart --seeds x": "is no seed, such as 3 or 0-7",
    "quickstart --config.seed=1": "--config.seed",
    "quickstart --config.loss=mse": "non_saturating",
    "quickstart --jobs 0": "0 is not in 1",
    "quickstart --cell 3/17 --output {out}/study": "this study has 16 cells",
    "quickstart --output {bad}/text.txt": "is a file",
    "quickstart --output gs://bucket/study": "on this machine",
    f"{_CELLS} --output {{bad}}/study-begun": (
        "study-begun/ttur-seed0 holds a run with other values",
        "model.width: 4 -> 16",
    ),
    f"{_CELLS} --output {{bad}}/study-foreign": "not a run folder",
    f"{_CELLS} --output {{bad}}/study-text": "study.json cannot be read",
    f"{_CELLS} --output {{bad}}/study-other": "holds a study of svhn; now it is quickstart",
}

SEARCH = {
    "quickstart": "required: --rates",
    "quickstart --rates 1e-4,fast": "--rates 1e-4,fast",
    "quickstart --rates 1e-4,-1": "config.generator.learning_rate = -1.0",
    "quickstart --rates 1e-4 --updates 5 --config.updates=5": "--updates and --config.updates",
    "quickstart --rates 1e-4 --config.generator.learning_rate=1": "name them with --rates",
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
    ("tools/report.py", REPORT),
    ("tools/study.py", STUDY),
    ("tools/search.py", SEARCH),
]

# [(command line, words)]
ROWS = [
    (f"{door} {arguments}".strip(), (words,) if isinstance(words, str) else words)
    for door, group in GROUPS
    for arguments, words in group.items()
]
