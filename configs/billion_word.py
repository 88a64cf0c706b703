"""WGAN-GP on the One Billion Word benchmark: rows 7 and 8 of the results table (Heusel et al. 2017,
table 1).

    python -m tf_ttur.train --config configs/billion_word.py --config.data.dir=PATH       # TTUR: critic 3e-4, generator 1e-4, 1 critic step
    python -m tf_ttur.train --config configs/billion_word.py:orig --config.data.dir=PATH  # one time scale: 1e-4, 10 critic steps

Published JSD of n-grams, best of 10 runs: 4-grams TTUR 0.35 after 98k updates, orig 0.38 after 33k;
6-grams TTUR 0.74 after 100k, orig 0.77 after 32k. Mean and range of the 10 runs at 1300 minutes:
4-grams TTUR 0.379 [0.358, 0.444], orig 0.398 [0.384, 0.418]; 6-grams TTUR 0.769 [0.749, 0.816],
orig 0.789 [0.774, 0.821]. Erratum: the table's minutes (1150, 1040, 1120 and 1070) are 1285, 1177,
1261 and 1214 in the figure. The scores are minima over runs and evaluations.

PATH is the folder of the shards (training-monolingual.tokenized.shuffled with
news.en-00001-of-00100 and so on), the benchmark's tarball, or what tools/prepare_data.py made of
either; `--config.data.files` is the glob of the shards. The first ten million lines, cut or padded
to 32 characters. 640 generated lines are measured against all real ones, every 100 updates; with so
few the divergence of n-grams beyond 3 is far above its limit, so the divergence of 640 real lines
(the floor) is printed at the start and stands in environment.json. Of the 640 lines 64 are kept as
samples; the original keeps all.

The vocabulary holds Unicode characters, the most frequent 2,047 at most and "unk"; the code that
the paper's was made from works on bytes, and how many symbols the paper's had is not published.
"""

from tf_ttur import config as configs

# (discriminator, generator)
VARIANTS = {"ttur": (3e-4, 1e-4), "orig": (1e-4, 1e-4)}


def get_config(variant="ttur"):
    config = configs.wgan_gp(critic_steps=1 if variant == "ttur" else 10)
    config.discriminator.learning_rate, config.generator.learning_rate = configs.choose(
        variant, VARIANTS
    )
    config.discriminator.beta_1 = config.generator.beta_1 = 0.5
    config.name, config.variant = "billion_word", variant
    config.model.architecture, config.model.width = "language", 512
    config.data.dir = "data/1-billion-word-language-modeling-benchmark-r13output"
    config.updates = 200_000
    config.evaluation.every_updates = 100
    config.evaluation.num_samples, config.evaluation.sample_batch_size = 640, 64
    config.samples_every_updates = 100
    config.checkpoint_every_updates = 1000
    return config
