"""Exports the generator of a run as a SavedModel that plain TensorFlow reads.

tf-ttur export runs/svhn-ttur-seed0 --output exported/svhn
"""

import pathlib
from collections.abc import Sequence

from tf_ttur.commands import flags, program
from tf_ttur.errors import UserError


def main(words: Sequence[str]) -> None:
    parser = flags.parser(__doc__, "export")
    parser.add_argument("workdir", metavar="WORKDIR", help="the run folder")
    parser.add_argument("--output", required=True, metavar="DIR")
    parser.add_argument(
        "--best",
        action="store_true",
        help="the generator with the best value of the metric, not the last one",
    )
    arguments = parser.parse_args(words)
    program.start_tensorflow()
    from tf_ttur import config as configs
    from tf_ttur.training import export, run_folder, state
    from tf_ttur.training.checkpoints import Checkpoints

    workdir = pathlib.Path(arguments.workdir)
    config = configs.from_json(workdir / "config.json")
    vocabulary = run_folder.read_vocabulary(workdir, config)
    players = state.State(config, len(vocabulary))
    checkpoints = Checkpoints(workdir, players)
    newest = checkpoints.path(checkpoints.numbers[-1]) if checkpoints.numbers else None
    path = checkpoints.best if arguments.best else newest
    if path is None:
        cure = "leave --best out, or train with evaluation" if newest else "train first"
        raise UserError(
            f"{workdir} holds no {'best ' if newest else ''}checkpoint",
            "a run that has been started",
            cure,
        )
    players.read(path)
    export.export(config, players.generator, arguments.output, vocabulary)
    print(f"{arguments.output}: generator after {int(players.updates.numpy())} updates")
