"""The configuration of an experiment: its defaults, its rules, and the cards that set what differs.

    from tf_ttur import config as configs

    config = configs.load("svhn:orig")                     # a card, validated
    config = configs.default()                             # or all keys at their defaults
    config.name = "mine"                                   # set what differs, then
    configs.validate(config)                               # raises UserError for a mistake

A card is a Python file with `get_config(variant)`. It starts from `default()`, or from the default
of its family, and sets what differs.
"""

from tf_ttur.config.cards import choose, find_card, list_cards, load, read_card
from tf_ttur.config.comparison import (
    Difference,
    decides,
    differences,
    differing_values,
    folder_name,
    listed,
)
from tf_ttur.config.families import began, card, language, one_time_scale, sngan, wgan_gp
from tf_ttur.config.files import from_json, stored_values, to_json
from tf_ttur.config.keys import KEYS, default, flatten
from tf_ttur.config.places import settled
from tf_ttur.config.rules import (
    architecture_of,
    kind_of,
    learns,
    names_objects,
    objects,
    run_name,
    summary,
    unknown_key,
    validate,
    validated,
)

__all__ = [
    "KEYS",
    "Difference",
    "architecture_of",
    "began",
    "card",
    "choose",
    "decides",
    "default",
    "differences",
    "differing_values",
    "find_card",
    "flatten",
    "folder_name",
    "from_json",
    "kind_of",
    "language",
    "learns",
    "list_cards",
    "listed",
    "load",
    "names_objects",
    "objects",
    "one_time_scale",
    "read_card",
    "run_name",
    "settled",
    "sngan",
    "stored_values",
    "summary",
    "to_json",
    "unknown_key",
    "validate",
    "validated",
    "wgan_gp",
]
