"""A GAN as a Keras model: compile with two optimizers, then fit."""

import contextlib
import math
from collections.abc import Callable, Mapping
from typing import Any

import keras
import tensorflow as tf

from tf_ttur import losses, registry
from tf_ttur.errors import UserError
from tf_ttur.keras import fitting
from tf_ttur.losses import BatchLoss, Loss, LossPair, WeightedPenalty
from tf_ttur.players import Players
from tf_ttur.training import networks, own_objects, steps
from tf_ttur.training.average import WeightAverage
from tf_ttur.training.collapse import ACCURACY
from tf_ttur.training.replica import Latents, Replica, Rules
from tf_ttur.wording import counted

_NAMES = {
    "loss/discriminator": "discriminator_loss",
    "loss/generator": "generator_loss",
    ACCURACY: "accuracy",
}


class TwoTimeScaleGAN(keras.Model):
    """Two networks that `fit` trains with two optimizers, by the steps of `training.replica`.

    `fit` takes images: uint8, or floats in -1 ... 1, as an array or a `tf.data.Dataset` of batches.
    An update needs one batch per discriminator step, so a batch of `fit` is divided into
    `discriminator_steps` equal parts; what is left over is not used.

    Under a strategy with several replicas, create the networks and this model in its scope, and
    give `fit` a data set whose batches all have the same size (`drop_remainder=True`).

    Called with latents, the model gives the generator's images.

    Args:
      generator: a Keras model from latents, float32 (n, latent_size), to images in -1 ... 1
        (`tf_ttur.models.Generator`).
      discriminator: a Keras model from images to logits, (n,) or (n, 1)
        (`tf_ttur.models.Discriminator`).
      latent_size: numbers in one latent.
      loss: a name of `tf_ttur.losses.LOSSES`, a `LossPair` or a `BatchLoss`.
      discriminator_steps, generator_steps: per update.
      penalties: {name of `tf_ttur.losses.PENALTIES`, or a function like these: weight}.
      latent: "normal", or "uniform" in -1 ... 1.
      shared_latents: whether the generator's first step takes the latents of the last
        discriminator step.
      augment: as in `training.replica.Rules`.
      clip_weights: greatest size of a weight of the discriminator after a step; 0 for no limit.
      ema_decay: of a moving average of the generator's weights; 0 keeps none.
      seed: of latents and penalties. The same seed, networks and batches give the same run.
      **kwargs: of `keras.Model`.

    Attributes:
      generator, discriminator, latent_size, latent: as given.

    Raises:
      UserError: a network, loss or penalty that cannot be used.
    """

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        latent_size: int,
        loss: str | LossPair | BatchLoss = "non_saturating",
        discriminator_steps: int = 1,
        generator_steps: int = 1,
        *,
        penalties: Mapping[str | Callable[..., tf.Tensor], float] | None = None,
        latent: str = "normal",
        shared_latents: bool = False,
        augment: Callable[[tf.Tensor, tf.Tensor], tf.Tensor] | None = None,
        clip_weights: float = 0.0,
        ema_decay: float = 0.0,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.generator = generator
        self.discriminator = discriminator
        self.latent_size = latent_size
        self.latent = latent
        self._image_shape = _check_networks(generator, discriminator, latent_size)
        if augment is not None:
            own_objects.check_augmentation("augment", augment, self._image_shape)
        self._rules = Rules(
            seed=seed,
            steps=Players(discriminator=discriminator_steps, generator=generator_steps),
            latents=Latents(size=latent_size, distribution=latent, shared=shared_latents),
            loss=_loss(loss, self._image_shape),
            penalties=_penalties(penalties or {}, self._image_shape),
            augment=augment,
            ema_decay=ema_decay,
        )
        self._clip_weights = clip_weights
        self._average = WeightAverage(generator) if ema_decay else None
        names = list(_NAMES.values())
        if self._rules.loss.boundary is None:
            names.remove("accuracy")
        self._means = {name: keras.metrics.Mean(name=name) for name in names}
        self.built = True  # both networks are; `fit` would call the generator with images

    def compile(
        self,
        discriminator_optimizer: keras.optimizers.Optimizer | str,
        generator_optimizer: keras.optimizers.Optimizer | str,
        jit_compile: bool = False,
        **kwargs: Any,
    ) -> None:
        """Takes the optimizer of each player: the two time scales.

        Args:
          discriminator_optimizer, generator_optimizer: Keras optimizers with their own rates, or
            names of some, such as "adam", with Keras' default rate.
          jit_compile: whether XLA compiles the update. It draws other random numbers then, and is
            much slower on a CPU.
          **kwargs: of `keras.Model.compile`, but for optimizer and loss.

        Raises:
          UserError: no optimizers, or one for both players.
        """
        discriminator_optimizer = _optimizer("discriminator", discriminator_optimizer)
        generator_optimizer = _optimizer("generator", generator_optimizer)
        if generator_optimizer is discriminator_optimizer:
            raise UserError(
                "one optimizer for both players",
                "an optimizer for each, with its own state",
                "create a second one",
            )
        super().compile(jit_compile=jit_compile, **kwargs)
        discriminator_optimizer.build(self.discriminator.trainable_variables)
        generator_optimizer.build(self.generator.trainable_variables)
        self.discriminator_optimizer = discriminator_optimizer
        self.generator_optimizer = generator_optimizer
        players = Players(
            discriminator=steps.Player(
                self.discriminator, discriminator_optimizer, clip_weights=self._clip_weights
            ),
            generator=steps.Player(self.generator, generator_optimizer),
        )
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        self._replicas = replicas
        self._replica = Replica(players, self._rules, replicas, _encode, self._average)

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: int | str = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        **kwargs: Any,
    ) -> keras.callbacks.History:
        """Trains both networks, as `keras.Model.fit`.

        Args:
          x: images, as the class says. Values are judged by the rule of docs/metrics.md, those of
            a data set by its first batch.
          y, validation_split, validation_data: are refused.
          batch_size, epochs, verbose, callbacks: as of `keras.Model.fit`.
          **kwargs: of `keras.Model.fit`.

        Raises:
          UserError: images or settings that cannot be used.
        """
        fitting.check_settings(validation_split, validation_data, callbacks)
        if y is not None:
            raise _labels()
        images = fitting.Images(x, self._image_shape)
        try:
            return super().fit(images.x, None, batch_size, epochs, verbose, callbacks, **kwargs)
        except tf.errors.OpError:
            if images.refusal is None:
                raise
            raise images.refusal from None

    def evaluate(self, *args: Any, **kwargs: Any) -> Any:
        """Is refused. Raises `UserError`."""
        raise fitting.no_evaluation("evaluate() was called")

    def get_config(self) -> dict[str, Any]:
        """Is refused: this model cannot be saved as a whole. Raises `UserError`."""
        raise fitting.no_saving("saving or copying the whole model")

    def train_step(self, data: Any) -> dict[str, tf.Tensor]:
        """One update: the steps of the discriminator, then those of the generator."""
        batches = self._batches(data)
        iterations = tf.cast(tf.convert_to_tensor(self.generator_optimizer.iterations), tf.int64)
        number = iterations // self._rules.steps.generator
        values = self._replica.update(number, batches)
        for name, mean in self._means.items():
            [value] = [values[long] for long, short in _NAMES.items() if short == name]
            mean.update_state(value * self._replicas)
        return {name: mean.result() for name, mean in self._means.items()}

    def call(self, latents: tf.Tensor, training: bool = False) -> tf.Tensor:
        """The generator's images."""
        return self.generator(latents, training=training)

    def averaged(self) -> contextlib.AbstractContextManager[None]:
        """Within the block the generator has the averaged weights, if `ema_decay` keeps them."""
        return contextlib.nullcontext() if self._average is None else self._average.applied()

    def _batches(self, data: Any) -> list[tf.Tensor]:
        """The part of a batch for each discriminator step. Raises `UserError`."""
        images, labels, _ = keras.utils.unpack_x_y_sample_weight(data)
        if labels is not None:
            raise _labels()
        images = tf.convert_to_tensor(images)
        fitting.check_shape(images.shape, self._image_shape)
        count = self._rules.steps.discriminator
        size = images.shape[0]
        if size is not None and size < count:
            raise UserError(
                f"a batch of {counted(size, 'image')} for {counted(count, 'discriminator step')}",
                "at least one image per step; a batch is divided among the steps",
                "give fit a larger batch_size",
            )
        part = (tf.shape(images)[0] if size is None else size) // count
        return [images[step * part : (step + 1) * part] for step in range(count)]


