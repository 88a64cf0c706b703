"""Every config key with its default, its meaning, its rule, and what it decides about a run.

Keys that belong to one entry of a registry (an architecture, a kind of data, an optimizer, ...) are
declared there; the rest is declared here.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from ml_collections import ConfigDict

from tf_ttur.data import KINDS, QUANTISATIONS
from tf_ttur.losses import LOSSES, PENALTIES
from tf_ttur.metrics.precision import PRECISIONS
from tf_ttur.models import ARCHITECTURES
from tf_ttur.optimizers import OPTIMIZERS, SCHEDULES
from tf_ttur.registry import (
    NOT_NEGATIVE,
    POSITIVE,
    Decides,
    Key,
    Registry,
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


def _player_keys(player: str) -> dict[str, Key]:
    keys = {
        "optimizer": OPTIMIZERS.key("adam", "how this player takes a step"),
        "learning_rate": Key(0.0, "of this player; every experiment sets it", POSITIVE),
        "schedule": SCHEDULES.key("constant", "how the learning rate falls"),
        **_entry_keys(SCHEDULES, OPTIMIZERS),
    }
    return {f"{player}.{name}": key for name, key in keys.items()}


def _all_keys() -> dict[str, Key]:
    # Long: it is a table.
    of_data = _entry_keys(KINDS)
    evaluated = {name: key for name, key in of_data.items() if name.startswith("evaluation.")}
    return {
        "name": Key("", "of the experiment", _NAME),
        "variant": Key("", "which setting of it, such as ttur or orig", _NAME),
        "seed": Key(
            0, "of everything that is random", rule("0 to 2^31 - 1", lambda v: 0 <= v < 2**31)
        ),
        "updates": Key(0, "generator updates in all", POSITIVE, _NOTHING),
        "batch_size": Key(
            64,
            "examples of one step, over all replicas together",
            rule("2 or more (batch norm needs two)", lambda v: v >= 2),
        ),
        "loss": LOSSES.key("non_saturating", "of both players"),
        **_player_keys("discriminator"),
        "discriminator.steps": Key(1, "discriminator steps per update", _AT_LEAST_1),
        **_entry_keys(PENALTIES),
        **_player_keys("generator"),
        "latent.size": Key(100, "numbers in one latent", POSITIVE),
        "latent.distribution": Key(
            "uniform", "uniform in -1 ... 1, or normal", one_of("uniform", "normal")
        ),
        "latent.shared": Key(
            True,
            "the generator learns from the latents of the last discriminator step",
        ),
        **_entry_keys(LOSSES),
        "model.architecture": ARCHITECTURES.key("dcgan", "the two networks"),
        "model.precision": Key("float32", "in which the networks compute", one_of(*PRECISIONS)),
        "model.width": Key(
            64, "channels of the layer next to the image; 64 in the paper's DCGAN", POSITIVE
        ),
        **_entry_keys(ARCHITECTURES),
        **{name: key for name, key in of_data.items() if name not in evaluated},
        "evaluation.every_updates": Key(
            5000,
            "between two evaluations; also at update 0 and at the end; 0: never",
            NOT_NEGATIVE,
            _CURVE,
        ),
        "evaluation.num_samples": Key(
            50_000, "generated examples in one evaluation", _TWO_OR_MORE, _CURVE
        ),
        "evaluation.sample_batch_size": Key(1000, "examples generated at a time", POSITIVE, _CURVE),
        "evaluation.feature_batch_size": Key(
            100, "images that go through the Inception network at a time", POSITIVE, _CURVE
        ),
        "evaluation.quantisation": QUANTISATIONS.key(
            "float", "of generated images, clipped to 0 ... 255", _CURVE
        ),
        "evaluation.precision": Key(
            "float32", "in which the Inception network computes", one_of(*PRECISIONS), _CURVE
        ),
        "evaluation.reference_samples": Key(
            0, "images of the data in the reference; 0 takes all", _NONE_OR_TWO, _CURVE
        ),
        **evaluated,
        "distribution": Key(
            "mirrored",
            "over the devices of this machine, or multi_worker: over the processes of TF_CONFIG",
            one_of("mirrored", "multi_worker"),
            _NOTHING,
        ),
        "log_every_updates": Key(100, "between two rows of losses", POSITIVE, _NOTHING),
        "check_every_updates": Key(
            100,
            "a loss, gradient or weight that is not finite ends the run within this many updates",
            POSITIVE,
            _NOTHING,
        ),
        "samples_every_updates": Key(
            5000,
            "between two grids of samples from fixed latents; 0: never",
            NOT_NEGATIVE,
            _NOTHING,
        ),
        "checkpoint_every_updates": Key(
            2000,
            "between two checkpoints; there is one before each evaluation too",
            POSITIVE,
            _NOTHING,
        ),
        "keep_checkpoints": Key(2, "how many stay, beside the best one", POSITIVE, _NOTHING),
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
    """{"data.source": ..., ...} of a nested config, in its order."""
    return dict(_flat_items(config, ""))


def _flat_items(config: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in config.items():
        if isinstance(value, ConfigDict | dict):
            yield from _flat_items(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value
