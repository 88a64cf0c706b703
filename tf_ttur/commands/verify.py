"""Is this installation's FID the official one?

    tf-ttur verify --inception classify_image_graph_def.pb

Checks the identity of the network, the resizing, features of synthetic images against a TensorFlow
1 session of the same file, distances and moments, each against a stated bound. Exit status 0 only
if all hold; with another network than the original one check fails, as its values are not the
official ones.
"""

import json
import sys
from collections.abc import Sequence

from tf_ttur.commands import flags, program


def main(words: Sequence[str]) -> None:
    parser = flags.parser(__doc__, "verify")
    parser.add_argument(
        "--inception", metavar="PATH", help="a .pb, the .tgz, or a folder with either"
    )
    parser.add_argument("--json", action="store_true", help="print a JSON list")
    arguments = parser.parse_args(words)
    program.start_tensorflow()
    import dataclasses

    from tf_ttur.metrics import verification

    found = list(verification.checks(*verification.read(arguments.inception)))
    if arguments.json:
        print(json.dumps([dataclasses.asdict(check) for check in found]))
    else:
        for check in found:
            print(
                f"{'ok  ' if check.holds else 'FAIL'}  {check.name}: {check.found}  ({check.expected})"
            )
    failed = sum(not check.holds for check in found)
    if not arguments.json:
        print(f"{len(found) - failed} of {len(found)} hold")
    sys.exit(1 if failed else 0)
