"""What the paper published: curves, scores, and errata.

The curves are digitised from the vector figures of the official repository. Rates are
`Players(discriminator, generator)`. A mean and its range are over 8 runs, or over 10 in the
language experiment.
"""

import dataclasses
from typing import TypedDict

import numpy as np

from tf_ttur.players import Players

Rates = Players[float]
Point = tuple[float, float, float, float]

# What the original code logs where it cannot compute a distance. It is no distance, but the
# published means and ranges contain it.
FAILED = 500.0

SAMPLES = 50_000  # of each published FID
RUNS = {"images": 8, "lines": 10}  # {what an experiment learns: runs of a setting}

# CURVES[experiment][rates] is a list of (updates, mean, lowest, highest) of the FID.
CURVES: dict[str, dict[Rates, list[Point]]] = {
    "celeba": {
        Players(1e-5, 1e-5): [
            (0, 498, 486, 500),
            (10_000, 226, 154, 296),
            (25_000, 176, 61, 371),
            (50_000, 143, 46, 260),
            (75_000, 110, 42, 189),
            (100_000, 95.9, 52, 153),
            (150_000, 91.2, 44, 122),
            (225_000, 115, 38, 158),
            (255_000, 117, 36, 164),
        ],
        Players(1e-4, 1e-4): [
            (0, 442, 389, 500),
            (10_000, 50.0, 42.8, 60.0),
            (25_000, 41.1, 33.2, 50.7),
            (50_000, 33.4, 27.2, 40.8),
            (75_000, 28.3, 23.6, 35.4),
            (100_000, 232, 25, 500),
            (150_000, 198, 158, 223),
            (225_000, 177, 139, 291),
            (255_000, 162, 127, 195),
        ],
        Players(5e-4, 5e-4): [
            (0, 447, 410, 500),
            (10_000, 54.1, 46.1, 65.0),
            (25_000, 39.1, 33.9, 45.5),
            (50_000, 32.9, 27.2, 40.2),
            (75_000, 106, 23.4, 392),
            (100_000, 241, 29, 397),
            (150_000, 229, 193, 299),
            (225_000, 204, 139, 280),
            (255_000, 206, 176, 267),
        ],
        Players(1e-5, 5e-4): [
            (0, 440, 375, 500),
            (10_000, 311, 285, 338),
            (25_000, 127, 90, 166),
            (50_000, 44.5, 39.3, 50.4),
            (75_000, 32.1, 28.6, 37.1),
            (100_000, 23.1, 20.3, 26.6),
            (150_000, 18.1, 16.9, 20.2),
            (225_000, 14.4, 12.5, 15.9),
            (255_000, 14.1, 12.7, 15.9),
        ],
    },
    "cifar10": {
        Players(1e-4, 1e-4): [
            (10_000, 104.7, 95, 122),
            (25_000, 67.5, 59, 91),
            (50_000, 52.3, 45, 61),
            (75_000, 47.1, 40, 57),
            (100_000, 46.7, 42.6, 52.5),
            (120_000, 45.5, 39.6, 59.1),
        ],
        Players(2e-4, 2e-4): [
            (10_000, 84.8, 74, 93),
            (25_000, 52.7, 44, 59),
            (50_000, 46.9, 41.6, 51.1),
            (75_000, 42.9, 39.5, 46.9),
            (100_000, 43.3, 39.3, 45.2),
            (120_000, 42.4, 38.8, 46.5),
        ],
        Players(5e-4, 5e-4): [
            (10_000, 75.8, 61, 88),
            (25_000, 53.3, 46, 57),
            (50_000, 49.8, 42.5, 56.6),
            (75_000, 49.2, 44, 53),
            (100_000, 51.9, 45, 61),
            (120_000, 49.2, 46, 52),
        ],
        Players(1e-4, 5e-4): [
            (10_000, 66.9, 56, 81),
            (25_000, 44.6, 40.9, 49.4),
            (50_000, 41.4, 37.5, 46.1),
            (75_000, 41.0, 37.4, 46.7),
            (100_000, 41.8, 37.9, 47.2),
            (120_000, 42.6, 37.3, 48.7),
        ],
    },
    "svhn": {
        Players(1e-5, 1e-5): [
            (10_000, 275, 239, 330),
            (25_000, 141, 120, 167),
            (50_000, 97.2, 68, 118),
            (100_000, 61.6, 53, 74),
            (150_000, 55.2, 44, 67),
            (185_000, 49.8, 39.5, 60.9),
        ],
        Players(5e-5, 5e-5): [
            (10_000, 104, 91, 113),
            (25_000, 74.7, 49, 99),
            (50_000, 59.3, 40, 87),
            (100_000, 61.2, 28, 116),
            (150_000, 75.3, 30, 125),
            (185_000, 73.1, 21.4, 127.6),
        ],
        Players(1e-4, 1e-4): [
            (10_000, 119, 96, 186),
            (25_000, 110, 76, 155),
            (50_000, 124, 79, 164),
            (100_000, 125, 69, 166),
            (150_000, 124, 94, 160),
            (185_000, 133, 111, 165),
        ],
        Players(1e-5, 1e-4): [
            (10_000, 297, 206, 500),
            (25_000, 99.9, 69, 140),
            (50_000, 43.1, 36.6, 56.0),
            (100_000, 22.2, 20.2, 24.9),
            (150_000, 16.2, 14.5, 20.2),
            (185_000, 15.0, 13.1, 16.6),
        ],
    },
    "lsun": {
        Players(1e-5, 1e-5): [
            (25_000, 287, 262, 311),
            (50_000, 228, 207, 264),
            (100_000, 177, 156, 205),
            (200_000, 202, 139, 248),
            (300_000, 241, 206, 280),
            (400_000, 262, 236, 282),
        ],
        Players(5e-5, 5e-5): [
            (25_000, 156, 124, 208),
            (50_000, 108, 94, 124),
            (100_000, 117, 90, 168),
            (200_000, 175, 89, 319),
            (300_000, 252, 87, 335),
            (400_000, 257, 91, 315),
        ],
        Players(1e-4, 1e-4): [
            (25_000, 97.7, 90, 108),
            (50_000, 148, 97, 294),
            (100_000, 149, 93, 305),
            (200_000, 186, 85, 374),
            (300_000, 266, 95, 335),
            (400_000, 278, 104, 336),
        ],
        Players(1e-5, 1e-4): [
            (25_000, 265, 234, 307),
            (50_000, 124, 112, 134),
            (100_000, 95.4, 87, 102),
            (200_000, 81.8, 72, 89),
            (300_000, 73.3, 66, 80),
            (400_000, 64.4, 60.7, 69.6),
        ],
    },
}

