"""Checks that the FID of this installation is the official one.

    tf-ttur verify --inception classify_image_graph_def.pb

The checks cover the identity of the network, its resizing, features of synthetic images against a
TensorFlow 1 session of the same file, distances, and moments. Each has a stated bound. The exit
status is 0 only if all checks hold. With any network but the original one, the first check fails,
as the network's values are not the official ones.
"""

import dataclasses
import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tf_ttur.commands import flags, program

if TYPE_CHECKING:
    from tf_ttur.metrics.verification import Check


def main(words: Sequence[str]) -> None:
    arguments = _parser().parse_args(words)
    program.start_tensorflow()
    from tf_ttur.metrics import verification

    checks = list(verification.checks(*verification.read(arguments.inception)))
    print(_json(checks) if arguments.json else _table(checks))
    sys.exit(0 if all(check.holds for check in checks) else 1)


def _parser() -> flags.Parser:
    parser = flags.parser(__doc__, "verify")
    network = parser.add_argument_group("the network")
    network.add_argument(
        "--inception",
        metavar="PATH",
        help="a .pb, the .tgz, or a folder with either [TF_TTUR_INCEPTION, or the cache]",
    )
    output = parser.add_argument_group("output")
    output.add_argument("--json", action="store_true", help="print a JSON list")
    return parser


def _json(checks: "Sequence[Check]") -> str:
    return json.dumps([dataclasses.asdict(check) for check in checks])


def _table(checks: "Sequence[Check]") -> str:
    lines = [
        f"{'ok  ' if check.holds else 'FAIL'}  {check.name}: {check.found}  ({check.expected})"
        for check in checks
    ]
    num_holding = sum(check.holds for check in checks)
    return "\n".join([*lines, f"{num_holding} of {len(checks)} hold"])
