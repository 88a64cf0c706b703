"""Compares all pairs of learning rates: the way in which the paper found its rates.

    tf-ttur search cifar10 --rates "1e-5,1e-4,5e-4" --updates 5000 --seeds 0,1 --output searches/a

Each pair is a setting of a study: all values of --rates for the discriminator with all of them for
the generator. The pairs are printed with the lowest mean first, and written to
OUTPUT/search.json. The same command resumes, and more rates or seeds may be added.
"""

import json
from collections.abc import Sequence

from tf_ttur.commands import cells, flags
from tf_ttur.config import cards
from tf_ttur.errors import UserError
from tf_ttur.io import files
from tf_ttur.registry import Value

RANKING = "search.json"


def main(words: Sequence[str]) -> None:
    """Runs the command with these arguments."""
    parser = flags.parser(__doc__, "search")
    parser.add_argument(
        "--rates",
        required=True,
        metavar="RATES",
        help="learning rates of both players, separated by commas",
    )
    parser.add_argument(
        "--generator-rates",
        metavar="RATES",
        help="those of the generator, if they are others [as --rates]",
    )
    parser.add_argument(
        "--updates", type=flags.positive, metavar="N", help="of each run [as the card]"
    )
    parser.add_argument("--variant", metavar="NAME", default="", help="of the card [its first]")
    cells.add_flags(parser, seeds="0,1")
    arguments = parser.parse_args(words)
    card = cells.read_card(arguments)
    values = _values(arguments)
    from tf_ttur.studies import results, search, summary
    from tf_ttur.studies import study as studies

    discriminator = _rates("--rates", arguments.rates)
    generator = discriminator
    if arguments.generator_rates is not None:
        generator = _rates("--generator-rates", arguments.generator_rates)
    settings = search.settings(arguments.variant, values, discriminator, generator)
    path = cards.find_card(card).path
    output = cells.output(arguments, f"searches/{path.stem}")
    study = cells.run(arguments, studies.plan(output, card, settings, arguments.seeds))
    if study is not None:
        ranking = search.rank(results.of_study(study))
        with files.atomic(output / RANKING, "w") as file:
            file.write(json.dumps(ranking, indent=2) + "\n")
        print(summary.describe_ranking(ranking))
        print(f"\nranking    {output / RANKING}")


def _values(arguments: flags.Arguments) -> dict[str, Value]:
    """The overrides of all cells."""
    values = cells.overrides(arguments)
    for key in ("discriminator.learning_rate", "generator.learning_rate"):
        if key in values:
            raise UserError(f"--config.{key}", "rates to compare", "name them with --rates")
    if arguments.updates is not None:
        if "updates" in values:
            raise UserError("--updates and --config.updates", "one of them", "leave one out")
        values["updates"] = arguments.updates
    return values


def _rates(flag: str, text: str) -> list[float]:
    """The rates of a flag, without repetitions, in their order."""
    try:
        rates = [float(part) for part in text.split(",")]
    except ValueError as error:
        raise UserError(
            f"{flag} {text}", "numbers, separated by commas, such as 1e-4,5e-4", "correct it"
        ) from error
    return list(dict.fromkeys(rates))
