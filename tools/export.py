"""Exports the generator of a run as a SavedModel that plain TensorFlow reads.

    python tools/export.py runs/svhn-ttur-seed0 --output exported/svhn
"""

import pathlib

from tf_ttur import command
from tf_ttur.errors import UserError


def main():
    parser = command.parser(__doc__)
    parser.add_argument("workdir", metavar="WORKDIR", help="the run folder")
    parser.add_argument("--output", required=True, metavar="DIR")
    arguments = parser.parse_args()
    command.start_tensorflow()
    from tf_ttur import config as configs
    from tf_ttur.training import export, run_folder, state

    workdir = pathlib.Path(arguments.workdir)
    config = configs.from_json(workdir / "config.json")
    vocabulary = run_folder.read_vocabulary(workdir, config)
    players = state.State(config, len(vocabulary))
    if not players.restore(players.manager(workdir)):
        raise UserError(f"{workdir} holds no checkpoint", "a run that has been started", "train first")
    export.export(config, players.generator, arguments.output, vocabulary)
    print(f"{arguments.output}: generator after {int(players.updates.numpy())} updates")


if __name__ == "__main__":
    command.run(main)
