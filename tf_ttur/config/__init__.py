"""The defaults of every experiment, in one place, and the checks that find a mistake before anything heavy starts.

A file in `configs/` is an experiment card: its `get_config(variant)` takes `default()` and sets what differs.
"""

import difflib
import json
import math
import numbers
import pathlib
import re
import runpy

from ml_collections import ConfigDict

from tf_ttur.errors import UserError

ARCHITECTURES = ("dcgan", "wgan_gp", "language", "began")
LOSSES = ("non_saturating", "minimax", "least_squares", "hinge", "wasserstein", "boundary_equilibrium")
QUANTISATIONS = ("float", "truncate", "round")
OPTIMIZERS = ("adam", "sgd")
SCHEDULES = ("constant", "linear", "cosine", "polynomial", "halving")


def default():
    """The configuration that every experiment starts from; the comments are the documentation of the keys."""
    player = {
        "optimizer": "adam",  # one of OPTIMIZERS
        "learning_rate": 0.0,  # every experiment sets it
        # One of SCHEDULES. linear and cosine fall to 0 at the last update; polynomial is learning_rate * (1 + n / shift)^-power
        # after n of this player's steps, and satisfies A2 of Theorem 1 for powers in (1/2, 1], larger for the generator;
        # halving divides by two after every shift steps.
        "schedule": "constant",
        "decay_shift": 10_000.0,  # polynomial, halving
        "decay_power": 0.6,  # polynomial
        "beta_1": 0.5,  # Adam
        "beta_2": 0.999,  # Adam
        "epsilon": 1e-8,  # Adam; TensorFlow 1's value, not Keras' 1e-7
        "momentum": 0.0,  # SGD
    }
    return ConfigDict(
        {
            "name": "",  # of the experiment
            "variant": "",  # which of its settings: ttur or orig
            "seed": 0,
            "updates": 0,  # generator updates in all
            "batch_size": 64,  # of all replicas together
            "loss": "non_saturating",  # one of LOSSES
            "discriminator": player | {"steps": 1, "gradient_penalty": 0.0},  # steps per update; weight of the penalty
            "generator": dict(player),
            "latent": {
                "size": 100,
                "distribution": "uniform",  # uniform in -1 ... 1, or normal
                "shared": True,  # the generator learns from the latents of the last discriminator step
            },
            # boundary_equilibrium: the weight of generated images moves by rate * (ratio * real error - generated error).
            "equilibrium": {"ratio": 0.5, "rate": 0.001},
            "model": {
                "architecture": "dcgan",  # one of ARCHITECTURES
                "precision": "float32",  # in which the networks compute: float32 or bfloat16
                "width": 64,  # channels next to the image; 64 is that of DCGAN in the paper
                "samples_per_score": 1,  # wgan_gp: neighbours in the batch that the critic scores together
                # dcgan. The original moves the generator's batch statistics four times an update with the same latents: 0.9^4.
                "batch_norm_momentum": 0.6561,
            },
            "data": {
                "source": "",  # a word of tf_ttur/data/sources.py
                "image_size": 32,
                "crop": "none",  # none, square, or the side of a centred square in pixels
                "memory_gib": 4.0,  # larger sets are read from their source all the time
                # language: a folder of shards, the benchmark's tarball, or what tools/prepare_data.py made of it
                "dir": "",
                "files": "news.en-*",  # glob of the shards in it
                "max_lines": 10_000_000,
                "line_length": 32,  # characters
                "max_symbols": 2048,  # of the vocabulary
            },
            "evaluation": {
                "every_updates": 5000,  # also at update 0 and at the end; 0 never
                "num_samples": 50000,
                "sample_batch_size": 1000,
                "feature_batch_size": 100,
                "quantisation": "float",  # of generated images, clipped to 0 ... 255: one of QUANTISATIONS
                "precision": "float32",  # of the Inception network: float32 or bfloat16
                "reference": "",  # statistics file; empty: computed from the data on first use and cached
                "reference_samples": 0,  # images of the data in the reference; 0 takes all
                "without_inception": "fail",  # or frechet_pixels, a distance that is not the FID
            },
            "distribution": "mirrored",  # over the devices of this machine, or multi_worker: over the processes of TF_CONFIG
            "log_every_updates": 100,
            # A loss, gradient or weight that is not finite ends the run, at the latest after so many updates and before any checkpoint.
            "check_every_updates": 100,
            "samples_every_updates": 5000,  # grids from fixed latents
            "checkpoint_every_updates": 2000,  # also before each evaluation by a network
            "keep_checkpoints": 2,  # and the best one
            # Warnings: a distance so many times its best value; a discriminator without a mistake for so many updates. 0 leaves one out.
            "collapse": {"metric_factor": 2.0, "accuracy_updates": 5000},
        }
    )


def wgan_gp(critic_steps):
    """`default()` with what the WGAN-GP experiments share (Gulrajani et al. 2017; Heusel et al. 2017, section 3)."""
    config = default()
    config.model.architecture, config.loss = "wgan_gp", "wasserstein"
    config.discriminator.steps, config.discriminator.gradient_penalty = critic_steps, 10.0
    config.discriminator.beta_1 = config.generator.beta_1 = 0.0
    config.discriminator.beta_2 = config.generator.beta_2 = 0.9
    config.latent.size, config.latent.distribution, config.latent.shared = 128, "normal", False
    config.evaluation.quantisation, config.evaluation.feature_batch_size = "truncate", 200
    return config