# The curves of WGAN-GP are over minutes on an unknown machine, evaluation included.
# TIMED_CURVES[experiment, metric][rates] is (minutes per 1000 updates, [(minutes, mean, lowest,
# highest), ...]).
TIMED_CURVES: dict[tuple[str, str], dict[Rates, tuple[float, list[Point]]]] = {
    ("wgan_gp_cifar10", "fid"): {
        Players(3e-4, 1e-4): (
            4.28,
            [
                (50, 48.6, 45, 53),
                (100, 42.2, 40, 45),
                (200, 36.2, 34, 41),
                (400, 31.5, 29.7, 33.1),
                (700, 30.4, 27.6, 33.2),
                (980, 30.3, 26.1, 33.5),
            ],
        ),
        Players(1e-4, 1e-4): (
            15.5,
            [
                (50, 78.4, 76, 81),
                (100, 57.3, 55, 60),
                (200, 45.3, 43, 48),
                (400, 38.2, 35, 41),
                (700, 33.9, 31.3, 35.4),
                (980, 33.2, 31.4, 34.3),
            ],
        ),
        Players(5e-4, 5e-4): (
            15.5,
            [
                (50, 55.8, 54, 59),
                (100, 48.6, 47, 51),
                (200, 44.2, 41, 47),
                (400, 38.2, 34, 41),
                (700, 38.4, 37, 40),
                (980, 39.4, 37, 43),
            ],
        ),
        Players(7e-4, 7e-4): (
            15.5,
            [
                (50, 58.0, 55, 62),
                (100, 53.6, 48, 58),
                (200, 50.4, 47, 53),
                (400, 47.9, 43, 72),
                (700, 49.2, 40, 75),
                (980, 50.3, 39, 82),
            ],
        ),
    },
    ("wgan_gp_lsun", "fid"): {
        Players(3e-4, 1e-4): (
            24.2,
            [
                (100, 97.7, 87, 107),
                (250, 49.2, 43, 55),
                (500, 32.7, 29, 38),
                (1000, 21.2, 18, 25),
                (1500, 17.3, 14.3, 21.5),
                (1904, 13.4, 9.5, 16.6),
                (2100, 14.8, 12.8, 17.7),
            ],
        ),
        Players(1e-4, 1e-4): (
            84.4,
            [
                (100, 216, 208, 222),
                (250, 132, 128, 136),
                (500, 92.2, 88, 95),
                (1000, 57.6, 53, 68),
                (1500, 39.1, 34, 42),
                (1904, 32.2, 29, 34),
                (2100, 30.9, 27.2, 34.2),
            ],
        ),
        Players(5e-4, 5e-4): (
            84.4,
            [
                (100, 138, 119, 150),
                (250, 94.4, 81, 107),
                (500, 59.9, 57, 63),
                (1000, 35.0, 34.3, 35.9),
                (1500, 29.7, 26.7, 31.3),
                (1904, 27.3, 22.2, 31.6),
                (2100, 26.2, 23.8, 28.3),
            ],
        ),
        Players(7e-4, 7e-4): (
            84.4,
            [
                (100, 127, 124, 130),
                (250, 86.5, 80, 93),
                (500, 74.5, 62, 110),
                (1000, 67.4, 38, 130),
                (1500, 74.1, 34, 131),
                (1904, 69.0, 29, 128),
                (2100, 65.9, 27, 113),
            ],
        ),
    },
    ("billion_word", "jsd_4"): {
        Players(3e-4, 1e-4): (
            11.8,
            [
                (150, 0.488, 0.458, 0.515),
                (300, 0.436, 0.415, 0.448),
                (500, 0.413, 0.401, 0.428),
                (800, 0.387, 0.372, 0.402),
                (1300, 0.379, 0.358, 0.444),
            ],
        ),
        Players(1e-4, 1e-4): (
            31.5,
            [
                (150, 0.503, 0.478, 0.531),
                (300, 0.464, 0.451, 0.486),
                (500, 0.431, 0.421, 0.441),
                (800, 0.417, 0.404, 0.440),
                (1300, 0.398, 0.384, 0.418),
            ],
        ),
    },
    ("billion_word", "jsd_6"): {
        Players(3e-4, 1e-4): (
            11.8,
            [
                (150, 0.847, 0.828, 0.873),
                (300, 0.816, 0.795, 0.829),
                (500, 0.799, 0.785, 0.811),
                (800, 0.779, 0.763, 0.813),
                (1300, 0.769, 0.749, 0.816),
            ],
        ),
        Players(1e-4, 1e-4): (
            31.5,
            [
                (150, 0.866, 0.855, 0.876),
                (300, 0.842, 0.826, 0.851),
                (500, 0.830, 0.815, 0.837),
                (800, 0.805, 0.794, 0.823),
                (1300, 0.789, 0.774, 0.821),
            ],
        ),
    },
}