def _encode(images: tf.Tensor) -> tf.Tensor:
    """uint8 to -1 ... 1 as in the training; floats as they are."""
    if images.dtype == tf.uint8:
        return tf.cast(images, tf.float32) / 127.5 - 1
    return tf.cast(images, tf.float32)


def _labels() -> UserError:
    return UserError(
        "fit got images with labels",
        "images alone: this GAN is not conditional",
        "pass fit(images), or map the data set: dataset.map(lambda image, label: image)",
    )


def _optimizer(player: str, optimizer: Any) -> keras.optimizers.Optimizer:
    """A Keras optimizer, or the one with this name. Raises `UserError`."""
    try:
        found = keras.optimizers.get(optimizer)
    except (TypeError, ValueError):
        found = None
    if found is None:
        raise UserError(
            f"{player}_optimizer={optimizer!r}",
            'a Keras optimizer, or its name, such as "adam"',
            "pass keras.optimizers.Adam(...)",
        )
    return found


def _check_networks(
    generator: keras.Model, discriminator: keras.Model, latent_size: int
) -> tuple[int, ...]:
    """Checks both networks, and returns the shape of an image. Raises `UserError`."""
    what = "the generator"
    with own_objects.calling(what):
        own_objects.check_latents(what, generator, latent_size, "latent_size")
        images = generator(tf.zeros((2, latent_size)), training=False)
        shape = tuple(getattr(images, "shape", ())[1:])
        if len(shape) != 3 or None in shape:
            raise UserError(
                f"{what} gives images of shape {shape}",
                "(height, width, channels)",
                f"correct the generator; {own_objects.SWAPPED}",
            )
        networks.check_generator(what, generator, latent_size, shape, key="latent_size")
    with own_objects.calling("the discriminator"):
        networks.check_discriminator("the discriminator", discriminator, shape)
    networks.warn_if_never_negative(what, generator, latent_size)
    return shape


