"""Is this trained GAN at a local Nash equilibrium?

    tf-ttur nash runs/svhn-ttur-seed0 --output figures/

Gradient norms of both players, extreme eigenvalues of each player's own Hessian and of the game's
Jacobian (scaled by the run's learning rates), and the path angle between two checkpoints. Writes
nash.svg, .png, .json and .md, and prints the verdict: local Nash, stable but not Nash, or neither;
or that the point is not stationary, where the gradients are not 0 within the scatter of the
batches. A few hundred products of a matrix and a vector are needed, each as long as two or three
updates for each batch: use a GPU, or fewer batches.
"""

import itertools
import pathlib
from collections.abc import Sequence

from tf_ttur.commands import flags, program


def main(words: Sequence[str]) -> None:
    parser = flags.parser(__doc__, "nash")
    parser.add_argument("workdir", metavar="WORKDIR", help="the run folder")
    parser.add_argument("--output", required=True, metavar="DIR")
    parser.add_argument(
        "--update", type=flags.seed, metavar="N", help="the checkpoint after N updates [the newest]"
    )
    parser.add_argument(
        "--path-from",
        type=flags.seed,
        metavar="N",
        help="where the path begins [the oldest checkpoint kept]",
    )
    parser.add_argument(
        "--batches",
        type=flags.positive,
        default=8,
        help="6 or more tell whether the point is stationary [8]",
    )
    parser.add_argument(
        "--count", type=int, choices=range(1, 11), default=3, help="eigenvalues at each end [3]"
    )
    parser.add_argument(
        "--tolerance",
        type=flags.fraction,
        default=1e-3,
        help="relative accuracy asked of each eigenvalue [0.001]",
    )
    parser.add_argument(
        "--max-products",
        type=flags.positive,
        default=300,
        help="with one matrix, for one end of its spectrum [300]",
    )
    arguments = parser.parse_args(words)
    program.start_tensorflow()
    import numpy as np

    from tf_ttur.io import console, files
    from tf_ttur.studies import nash as study
    from tf_ttur.theory import nash
    from tf_ttur.training.game import Run

    files.check_writable(pathlib.Path(arguments.output) / "nash.json")
    status, products = (
        console.Status("products of a matrix and a vector", 0, None),
        itertools.count(1),
    )
    run = Run(arguments.workdir, arguments.batches, lambda: status.show(next(products), {}))
    start, end = (
        chosen if chosen is not None else default
        for chosen, default in (
            (arguments.path_from, run.kept[0]),
            (arguments.update, run.kept[-1]),
        )
    )
    run.go_to(start)
    begin = run.game.point
    run.go_to(end)
    path = None
    if start != end:
        alphas = np.linspace(0, 1.4, 15)
        cosines, norms = nash.path_angle(run.game, begin, run.game.point, alphas, run.rates)
        path = {
            "from_update": start,
            "to_update": end,
            "alphas": alphas,
            "cosines": cosines,
            "norms": norms,
        }
    with status:
        diagnosis = nash.diagnose(
            run.game,
            run.rates,
            arguments.count,
            arguments.tolerance,
            max_products=arguments.max_products,
        )
    settings = {
        "run": run.name,
        "batches": arguments.batches,
        "batch_size": run.config.batch_size,
        "tolerance": arguments.tolerance,
    }
    print(study.study(diagnosis, settings, path).write(arguments.output))
