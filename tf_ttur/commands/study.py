"""Trains one card with several variants and seeds, and compares them as the paper does.

    tf-ttur study cifar10 --variants ttur,orig --seeds 0-7 --output studies/cifar10
    tf-ttur study cifar10 --variants ttur,orig --seeds 0-7 --output studies/cifar10 --cell 3/16
    tf-ttur study cifar10 --config.updates=10000 --seeds 0-2 --jobs 2 --interleave 2500

Each cell is a run folder, OUTPUT/VARIANT-seedN. The same command resumes; with more seeds or
variants it adds to what is there. At the end it prints means, ranges and differences over the
seeds, and writes them to OUTPUT/numbers.json.
"""

from collections.abc import Sequence

from tf_ttur.commands import cells, flags
from tf_ttur.config import cards
from tf_ttur.errors import UserError


def main(words: Sequence[str]) -> None:
    """Runs the command with these arguments."""
    parser = flags.parser(__doc__, "study")
    parser.add_argument(
        "--variants",
        metavar="NAMES",
        help="variants of the card, separated by commas [all that it has]",
    )
    cells.add_flags(parser, seeds="0-7")
    arguments = parser.parse_args(words)
    card = cells.read_card(arguments)
    values = cells.overrides(arguments)
    from tf_ttur.studies import results, summary
    from tf_ttur.studies import study as studies

    path = cards.find_card(card).path
    settings = [
        studies.Setting(variant or _name(card, path.stem), variant, values)
        for variant in _variants(arguments, card)
    ]
    output = cells.output(arguments, f"studies/{path.stem}")
    study = cells.run(arguments, studies.plan(output, card, settings, arguments.seeds))
    if study is not None:
        numbers = results.of_study(study)
        results.write(numbers, output / results.NUMBERS)
        print(summary.describe(numbers))
        print(f"\nnumbers    {output / results.NUMBERS}")


def _name(card: str, otherwise: str) -> str:
    """Of the one setting of a card without variants."""
    return str(cards.read_card(card).variant) or otherwise


def _variants(arguments: flags.Arguments, card: str) -> list[str]:
    """The variants of the command line; without a flag, all of the card's."""
    if arguments.variants is None:
        return cards.variants(cards.find_card(card).path) or [""]
    names = [name.strip() for name in arguments.variants.split(",")]
    if not all(names) or len(set(names)) < len(names):
        raise UserError(
            f"--variants {arguments.variants}",
            "different variants, separated by commas, such as ttur,orig",
            "correct it",
        )
    return names