def _loss(loss: Any, shape: tuple[int, ...]) -> BatchLoss:
    """The functions of a loss. Raises `UserError`."""
    if isinstance(loss, str):
        entry: Any = losses.LOSSES.find(loss)
    else:
        entry = loss if isinstance(loss, Loss) else Loss(pair=loss)
    functions = registry.load(entry.pair)
    if entry.balanced or entry.outputs != "logits":
        raise UserError(
            f"the loss {loss} needs an auto-encoder as discriminator, and a balance",
            "a loss of logits",
            "train it with tf_ttur.train",
        )
    if not isinstance(functions, LossPair | BatchLoss):
        raise UserError(
            f"the loss is of type {type(functions).__name__}",
            f"one of {', '.join(losses.LOSSES)}, a tf_ttur.losses.LossPair or BatchLoss",
            "name or build one",
        )
    batch_loss = losses.as_batch_loss(functions)
    if not isinstance(loss, str) or registry.is_object(loss):
        own_objects.check_loss(f"loss={type(loss).__name__}", batch_loss, shape)
    return batch_loss


def _penalties(weights: Mapping[Any, float], shape: tuple[int, ...]) -> list[WeightedPenalty]:
    """The terms of {name or function: weight}. Raises `UserError`."""
    penalties = []
    for penalty, weight in weights.items():
        if not math.isfinite(weight) or weight < 0:
            raise UserError(f"a penalty with weight {weight}", "0 or more", "correct it")
        function = penalty
        if isinstance(penalty, str):
            function = registry.load(losses.PENALTIES.find(penalty).function)
        else:
            name = getattr(penalty, "__name__", type(penalty).__name__)
            own_objects.check_penalty(name, penalty, shape)
        penalties.append(WeightedPenalty(weight, function))
    return penalties
