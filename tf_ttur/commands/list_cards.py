"""Prints the table of all experiment cards.

    tf-ttur list              # shows hours per 1000 updates if they were measured on this machine
    tf-ttur list --measure    # measures them: a few updates of every network, minutes on a CPU
    tf-ttur list --json

Hours count updates alone, without evaluation. The published best is the best over all runs and
evaluations. The mean over the runs, and its range, are from the end of the published curve.
"""

import json
from collections.abc import Sequence

from tf_ttur.commands import flags, program
from tf_ttur.io import console
from tf_ttur.studies import cards_table
from tf_ttur.training import speeds


def main(words: Sequence[str]) -> None:
    """Runs the command with these arguments."""
    parser = flags.parser(__doc__, "list")
    parser.add_argument(
        "folder",
        nargs="?",
        help="the folder of the cards [those that ship with tf_ttur]",
    )
    parser.add_argument(
        "--measure",
        action="store_true",
        help="measure what has not been measured on this machine",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON array")
    arguments = parser.parse_args(words)
    cards = cards_table.read_cards(arguments.folder)
    seconds = speeds.read()
    if arguments.measure:
        program.start_tensorflow()
        speeds.measure([card for card in cards if speeds.key(card) not in seconds], seconds)
    rows = [row for card in cards for row in cards_table.rows(card, seconds.get(speeds.key(card)))]
    if arguments.json:
        print(json.dumps(rows))
        return
    print(cards_table.table(rows), flush=True)  # before the note on stderr
    if any(row["hours_per_1000_updates"] is None for row in rows):
        console.say(
            "Hours are shown where they have been measured on this machine: --measure does that."
        )
