"""The configuration of an experiment: its defaults, its rules, and the cards that set what differs.

    from tf_ttur import config as configs

    config = configs.load("svhn:orig")                     # a card, validated
    config = configs.default()                             # or everything at its default
    configs.validate(config)

A card is a Python file with `get_config(variant)`. It takes `default()`, or the default of its
family, and sets what differs.
"""

from tf_ttur.config.cards import choose, find_card, list_cards, load, read_card
from tf_ttur.config.families import began, card, language, one_time_scale, wgan_gp
from tf_ttur.config.files import from_json, to_json
from tf_ttur.config.keys import KEYS, default, flatten
from tf_ttur.config.rules import (
    architecture_of,
    kind_of,
    objects,
    run_name,
    summary,
    unknown_key,
    validate,
)

__all__ = [
    "KEYS",
    "architecture_of",
    "began",
    "card",
    "choose",
    "default",
    "find_card",
    "flatten",
    "from_json",
    "kind_of",
    "language",
    "list_cards",
    "load",
    "objects",
    "one_time_scale",
    "read_card",
    "run_name",
    "summary",
    "to_json",
    "unknown_key",
    "validate",
    "wgan_gp",
]