@dataclasses.dataclass(frozen=True)
class Score:
    """The published scores of one curve.

    Attributes:
      best: of all runs and evaluations, in the figure.
      at: where in the training, in words.
      mean: (lowest mean over the runs, where).
      table: the score that table 1 of the paper prints for these rates, or None.
    """

    best: float
    at: str
    mean: tuple[float, str]
    table: float | None = None


# SCORES[experiment, metric][rates]
SCORES: dict[tuple[str, str], dict[Rates, Score]] = {
    ("celeba", "fid"): {
        Players(1e-5, 5e-4): Score(12.53, "225k", (14.1, "255k"), 12.5),
        Players(5e-4, 5e-4): Score(21.42, "70k", (30.8, "60k"), 21.4),
        Players(1e-5, 1e-5): Score(33.33, "230k", (91.2, "150k")),
        Players(1e-4, 1e-4): Score(23.58, "75k", (28.3, "75k")),
    },
    ("cifar10", "fid"): {
        Players(1e-4, 5e-4): Score(36.89, "85k", (41.0, "75k"), 36.9),
        Players(1e-4, 1e-4): Score(37.66, "110k", (45.3, "115k"), 37.7),
        Players(2e-4, 2e-4): Score(38.07, "105k", (42.4, "120k")),
        Players(5e-4, 5e-4): Score(41.31, "80k", (46.4, "65k")),
    },
    ("svhn", "fid"): {
        Players(1e-5, 1e-4): Score(12.48, "165k", (15.0, "185k"), 12.5),
        Players(5e-5, 5e-5): Score(21.37, "185k", (55.3, "60k"), 21.4),
        Players(1e-5, 1e-5): Score(39.49, "185k", (49.8, "185k")),
        Players(1e-4, 1e-4): Score(59.90, "90k", (101.5, "15k")),
    },
    ("lsun", "fid"): {
        Players(1e-5, 1e-4): Score(57.45, "340k", (64.4, "400k"), 57.5),
        Players(5e-5, 5e-5): Score(70.43, "70k", (106.3, "55k"), 70.4),
        Players(1e-5, 1e-5): Score(129.8, "160k", (176.8, "100k")),
        Players(1e-4, 1e-4): Score(80.65, "365k", (96.4, "30k")),
    },
    ("wgan_gp_cifar10", "fid"): {
        Players(3e-4, 1e-4): Score(24.77, "719 min", (29.5, "816 min"), 24.8),
        Players(1e-4, 1e-4): Score(29.31, "826 min", (32.2, "941 min"), 29.3),
        Players(5e-4, 5e-4): Score(33.87, "597 min", (36.8, "750 min")),
        Players(7e-4, 7e-4): Score(36.27, "964 min", (46.7, "313 min")),
    },
    ("wgan_gp_lsun", "fid"): {
        Players(3e-4, 1e-4): Score(9.53, "1904 min", (13.1, "1961 min"), 9.5),
        Players(1e-4, 1e-4): Score(27.22, "2085 min", (30.9, "2085 min"), 20.5),
        Players(5e-4, 5e-4): Score(20.50, "2010 min", (23.4, "2010 min")),
        Players(7e-4, 7e-4): Score(26.76, "2109 min", (63.5, "1020 min")),
    },
    ("billion_word", "jsd_4"): {
        Players(3e-4, 1e-4): Score(0.3509, "1285 min", (0.3765, ""), 0.35),
        Players(1e-4, 1e-4): Score(0.3752, "1177 min", (0.3943, ""), 0.38),
    },
    ("billion_word", "jsd_6"): {
        Players(3e-4, 1e-4): Score(0.7365, "1261 min", (0.7602, ""), 0.74),
        Players(1e-4, 1e-4): Score(0.7665, "1214 min", (0.7867, ""), 0.77),
    },
    ("began_celeba", "fid"): {
        Players(6e-5, 4e-5): Score(25.0, "", (26.6, "")),
        Players(5e-5, 5e-5): Score(24.2, "", (27.0, "")),
        Players(1e-4, 1e-4): Score(27.4, "", (30.1, "")),
    },
    ("began_lsun", "fid"): {
        Players(3e-5, 1e-5): Score(112.8, "", (123.8, "")),
        Players(2e-5, 2e-5): Score(112.0, "", (124.4, "")),
    },
}

