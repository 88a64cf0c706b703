"""WGAN-GP on the One Billion Word benchmark: rows 7 and 8 of the results table.

The table is table 1 of Heusel et al. 2017.

    LINES=--config.data.dir=PATH
    tf-ttur train --config billion_word $LINES         # TTUR: critic 3e-4, generator 1e-4, 1 step
    tf-ttur train --config billion_word:orig $LINES    # one time scale: 1e-4, 10 critic steps

From a checkout, `python -m tf_ttur.train --config configs/billion_word.py` does the same.

Published JSD of n-grams: the best of 10 runs, and the mean [range] of the 10 runs at 1300 minutes.

    n-grams    variant    best                       mean [range]
    4-grams    ttur       0.35 after 98k updates     0.379 [0.358, 0.444]
    4-grams    orig       0.38 after 33k updates     0.398 [0.384, 0.418]
    6-grams    ttur       0.74 after 100k updates    0.769 [0.749, 0.816]
    6-grams    orig       0.77 after 32k updates     0.789 [0.774, 0.821]

The best values are minima over runs and evaluations. Erratum: the minutes of the paper's table
(1150, 1040, 1120 and 1070) are 1285, 1177, 1261 and 1214 in the figure.

PATH is the folder of the shards (training-monolingual.tokenized.shuffled with
news.en-00001-of-00100 and so on), the benchmark's tarball, tfds:lm1b/train, which has another
order, or the output of `tf-ttur prepare` for one of these. `--config.data.files` is the glob of the
shards. The card takes the first ten million lines, cut or padded to 32 characters.

Every 100 updates, 640 generated lines are measured against all real ones. With so few lines the
divergence of n-grams beyond 3 is far above its limit. Therefore the divergence of 640 real lines,
the floor, is printed at the start and recorded in environment.json. This card keeps 64 of the 640
lines as samples; the original keeps all.

The vocabulary holds at most the 2,047 most frequent Unicode characters, and "unk". The code that
the paper's code is based on works on bytes; the paper does not publish the size of its vocabulary.
"""

from ml_collections import ConfigDict

from tf_ttur import config as configs
from tf_ttur.players import Players

VARIANTS = {
    "ttur": Players(discriminator=3e-4, generator=1e-4),
    "orig": configs.one_time_scale(1e-4),
}


def get_config(variant: str = "ttur") -> ConfigDict:
    family = configs.language(critic_steps=1 if variant == "ttur" else 10)
    config = configs.card(family, "billion_word", variant, VARIANTS)
    benchmark = "1-billion-word-language-modeling-benchmark-r13output"
    config.data.dir = f"data/billion_word|data/{benchmark}"
    config.updates = 200_000
    config.evaluation.every_updates = 100
    config.samples_every_updates = 100
    config.checkpoint_every_updates = 1000
    return config