def began():
    """`default()` with what the BEGAN experiments share (Berthelot et al. 2017; Heusel et al. 2017, appendix A4.3)."""
    config = default()
    config.model.architecture, config.model.width, config.loss = "began", 128, "boundary_equilibrium"
    config.discriminator.beta_1 = config.generator.beta_1 = 0.9
    config.discriminator.schedule = config.generator.schedule = "halving"
    config.discriminator.decay_shift = config.generator.decay_shift = 100_000.0
    config.latent.size, config.batch_size, config.updates = 64, 16, 500_000
    config.evaluation.every_updates, config.evaluation.sample_batch_size, config.evaluation.feature_batch_size = 1000, 200, 200
    return config


# (what is allowed, in words; the test) of values that have a range.
_POSITIVE = ("a number above 0", lambda v: v > 0)
_NOT_NEGATIVE = ("0 or more", lambda v: v >= 0)
_FRACTION = ("at least 0 and below 1", lambda v: 0 <= v < 1)


def _one_of(*values):
    return (f"one of {', '.join(values)}", lambda v: v in values)


_PLAYER_RULES = {
    "optimizer": _one_of(*OPTIMIZERS),
    "learning_rate": _POSITIVE,
    "schedule": _one_of(*SCHEDULES),
    "decay_shift": _POSITIVE,
    "decay_power": _NOT_NEGATIVE,
    "beta_1": _FRACTION,
    "beta_2": _FRACTION,
    "epsilon": _POSITIVE,
    "momentum": _FRACTION,
}
_RULES = {
    "name": ("a name without slashes", lambda v: v and "/" not in v),
    "variant": ("a name without slashes", lambda v: v and "/" not in v),
    "seed": ("0 to 2^31 - 1", lambda v: 0 <= v < 2**31),
    "updates": _POSITIVE,
    "batch_size": ("2 or more (batch norm needs two)", lambda v: v >= 2),
    "loss": _one_of(*LOSSES),
    **{f"{player}.{key}": rule for player in ("discriminator", "generator") for key, rule in _PLAYER_RULES.items()},
    "discriminator.steps": ("1 or more", lambda v: v >= 1),
    "discriminator.gradient_penalty": _NOT_NEGATIVE,
    "latent.size": _POSITIVE,
    "latent.distribution": _one_of("uniform", "normal"),
    "equilibrium.ratio": _FRACTION,
    "equilibrium.rate": _NOT_NEGATIVE,
    "model.architecture": _one_of(*ARCHITECTURES),
    "model.precision": _one_of("float32", "bfloat16"),
    "model.width": _POSITIVE,
    "model.samples_per_score": _POSITIVE,
    "model.batch_norm_momentum": _FRACTION,
    "data.image_size": ("a multiple of 16, 32 or more", lambda v: v >= 32 and v % 16 == 0),
    "data.crop": ("none, square, or a number of pixels", lambda v: re.fullmatch("none|square|[1-9][0-9]{0,5}", v)),
    "data.memory_gib": _NOT_NEGATIVE,
    "data.max_lines": _POSITIVE,
    "data.line_length": ("6 or more (six-grams are measured)", lambda v: v >= 6),
    "data.max_symbols": ("2 ... 65535", lambda v: 2 <= v < 2**16),
    "evaluation.every_updates": _NOT_NEGATIVE,
    "evaluation.num_samples": ("2 or more", lambda v: v >= 2),
    "evaluation.sample_batch_size": _POSITIVE,
    "evaluation.feature_batch_size": _POSITIVE,
    "evaluation.quantisation": _one_of(*QUANTISATIONS),
    "evaluation.precision": _one_of("float32", "bfloat16"),
    "evaluation.reference_samples": ("0, or 2 or more", lambda v: v == 0 or v >= 2),
    "evaluation.without_inception": _one_of("fail", "frechet_pixels"),
    "distribution": _one_of("mirrored", "multi_worker"),
    "log_every_updates": _POSITIVE,
    "samples_every_updates": _NOT_NEGATIVE,
    "checkpoint_every_updates": _POSITIVE,
    "check_every_updates": _POSITIVE,
    "keep_checkpoints": _POSITIVE,
    "collapse.metric_factor": ("0, or 1 or more", lambda v: v == 0 or v >= 1),
    "collapse.accuracy_updates": _NOT_NEGATIVE,
}