# Where the evidence contradicts a printed statement about an experiment.
ERRATA = {
    "lsun": "evaluated every 5000 updates, not every 1000 as the paper says",
    "celeba": (
        "rounds to the same two scores as SVHN; a coincidence, not a copy. "
        "Evaluated every 5000 updates, not 1000"
    ),
    "svhn": (
        "rounds to the same two scores as CelebA; a coincidence, not a copy. "
        "Evaluated every 5000 updates, not 1000"
    ),
    "cifar10": (
        "the table's 75k and 100k are 85k and 110k in the figure; at 75k the mean of TTUR is "
        "lowest. Evaluated every 5000 updates, not 1000"
    ),
    "wgan_gp_cifar10": (
        "evaluated about every 4000 (orig 1333) updates, not 5000; the published script can only "
        "score four images at a time here, so its penalty weighs 2.5 and not 10"
    ),
    "wgan_gp_lsun": (
        "the table's orig 1e-4, 20.5, is the curve of orig 5e-4; orig 1e-4 comes to 27.2. "
        "Evaluated every 1000 (orig 333), not 5000"
    ),
    "billion_word": (
        "the table's minutes are 1150, 1040 (4-gram) and 1120, 1070 (6-gram); the figure's are "
        "given here"
    ),
}


def curve(experiment: str, metric: str, rates: Rates) -> list[Point]:
    """The published points with these rates; [] where there are none.

    Where the figure is over minutes, updates are computed from the duration of an iteration. For
    WGAN-GP on images that is the duration between the figure's evaluations, for language that of
    table A4 of the paper.

    Args:
      experiment: the name of a card.
      metric: "fid", "jsd_4" or "jsd_6".
      rates: learning rates.

    Returns:
      List of (updates, mean, lowest, highest), by updates.
    """
    if metric == "fid" and experiment in CURVES:
        return CURVES[experiment].get(rates, [])
    timed = TIMED_CURVES.get((experiment, metric), {})
    if rates not in timed:
        return []
    minutes_per_1000, points = timed[rates]
    return [
        (round(1000 * minutes / minutes_per_1000), mean, lowest, highest)
        for minutes, mean, lowest, highest in points
    ]


