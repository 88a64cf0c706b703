"""Examines whether a trained GAN is at a local Nash equilibrium.

    tf-ttur nash runs/svhn-ttur-seed0 --output figures/

The command computes the gradient norms of both players, extreme eigenvalues of each player's own
Hessian and of the game's Jacobian (scaled by the run's learning rates), and the path angle between
two checkpoints. It writes nash.svg, .png, .json and .md, and prints the verdict: local Nash, stable
but not Nash, or neither. If the gradients are not 0 within the scatter of the batches, the verdict
is that the point is not stationary.

It needs a few hundred matrix-vector products. Each product takes as long as two or three updates
per batch: use a GPU, or fewer batches.
"""

import itertools
from collections.abc import Sequence

from tf_ttur.commands import flags, program
from tf_ttur.io import console, outputs


def main(words: Sequence[str]) -> None:
    """Runs the command with these arguments."""
    arguments = _parser().parse_args(words)
    outputs.check_folder(arguments.output)
    program.start_tensorflow()
    from tf_ttur.studies import nash as study
    from tf_ttur.theory import nash
    from tf_ttur.training.game import TrainedGame

    status = console.Status("products of a matrix and a vector", 0, None)
    products = itertools.count(1)
    trained = TrainedGame(arguments.workdir, arguments.batches, lambda: status.show(next(products)))
    start = trained.kept[0] if arguments.path_from is None else arguments.path_from
    end = trained.kept[-1] if arguments.update is None else arguments.update
    path = trained.path(start, end)
    with status:
        diagnosis = nash.diagnose(
            trained.game,
            trained.rates,
            count=arguments.count,
            tolerance=arguments.tolerance,
            max_products=arguments.max_products,
        )
    settings = study.Settings(
        run=trained.name,
        batches=arguments.batches,
        batch_size=trained.config.batch_size,
        tolerance=arguments.tolerance,
    )
    print(study.study(diagnosis, settings, path).write(arguments.output))


def _parser() -> flags.Parser:
    parser = flags.parser(__doc__, "nash")
    parser.add_argument("workdir", metavar="WORKDIR", help="the run folder")
    parser.add_argument("--output", required=True, metavar="DIR", help="the folder to write to")
    point = parser.add_argument_group("the point and the path")
    point.add_argument(
        "--update", type=flags.seed, metavar="N", help="the checkpoint after N updates [the newest]"
    )
    point.add_argument(
        "--path-from",
        type=flags.seed,
        metavar="N",
        help="where the path begins [the oldest checkpoint kept]",
    )
    point.add_argument(
        "--batches",
        type=flags.positive,
        default=8,
        help="number of batches; 6 or more can show whether the point is stationary [8]",
    )
    eigenvalues = parser.add_argument_group("the eigenvalues")
    eigenvalues.add_argument(
        "--count",
        type=int,
        choices=range(1, 11),
        default=3,
        help="eigenvalues at each end of a spectrum [3]",
    )
    eigenvalues.add_argument(
        "--tolerance",
        type=flags.fraction,
        default=1e-3,
        help="required relative accuracy of each eigenvalue [0.001]",
    )
    eigenvalues.add_argument(
        "--max-products",
        type=flags.positive,
        default=300,
        help="most products with one matrix, for one end of its spectrum [300]",
    )
    return parser