def validate(config):
    """Checks every key, type and value.

    Raises:
      UserError: naming the key, what was found and what is allowed.
    """
    found, known = flatten(config), flatten(default())
    for key in found:
        if key not in known:
            raise unknown_key(key)
    for key, wanted in known.items():
        if key not in found:
            raise UserError(f"config.{key} is missing", type(wanted).__name__, "build the config on tf_ttur.config.default()")
        value = found[key]
        right = isinstance(value, numbers.Real) if isinstance(wanted, float) else isinstance(value, type(wanted))
        if not right or (isinstance(value, bool) and not isinstance(wanted, bool)):
            raise UserError(f"config.{key} = {value!r} ({type(value).__name__})", type(wanted).__name__, "correct the value")
        allowed, test = _RULES.get(key, ("", lambda v: True))
        if not _is_usable(value):
            raise UserError(f"config.{key} = {value!r}", "a finite number, below 2^31 where it is whole", "correct the value")
        if not test(value):
            raise UserError(f"config.{key} = {value!r}", allowed, "correct the value")
    _check_together(config if isinstance(config, ConfigDict) else ConfigDict(config))
    return config


def _is_usable(value):
    """Whether a value, if it is a number, is one that 32 bits or a float can hold."""
    if isinstance(value, numbers.Integral):
        return abs(value) < 2**31
    return not isinstance(value, numbers.Real) or math.isfinite(value)


def _check_together(config):
    """Checks values that depend on each other."""
    architecture, model = config.model.architecture, config.model
    language = architecture == "language"
    rules = [
        ("data.dir" if language else "data.source", bool, "where the data is (see README)"),
        ("data.source" if language else "data.dir", lambda v: not v, "nothing: lines come from data.dir, images from data.source"),
        ("evaluation.reference", lambda v: not (language and v), "nothing: lines are compared with those of data.dir"),
        ("loss", lambda v: (v == "boundary_equilibrium") == (architecture == "began"), "boundary_equilibrium with began, and another one with all others"),
        ("discriminator.steps", lambda v: v == 1 or architecture != "began", "1: the equilibrium moves once an update"),
        ("discriminator.gradient_penalty", lambda v: v == 0 or architecture != "began", "0: began has no penalty"),
        ("model.samples_per_score", lambda v: v == 1 or architecture == "wgan_gp", "1, except with the architecture wgan_gp"),
        ("batch_size", lambda v: v % model.samples_per_score == 0, f"a multiple of config.model.samples_per_score = {model.samples_per_score}"),
        ("data.image_size", lambda v: architecture != "began" or v & (v - 1) == 0, "a power of two with the architecture began"),
        ("evaluation.without_inception", lambda v: v == "fail" or architecture != "language", "fail: lines are measured without a network"),
    ]
    flat = flatten(config)
    for key, test, allowed in rules:
        if not test(flat[key]):
            raise UserError(f"config.{key} = {flat[key]!r} with config.model.architecture = {architecture!r}", allowed, "correct the value")


def unknown_key(key):
    """The `UserError` for a key that does not exist, with the keys it may have been meant for."""
    known = list(flatten(default()))
    near = difflib.get_close_matches(key, known, 3) or [k for k in known if k.startswith(key.partition(".")[0] + ".")] or known
    return UserError(f"config.{key} is not a key", f"one of {', '.join(near)}", "correct the name")


def flatten(config, prefix=""):
    """{"data.source": ..., ...} of a nested config, in its order."""
    flat = {}
    for key, value in config.items():
        if isinstance(value, ConfigDict | dict):
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat


def choose(variant, variants):
    """`variants[variant]`, or the error that lists what there is. For use in `get_config`."""
    if variant not in variants:
        raise UserError(f"there is no variant {variant!r}", f"one of {', '.join(variants)}", "write CONFIG:VARIANT with one of these")
    return variants[variant]


def run_name(config):
    """The default name of the run folder."""
    return f"{config.name}-{config.variant}-seed{config.seed}"


def to_json(config):
    return json.dumps(config.to_dict(), indent=2) + "\n"


def summary(config):
    """One line for people."""
    rates = [f"{p.learning_rate:g}" for p in (config.discriminator, config.generator)]
    return (
        f"{config.name} ({config.variant}), seed {config.seed}: discriminator {rates[0]}, generator {rates[1]}, "
        f"{config.updates:,} updates on {config.data.dir if config.model.architecture == 'language' else config.data.source}"
    )


def load(word):
    """The validated config that `PATH[:VARIANT]` names, without overrides."""
    path, _, variant = word.partition(":")
    if not pathlib.Path(path).is_file():
        raise UserError(f"there is no config {path}", "PATH[:VARIANT], for example configs/svhn.py:orig", "correct the path")
    try:
        get_config = runpy.run_path(path)["get_config"]
        config = get_config(variant) if variant else get_config()
        if not isinstance(config, ConfigDict):
            raise TypeError(f"get_config gives {type(config).__name__}")
    except UserError:
        raise
    except (Exception, SystemExit) as error:  # whatever a file may do
        raise UserError(
            f"{path} gives no config ({type(error).__name__}: {error})",
            "a Python file with get_config(variant), which changes keys of tf_ttur.config.default() within their types",
            "correct the file; the cards in configs/ are examples",
        ) from error
    return validate(config)


def from_json(path):
    """The config in a run folder's `config.json`, validated. A key that an earlier version did not have is at its default."""
    try:
        config = default()
        config.update(json.loads(pathlib.Path(path).read_text()))
        return validate(config)
    except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise UserError(f"{path} cannot be read ({error})", "the config.json of a run", "name a run folder") from error