def at(
    experiment: str, metric: str, rates: Rates, updates: float
) -> tuple[float, float, float] | None:
    """Published mean, lowest and highest value after a number of updates.

    They are read off straight lines between the digitised points, as the figures are drawn.

    Args:
      experiment, metric, rates: as in `curve`.
      updates: how many.

    Returns:
      None outside of the points, or where a neighbouring point contains a failed evaluation.
    """
    points = curve(experiment, metric, rates)
    if not points or not points[0][0] <= updates <= points[-1][0]:
        return None
    known = [point[0] for point in points]
    below = max(point for point in known if point <= updates)
    above = min(point for point in known if point >= updates)
    if any(has_failures(metric, point) for point in points if point[0] in (below, above)):
        return None
    mean, low, high = (
        float(np.interp(updates, known, [point[column] for point in points]))
        for column in (1, 2, 3)
    )
    return mean, low, high


def has_failures(metric: str, point: Point) -> bool:
    """Whether a point's mean and highest value contain a failed evaluation.

    Args:
      metric: "fid", or one of language, which has no such mark.
      point: (updates, mean, lowest, highest).
    """
    return metric == "fid" and point[3] >= FAILED


class Disturbed(TypedDict):
    """The published values of one disturbance, at the levels 0 to 3.

    Attributes:
      fid, inception_score: one value per level.
      ind_limit: IND in the figures is this limit minus the score.
    """

    fid: tuple[float, ...]
    inception_score: tuple[float, ...]
    ind_limit: float


# FID against the Inception Score: 50,000 CelebA images under disturbances. The table of the
# official repository calls these scores IND; they are the scores themselves. "mixed" is with
# ImageNet.
DISTURBED: dict[str, Disturbed] = {
    "gaussian_noise": {
        "fid": (0.742, 41.57, 76.39, 218.5),
        "inception_score": (2.248, 2.125, 2.256, 2.473),
        "ind_limit": 4,
    },
    "blur": {
        "fid": (0.742, 13.81, 73.90, 229.6),
        "inception_score": (2.248, 2.175, 2.032, 2.191),
        "ind_limit": 2.5,
    },
    "rectangles": {
        "fid": (0.160, 123.4, 177.9, 249.2),
        "inception_score": (2.248, 2.276, 2.544, 2.387),
        "ind_limit": 3,
    },
    "swirl": {
        "fid": (0.160, 4.85, 15.42, 139.3),
        "inception_score": (2.248, 2.224, 2.102, 2.148),
        "ind_limit": 2.5,
    },
    "salt_and_pepper": {
        "fid": (0.742, 371.6, 383.8, 381.7),
        "inception_score": (2.248, 2.988, 2.196, 1.903),
        "ind_limit": 4,
    },
    "mixed": {
        "fid": (0.160, 33.33, 85.66, 149.5),
        "inception_score": (2.248, 7.148, 19.55, 46.4),
        "ind_limit": 50,
    },
}
