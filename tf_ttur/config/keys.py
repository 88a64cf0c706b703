"""Every config key with its default, its meaning, its rule, and what it decides about a run.

Keys that belong to one entry of a registry (an architecture, a kind of data, an optimizer, ...) are
declared in that entry. All other keys are declared here.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from ml_collections import ConfigDict

from tf_ttur.data import KINDS, QUANTISATIONS
from tf_ttur.losses import LOSSES, OWN_PENALTIES, PENALTIES
from tf_ttur.metrics.precision import PRECISIONS
from tf_ttur.models import ARCHITECTURES, AUGMENTATIONS, NETWORKS
from tf_ttur.optimizers import OPTIMIZERS, SCHEDULES
from tf_ttur.registry import (
    FRACTION,
    NOT_NEGATIVE,
    POSITIVE,
    Decides,
    Key,
    Registry,
    Rule,
    is_object,
    one_of,
    rule,
)

_CURVE, _NOTHING = Decides.CURVE, Decides.NOTHING
_NAME = rule("a name without slashes", lambda v: bool(v) and "/" not in v)
_AT_LEAST_1 = rule("1 or more", lambda v: v >= 1)
_TWO_OR_MORE = rule("2 or more", lambda v: v >= 2)
_NONE_OR_TWO = rule("0, or 2 or more", lambda v: v == 0 or v >= 2)


def _entry_keys(*registries: Registry) -> dict[str, Key]:
    """The keys that the entries of these registries declare."""
    return {
        name: key
        for registry in registries
        for entry in registry.values()
        for name, key in entry.keys.items()
    }


def _arguments_of(optimizer: str) -> Rule:
    return Rule(
        f"empty, unless config.{optimizer} is MODULE:CLASS",
        lambda value, flat: not value or is_object(flat[optimizer]),
    )


def _player_keys(player: str) -> dict[str, Key]:
    keys = {
        "optimizer": OPTIMIZERS.key("adam", "the update rule of this player"),
        "learning_rate": Key(0.0, "rate of this player; every experiment sets it", POSITIVE),
        "schedule": SCHEDULES.key("constant", "how the learning rate falls"),
        "warmup_steps": Key(
            0, "steps over which the learning rate rises to its value; 0 for none", NOT_NEGATIVE
        ),
        **_entry_keys(SCHEDULES, OPTIMIZERS),
        "optimizer_arguments": Key(
            "",
            "NAME=VALUE,... for an optimizer class such as keras.optimizers:Lion",
            _arguments_of(f"{player}.optimizer"),
        ),
        "clip_gradients": Key(
            0.0, "greatest norm of the gradient of all weights; 0 for no limit", NOT_NEGATIVE
        ),
    }
    return {f"{player}.{name}": key for name, key in keys.items()}


def _all_keys() -> dict[str, Key]:
    # Long: it is a table.
    of_data = _entry_keys(KINDS)
    evaluated = {name: key for name, key in of_data.items() if name.startswith("evaluation.")}
    return {
        "name": Key("", "name of the experiment", _NAME, _NOTHING),
        "variant": Key("", "setting of the experiment, such as ttur or orig", _NAME, _NOTHING),
        "seed": Key(
            0, "seed of all random numbers", rule("0 to 2^31 - 1", lambda v: 0 <= v < 2**31)
        ),
        "updates": Key(0, "generator updates in the whole run", POSITIVE, _NOTHING),
        "batch_size": Key(
            64,
            "examples per step, summed over all replicas",
            rule("2 or more (batch norm needs two)", lambda v: v >= 2),
        ),
        "loss": LOSSES.key("non_saturating", "the loss of both players"),
        **_player_keys("discriminator"),
        "discriminator.steps": Key(1, "discriminator steps per update", _AT_LEAST_1),
        **_entry_keys(PENALTIES),
        "discriminator.penalty": OWN_PENALTIES.key("", "your own penalty, besides those above"),
        "discriminator.penalty_weight": Key(1.0, "weight of your own penalty", NOT_NEGATIVE),
        "discriminator.clip_weights": Key(
            0.0, "greatest size of a weight after a step, as in WGAN; 0 for no limit", NOT_NEGATIVE
        ),
        "discriminator.augment": AUGMENTATIONS.key(
            "", "your own function of real and generated batches before the discriminator"
        ),
        **_player_keys("generator"),
        "generator.steps": Key(1, "generator steps per update", _AT_LEAST_1),
        "generator.ema_decay": Key(
            0.0,
            "decay per update of a moving average of the generator's weights; 0 keeps none",
            FRACTION,
        ),
        "latent.size": Key(100, "numbers in one latent", POSITIVE),
        "latent.distribution": Key(
            "uniform", "uniform in -1 ... 1, or normal", one_of("uniform", "normal")
        ),
        "latent.shared": Key(
            True,
            "reuse the latents of the last discriminator step for the generator",
        ),
        **_entry_keys(LOSSES),
        "model.architecture": ARCHITECTURES.key("dcgan", "the two networks"),
        "model.generator": NETWORKS.key("", "your own generator, instead of the architecture's"),
        "model.discriminator": NETWORKS.key(
            "", "your own discriminator, instead of the architecture's"
        ),
        "model.precision": Key(
            "float32",
            "precision of the two networks: float32; bfloat16; or tf32, float32 whose products on a"
            " GPU have 10 bits (TensorFloat-32), in training only",
            one_of(*PRECISIONS, "tf32"),
        ),
        "model.width": Key(
            64, "channels of the layer next to the image; 64 in the paper's DCGAN", POSITIVE
        ),
        **_entry_keys(ARCHITECTURES),
        **{name: key for name, key in of_data.items() if name not in evaluated},
        "evaluation.every_updates": Key(
            5000,
            "updates between two evaluations; also at update 0 and at the end; 0: never",
            NOT_NEGATIVE,
            _CURVE,
        ),
        "evaluation.num_samples": Key(
            50_000, "generated examples per evaluation", _TWO_OR_MORE, _CURVE
        ),
        "evaluation.sample_batch_size": Key(1000, "examples generated at a time", POSITIVE, _CURVE),
        "evaluation.feature_batch_size": Key(
            0,
            "images that go through the Inception network at a time; 0: as the memory allows",
            NOT_NEGATIVE,
            _NOTHING,
        ),
        "evaluation.weights": Key(
            "ema",
            "which of the generator's weights are measured, shown and exported: ema (where"
            " generator.ema_decay is set), live, or both (ema, and fid_live beside it)",
            one_of("ema", "live", "both"),
            _CURVE,
        ),
        "evaluation.quantisation": QUANTISATIONS.key(
            "float", "how generated images, clipped to 0 ... 255, are rounded", _CURVE
        ),
        "evaluation.precision": Key(
            "float32", "precision of the Inception network", one_of(*PRECISIONS), _CURVE
        ),
        "evaluation.reference_samples": Key(
            0, "real images in the reference; 0 takes all", _NONE_OR_TWO, _CURVE
        ),
        **evaluated,
        "distribution": Key(
            "mirrored",
            "mirrored: the devices of this machine; multi_worker: the processes of TF_CONFIG",
            one_of("mirrored", "multi_worker"),
            _NOTHING,
        ),
        "compile": Key(
            "auto",
            "xla compiles the updates, none does not, auto does on one GPU; for one device only",
            one_of("auto", "xla", "none"),
            _NOTHING,
        ),
        "updates_per_call": Key(
            0,
            "updates between two returns to Python, at most; 0: 100 on a GPU, 1 on a CPU",
            NOT_NEGATIVE,
            _NOTHING,
        ),
        "data_on_device": Key(
            "auto",
            "yes keeps the images on the devices, no does not, auto does on a GPU up to 2 GiB",
            one_of("auto", "yes", "no"),
            _NOTHING,
        ),
        "log_every_updates": Key(100, "updates between two rows of losses", POSITIVE, _NOTHING),
        "check_every_updates": Key(
            100,
            "a loss, gradient or weight that is not finite ends the run within this many updates",
            POSITIVE,
            _NOTHING,
        ),
        "samples_every_updates": Key(
            5000,
            "updates between two grids of samples from fixed latents; 0: never",
            NOT_NEGATIVE,
            _NOTHING,
        ),
        "checkpoint_every_updates": Key(
            2000,
            "updates between two checkpoints; each evaluation saves one before it, too",
            POSITIVE,
            _NOTHING,
        ),
        "keep_checkpoints": Key(
            2, "newest checkpoints to keep, besides the best one", POSITIVE, _NOTHING
        ),
        "collapse.metric_factor": Key(
            2.0,
            "warn when the metric exceeds this multiple of its best value; 0 disables it",
            rule("0, or 1 or more", lambda v: v == 0 or v >= 1),
            _NOTHING,
        ),
        "collapse.accuracy_updates": Key(
            5000,
            "warn when the discriminator makes no mistake for this many updates; 0 disables it",
            NOT_NEGATIVE,
            _NOTHING,
        ),
    }


KEYS: Mapping[str, Key] = _all_keys()


def default() -> ConfigDict:
    """The config that every experiment starts from: all `KEYS` at their defaults."""
    config: dict[str, Any] = {}
    for name, key in KEYS.items():
        *parts, last = name.split(".")
        part = config
        for step in parts:
            part = part.setdefault(step, {})
        part[last] = key.default
    return ConfigDict(config)


def flatten(config: Any) -> dict[str, Any]:
    """A nested config as a flat dict, in the same order.

    Args:
      config: a `ConfigDict`, or a nested dict.

    Returns:
      {key: value} with dotted keys, such as "data.source".
    """
    return dict(_flat_items(config, ""))


def _flat_items(config: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in config.items():
        if isinstance(value, ConfigDict | dict):
            yield from _flat_items(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value
