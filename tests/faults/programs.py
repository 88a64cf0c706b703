"""What the programs of this folder share: a parser of flags, and a report in JSON."""

import argparse
import json
import pathlib

from tf_ttur.commands import flags
from tf_ttur.io import files


def parser(documentation, module):
    """A parser with the flag --output, for a module that is run as python -m tests.faults.MODULE.

    Args:
      documentation: the module's docstring, which is its help.
      module: its name within this folder.
    """
    arguments = flags.Parser(
        prog=f"python -m tests.faults.{module}",
        description=documentation,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    arguments.add_argument("--output", metavar="FILE", type=pathlib.Path, help="for the report")
    return arguments


def as_json(report):
    return json.dumps(report, indent=1) + "\n"


def write(report, path):
    """Writes a report as JSON; None as its path writes nothing."""
    if path is not None:
        with files.atomic(path) as file:
            file.write(as_json(report).encode())
