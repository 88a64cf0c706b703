"""Where the data sets of the paper are published: addresses, sizes and checksums.

Sizes and checksums are those that tensorflow-datasets 4.9.10 records for the same files. No address
has been tried by this project, and a host may be gone.
"""

from typing import NamedTuple


class Download(NamedTuple):
    """A published file that `tf-ttur prepare` reads.

    Attributes:
      data_set: as `tf-ttur prepare` names it.
      file: its name.
      url: where it is, or was.
      num_bytes: its size.
      sha256: its checksum, in hex.
      note: what to know; "" for nothing.
    """

    data_set: str
    file: str
    url: str
    num_bytes: int
    sha256: str
    note: str = ""


DOWNLOADS = (
    Download(
        "celeba",
        "img_align_celeba.zip",
        "https://drive.google.com/uc?export=download&id=0B7EVK8r0v71pZjFTYXZWM3FlRnM",
        1_443_490_838,
        "46fb89443c578308acf364d7d379fe1b9efb793042c0af734b6112e4fd3a8c74",
        "the host often refuses, as its daily quota is used up; try again later",
    ),
    Download(
        "cifar10",
        "cifar-10-binary.tar.gz",
        "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
        170_052_171,
        "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
    ),
    Download(
        "svhn",
        "train_32x32.mat",
        "http://ufldl.stanford.edu/housenumbers/train_32x32.mat",
        182_040_794,
        "435e94d69a87fde4fd4d7f3dd208dfc32cb6ae8af2240d066de1df7508d083b8",
    ),
    Download(
        "lsun",
        "bedroom_train_lmdb.zip",
        "http://dl.yf.io/lsun/scenes/bedroom_train_lmdb.zip",
        45_922_737_680,
        "a15644c2e7153106867f0adb3491fc41224102d1f01b24494fb47d9f5d1f174e",
        "unpack it first, and name the folder of its data.mdb",
    ),
    Download(
        "billion_word",
        "1-billion-word-language-modeling-benchmark-r13output.tar.gz",
        "http://www.statmt.org/lm-benchmark/"
        "1-billion-word-language-modeling-benchmark-r13output.tar.gz",
        1_792_209_805,
        "01ba60381110baf7f189dfd2b8374de371e8c9a340835793f190bdae9e90a34e",
        "the host has been down for long times",
    ),
)


def describe() -> str:
    """The table of the downloads, for `--help`: a few lines per file."""
    lines = []
    for download in DOWNLOADS:
        lines += [
            f"  {download.data_set}: {download.url}",
            f"      {download.num_bytes:,} bytes, SHA-256 {download.sha256}",
        ]
        if download.note:
            lines.append(f"      ({download.note})")
    return "\n".join(lines)
