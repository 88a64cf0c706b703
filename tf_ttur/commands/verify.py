"""Checks that the FID of this installation is the official one.

    tf-ttur verify --inception classify_image_graph_def.pb
    tf-ttur verify --own cifar10.npz --official fid_stats_cifar10_train.npz

The checks cover the identity of the network, its resizing, features of synthetic images compared
with a TensorFlow 1 session of the same file, distances, and moments. Each check states its bound.
The exit status is 0 only if all checks hold. With any network but the original one, the first check
fails, because the values of that network are not the official ones.

With --own and --official, the report also holds the distance between statistics that you made of a
data set and the official file of the same data set.
"""

import dataclasses
import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tf_ttur.commands import flags, program
from tf_ttur.errors import UserError

if TYPE_CHECKING:
    from tf_ttur.metrics.verification import Check


def main(words: Sequence[str]) -> None:
    """Runs the command with these arguments."""
    arguments = _parser().parse_args(words)
    if bool(arguments.own) != bool(arguments.official):
        given = "--own" if arguments.own else "--official"
        raise UserError(f"{given} alone", "both --own and --official", "name the other file too")
    program.start_tensorflow()
    from tf_ttur.metrics import verification

    graph = verification.read(arguments.inception)
    checks = []
    if arguments.own:  # first, as a mistake in these files would waste the rest
        checks.append(verification.against_official(arguments.own, arguments.official))
    checks += verification.checks(*graph)
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
    files = parser.add_argument_group("statistics of one data set")
    files.add_argument("--own", metavar="FILE", help="made by tf-ttur stats of all its images")
    files.add_argument("--official", metavar="FILE", help="the file that TTUR published")
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
