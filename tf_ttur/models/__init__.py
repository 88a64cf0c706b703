"""The networks that a config may choose: generator and discriminator pairs, the architectures.

This file imports neither TensorFlow nor Keras; each architecture has its own file. To add one,
write its networks and two functions that build them in a file of this folder, and its entry here.
See `Generator` and `Discriminator` for what networks must be.
"""

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from tf_ttur.registry import FRACTION, POSITIVE, Entry, Key, Registry, Rule, rule

if TYPE_CHECKING:
    import keras
    import tensorflow as tf


class Generator(Protocol):
    """What the training requires of a generator; a `keras.Model` meets it.

    Called with latents, float32 (n, latent_size), it gives n examples, float32: images (n, height,
    width, channels) in -1 ... 1, or distributions over symbols (n, length, symbols). With
    `training=False` it must give the examples that are shown, measured and exported.
    """

    trainable_variables: list["keras.Variable"]
    non_trainable_variables: list["keras.Variable"]

    def __call__(self, latents: "tf.Tensor", training: bool) -> "tf.Tensor": ...


class Discriminator(Protocol):
    """What the training requires of a discriminator or critic; a `keras.Model` meets it.

    Called with n examples of the generator's shape, float32, it gives one number per example, (n,)
    or (n, 1): a logit or score that is large for real examples, and no probability, or the error of
    its reconstruction, small for real ones (`Architecture.outputs`). It is always called with
    `training=True`, for real and for generated examples apart. One that scores several neighbours
    in the batch together gives (n / samples_per_score,).

    State that is no weight, such as the seeds of `Dropout` or the vectors of a spectral norm, may
    be of any type. It is kept in the checkpoints. With several replicas it must not depend on the
    examples, unless the layer brings the replicas together, as
    `keras.layers.BatchNormalization(synchronized=True)` does.

    Labels are not part of this protocol yet. A conditional network would take a pair (examples,
    labels) here, and (latents, labels) in `Generator`.
    """

    trainable_variables: list["keras.Variable"]
    non_trainable_variables: list["keras.Variable"]

    def __call__(self, examples: "tf.Tensor", training: bool) -> "tf.Tensor": ...


class Build(Protocol):
    """A function that makes one network with its initial weights.

    Args:
      shape: of one example, as (height, width, 3) or (length, symbols).
      model: the part `model` of the config.
      latent_size: numbers in one latent.
      seed: of the initial weights.
      name: of the network.
    """

    def __call__(
        self, shape: tuple[int, ...], model: Any, latent_size: int, seed: int, name: str
    ) -> "keras.Model": ...


class Augmentation(Protocol):
    """A function of batches that the discriminator sees, such as DiffAugment (Zhao et al. 2020).

    It is applied to real and to generated examples, in the steps of both players, and gradients
    pass through it.

    Args:
      examples: float32 (n, ...), those of one replica.
      seed: int32 (2,), for `tf.random.stateless_*`; another one in every call.

    Returns:
      float32 examples of the same shape.
    """

    def __call__(self, examples: "tf.Tensor", seed: "tf.Tensor") -> "tf.Tensor": ...


@dataclasses.dataclass(frozen=True, kw_only=True)
class Architecture(Entry):
    """An entry of `ARCHITECTURES`.

    The config names one of your own as `MODULE:OBJECT` or `PATH.py:OBJECT`.

    Attributes:
      generator, discriminator: two `Build` functions, or `module:object` of each.
      learns: the kind of its examples, a name of `data.KINDS`.
      outputs: what the discriminator gives: "logits", or "errors" of reconstruction. A loss takes
        one or the other.
      normalises_over_batch: whether an example depends on the others of its batch even outside of
        training. Samples are then always drawn in batches of the size used in evaluation.
    """

    generator: Any
    discriminator: Any
    learns: str = "images"
    outputs: str = "logits"
    normalises_over_batch: bool = False


def _adopt_network(thing: Any) -> Any:
    is_network = hasattr(thing, "trainable_variables") and hasattr(thing, "get_weights")
    if not callable(thing) and not is_network:
        raise TypeError(
            f"it is of type {type(thing).__name__}, not a Keras model,"
            " nor a class or function that makes one"
        )
    return thing


def _adopt_augmentation(thing: Any) -> Any:
    if not callable(thing):
        raise TypeError(f"it is of type {type(thing).__name__}, not a function (examples, seed)")
    return thing


# Your own generator or discriminator: a Keras model, or a class or function that makes one. It is
# called with those of the arguments shape, model, latent_size, seed and name (see `Build`) that its
# signature has.
NETWORKS: Registry[Any] = Registry("network", {}, _adopt_network)

AUGMENTATIONS: Registry[Augmentation] = Registry("augmentation", {}, _adopt_augmentation)


def _fits_four_halvings(size: int, config: Mapping[str, Any]) -> bool:
    if config["model.generator"] and config["model.discriminator"]:
        return True  # both are the user's own
    return size >= 32 and size % 16 == 0


_FOUR_HALVINGS = {
    "data.image_size": Rule(
        "a multiple of 16, 32 or more: the networks halve it four times", _fits_four_halvings
    )
}


def _divides_batch(value: int, config: Mapping[str, Any]) -> bool:
    return value % config["model.samples_per_score"] == 0


ARCHITECTURES: Registry[Architecture] = Registry(
    "architecture",
    {
        "dcgan": Architecture(
            generator="tf_ttur.models.dcgan:build_generator",
            discriminator="tf_ttur.models.dcgan:build_discriminator",
            help="the DCGAN of the paper: 5x5 kernels, four strided layers",
            keys={
                # The original moves the generator's batch statistics four times per update with the
                # same latents: 0.9^4.
                "model.batch_norm_momentum": Key(
                    0.6561, "of the generator's moving averages, once per update", FRACTION
                ),
            },
            requires=_FOUR_HALVINGS,
        ),
        "wgan_gp": Architecture(
            generator="tf_ttur.models.wgan_gp:build_generator",
            discriminator="tf_ttur.models.wgan_gp:build_critic",
            help="the residual networks of WGAN-GP for images",
            normalises_over_batch=True,
            keys={
                "model.samples_per_score": Key(
                    1,
                    "neighbours in the batch that the critic scores together",
                    POSITIVE,
                    exclusive=True,
                ),
            },
            requires={
                **_FOUR_HALVINGS,
                "batch_size": Rule("a multiple of config.model.samples_per_score", _divides_batch),
            },
        ),
        "sngan": Architecture(
            generator="tf_ttur.models.sngan:build_generator",
            discriminator="tf_ttur.models.sngan:build_discriminator",
            help="the residual networks of SNGAN, with spectral norm (Miyato et al. 2018)",
            requires={
                "data.image_size": rule(
                    "a multiple of 8, 16 or more", lambda size: size >= 16 and size % 8 == 0
                ),
            },
        ),
        "language": Architecture(
            generator="tf_ttur.models.language:build_generator",
            discriminator="tf_ttur.models.language:build_critic",
            help="the residual networks of WGAN-GP for lines of characters",
            learns="lines",
        ),
        "began": Architecture(
            generator="tf_ttur.models.began:build_generator",
            discriminator="tf_ttur.models.began:build_discriminator",
            help="BEGAN: a decoder, and an auto-encoder as discriminator",
            outputs="errors",
            requires={
                "data.image_size": rule(
                    "a power of two, 32 or more",
                    lambda size: size >= 32 and size & (size - 1) == 0,
                ),
            },
        ),
    },
)
