"""The FID for Keras: as a metric of images that pass by, and as a callback of `keras.Model.fit`."""

import contextlib
import dataclasses
import math
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tf_ttur.data import pillow, ranges
from tf_ttur.data.quantisation import to_levels
from tf_ttur.data.ranges import Range
from tf_ttur.data.resizing import Resizing, cure_of_sizes
from tf_ttur.errors import UserError
from tf_ttur.io import console
from tf_ttur.metrics import api, protocols, sides, statistics
from tf_ttur.metrics.inception import Replicated
from tf_ttur.metrics.networks import FeatureNetwork
from tf_ttur.metrics.results import Result
from tf_ttur.metrics.settings import NUM_IMAGES, Settings
from tf_ttur.metrics.statistics import Statistics
from tf_ttur.wording import counted

Network = FeatureNetwork | str | pathlib.Path | None


class FrechetInceptionDistance(keras.metrics.Metric, keras.callbacks.Callback):
    """The Fréchet Inception Distance of the images so far to a reference.

    `update_state` works eagerly, inside a `tf.function`, and in the replicas of a
    `tf.distribute.MirroredStrategy` within whose scope the metric was created. The first and second
    moments of the features about the reference's mean are summed in float64 variables, and over the
    replicas where they are read.

    `result` computes the distance on the host. Inside a `tf.function` it does so at every call,
    which takes a second or more with the 2,048 features of Inception: call it after the loop. In
    the replicas of a strategy it is refused, since each has seen only its share. So a metric that
    is an attribute of a model should not be among its `metrics`, from which `fit` asks the result
    at every step.

    In the list of callbacks of `fit` it measures the generator at the end of epochs instead, as
    `FrechetInceptionDistanceCallback` does, which has more settings.

    Args:
      reference: a statistics file, `Statistics`, or images in any form of `metrics.evaluate`.
      network: as in `metrics.evaluate`. Inside a `tf.function` it must consist of TensorFlow
        operations, as the networks of this package do.
      quantisation: how floats become 0 ... 255: "round", "truncate" or "float".
      value_range: what floats mean, as in `metrics.evaluate`. The values are judged by `result`.
      batch_size: of images that are given as the reference.
      size, crop, filter: as in `metrics.evaluate`; also of the images that `update_state` takes.
      background, depth: of a reference that a word names, as in `metrics.evaluate`.
      protocol: as in `metrics.evaluate`; of "adm" the distance alone, "adm_fid".
      name: of the metric; None takes "fid", or the name with that of another network or protocol,
        such as "clean_fid".
      num_images, every_epochs: as a callback: how many images to generate, and epochs between two
        evaluations.

    Raises:
      UserError: a reference or a network that cannot be used.
    """

    def __init__(
        self,
        reference: Any,
        network: Network = None,
        quantisation: str = "round",
        value_range: Range | None = None,
        batch_size: int = 100,
        name: str | None = None,
        *,
        size: int | None = None,
        crop: str | None = None,
        filter: str | None = None,
        background: str = "",
        depth: int = 0,
        protocol: str = protocols.OFFICIAL,
        num_images: int = NUM_IMAGES,
        every_epochs: int = 1,
    ) -> None:
        # Long: its options.
        settings = Settings(
            batch_size=batch_size,
            quantisation=quantisation,
            value_range=value_range,
            size=size,
            crop=crop,
            filter=filter,
            background=background,
            depth=depth,
            protocol=protocol,
        )
        loaded = _load(network)
        known = _open_reference(reference, loaded, settings)
        # A replica takes the network of its own device alone.
        single = loaded.single if isinstance(loaded, Replicated) else loaded
        self._network = protocols.adapt(single, protocol)
        super().__init__(name=name or self._network.metric, dtype="float64")
        self._settings = settings
        self._reference = known
        self._callback = FrechetInceptionDistanceCallback(
            known,
            num_images,
            every_epochs,
            network=loaded,
            quantisation=quantisation,
            value_range=value_range,
            batch_size=batch_size,
            name=self.name,
            size=size,
            crop=crop,
            filter=filter,
            protocol=protocol,
        )
        self._num_replicas = tf.distribute.get_strategy().num_replicas_in_sync
        self._image_shape: list[int] | None = known.provenance.get("image_shape")
        if self._image_shape is None and settings.shape is not None:
            self._image_shape = list(settings.shape)
        # Also the counts are float64: assigned outside of a replica a sum is divided among all.
        self._count = self._add_sum("count")
        self._first = self._add_sum("first_moment", loaded.dimension)
        self._second = self._add_sum("second_moment", loaded.dimension, loaded.dimension)
        self._floats = self._add_sum("floats", len(ranges.FLOATS))
        self._integers = self._add_sum("integers", len(ranges.INTEGERS))

    @tf.autograph.experimental.do_not_convert  # no branch here depends on a tensor
    def update_state(self, images: Any) -> None:
        """Adds images.

        Args:
          images: (n, height, width, 3), uint8, or floats as `value_range` says; or (n, height,
            width, 1), whose one channel is used as R, G and B.

        Raises:
          UserError: something else, or images of another size than the reference's.
        """
        images = tf.convert_to_tensor(images)
        if images.shape.rank == 4 and images.shape[-1] == 1:
            images = tf.tile(images, (1, 1, 1, 3))
        self._check(images)
        if images.dtype == tf.uint8:
            levels = tf.cast(images, tf.float32)
            self._integers.assign_add(tf.stack(ranges.count_integers(images, _count)))
        else:
            images = tf.cast(images, tf.float32)
            value_range = self._settings.value_range
            self._floats.assign_add(tf.stack(ranges.count_floats(images, value_range, _count)))
            # NaN is counted, and refused by `result`.
            finite = tf.where(tf.math.is_finite(images), images, tf.zeros_like(images))
            levels = to_levels(finite, value_range, self._settings.quantisation)
        if self._settings.resizings:
            in_integers = images.dtype == tf.uint8 or self._settings.quantisation != "float"
            levels = _resize(levels, self._settings.resizings, in_integers)
        features, _ = self._network(levels)
        # About a point near their mean, so that the difference of the sums keeps its digits.
        shifted = tf.cast(features, tf.float64) - self._reference.mu
        self._count.assign_add(tf.cast(tf.shape(shifted)[0], tf.float64))
        self._first.assign_add(tf.reduce_sum(shifted, 0))
        self._second.assign_add(tf.matmul(shifted, shifted, transpose_a=True))

    @tf.autograph.experimental.do_not_convert
    def result(self) -> tf.Tensor:
        """The distance, a float64 scalar; NaN of fewer than two images.

        Raises:
          UserError: in a replica; or the values of the images are not what they should be.
        """
        is_replica = not tf.distribute.in_cross_replica_context()
        has_others = is_replica and tf.distribute.get_strategy().num_replicas_in_sync > 1
        if self._num_replicas > 1 and (tf.inside_function() or has_others):
            raise UserError(
                f"{self.name}.result() in a tf.function or a replica of {self._num_replicas}",
                "update_state there, and result() outside",
                "call result() after the loop",
            )
        if not tf.inside_function():
            return tf.constant(self._distance(*[variable.numpy() for variable in self._state()]))
        state = [variable.value for variable in self._state()]
        value = tf.numpy_function(self._distance, state, tf.float64)
        return tf.ensure_shape(value, ())

    @property
    def results(self) -> dict[int, Result]:
        """{epoch, counted from 1: `metrics.Result`} of the evaluations as a callback."""
        return self._callback.results

    def set_model(self, model: keras.Model) -> None:
        """As of `keras.callbacks.Callback`."""
        self._callback.set_model(model)

    def set_params(self, params: dict[str, Any]) -> None:
        """As of `keras.callbacks.Callback`."""
        self._callback.set_params(params)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """As of `FrechetInceptionDistanceCallback`."""
        self._callback.on_epoch_end(epoch, logs)

    def statistics(self) -> Statistics:
        """Mean and covariance of the features so far, as `metrics.compute_statistics` gives them.

        Raises:
          UserError: fewer than two images, or values that are not what they should be.
        """
        return self._statistics(*[variable.numpy() for variable in self._state()])

    def _add_sum(self, name: str, *shape: int) -> Any:
        """A new variable, which is summed over replicas."""
        return self.add_variable(shape, "zeros", dtype="float64", aggregation="sum", name=name)

    def _state(self) -> list[Any]:
        return [self._count, self._first, self._second, self._floats, self._integers]

    def _distance(self, *state: np.ndarray) -> np.float64:
        if state[0] < 2:
            return np.float64(np.nan)
        return np.float64(statistics.distance(self._statistics(*state), self._reference))

    def _statistics(
        self,
        count: np.ndarray,
        first: np.ndarray,
        second: np.ndarray,
        floats: np.ndarray,
        integers: np.ndarray,
    ) -> Statistics:
        if count < 2:
            raise UserError(
                f"{self.name} of {counted(int(count), 'image')}", "at least 2", "update it first"
            )
        # Sums over replicas may be split among them: only their total is whole.
        tally = ranges.Tally(np.rint(floats).astype(int), np.rint(integers).astype(int))
        ranges.judge(self.name, tally, self._settings.value_range)
        shift = first / count
        covariance = (second - count * np.outer(shift, shift)) / (count - 1)
        statistics.warn_if_few(int(count), len(shift), self.name)
        provenance: dict[str, Any] = {
            "source": f"images passed to {self.name}",
            "num_images": int(count),
            "image_shape": self._image_shape,
            "quantisation": self._settings.quantisation if floats.any() else "uint8",
            **statistics.identity(self._network),
        }
        if self._settings.resizing is not None:
            provenance["resizing"] = self._settings.resizing.record
        return Statistics(self._reference.mu + shift, covariance, provenance, self.name)

    def _check(self, images: tf.Tensor) -> None:
        """Refuses what are no images, or images of another size. Raises `UserError`."""
        if images.shape.rank != 4 or images.shape[-1] != 3:
            raise UserError(
                f"{self.name}: images of shape {images.shape}",
                "(n, height, width, 3)",
                "pass RGB or grey images, channels last",
            )
        if images.dtype != tf.uint8 and not images.dtype.is_floating:
            raise UserError(
                f"{self.name}: images of type {images.dtype.name}", "uint8 or floats", "cast them"
            )
        if self._settings.resizings:
            return
        shape = images.shape[1:]
        if self._image_shape is None and shape.is_fully_defined():
            self._image_shape = shape.as_list()
        if self._image_shape is None:
            return
        if not shape.is_compatible_with(self._image_shape):
            raise UserError(
                f"{self.name}: images of shape {tuple(shape)}",
                f"the size of the reference or of the images before, {tuple(self._image_shape)}",
                cure_of_sizes(min(self._image_shape[:2])),
            )
        if not shape.is_fully_defined():
            tf.debugging.assert_equal(
                tf.shape(images)[1:], self._image_shape, f"{self.name}: images of another size"
            )


class FrechetInceptionDistanceCallback(keras.callbacks.Callback):
    """Measures a generator at the end of epochs of `keras.Model.fit`, and writes into the logs.

    The value appears under "fid" (or the name with that of another network or protocol) in the
    logs, so that `History`, `CSVLogger`, `TensorBoard`, `ModelCheckpoint(monitor="fid",
    mode="min")` and `EarlyStopping` see it, where they stand behind this callback in the list. The
    latents are the same at each evaluation. The model of a `MirroredStrategy` is called on one
    device.

    A problem with the images of the first evaluation stops the training. After that it is written
    to stderr, and the value is NaN: a generator that diverges does not lose the training so far.

    Args:
      reference: as in `FrechetInceptionDistance`.
      num_images: how many to generate.
      every_epochs: epochs between two evaluations.
      generator: a Keras model, or a function of the number of images; None takes the attribute
        `generator` of the model that is trained, or else that model itself.
      latent_size, latent: as in `metrics.evaluate`.
      network, quantisation, value_range, batch_size: as in `FrechetInceptionDistance`.
      size, crop, filter, background, depth, protocol: as in `FrechetInceptionDistance`.
      seed: of the latents.
      name: of the value in the logs; None as in `FrechetInceptionDistance`.

    Attributes:
      results: {epoch, counted from 1: `metrics.Result`}.

    Raises:
      UserError: a reference, a network or a setting that cannot be used.
    """

    def __init__(
        self,
        reference: Any,
        num_images: int = NUM_IMAGES,
        every_epochs: int = 1,
        generator: keras.Model | Callable[[int], Any] | None = None,
        latent_size: int | None = None,
        latent: str = "normal",
        network: Network = None,
        quantisation: str = "round",
        value_range: Range | None = None,
        batch_size: int = 100,
        seed: int = 0,
        name: str | None = None,
        *,
        size: int | None = None,
        crop: str | None = None,
        filter: str | None = None,
        background: str = "",
        depth: int = 0,
        protocol: str = protocols.OFFICIAL,
    ) -> None:
        super().__init__()
        settings = Settings(
            num_images,
            batch_size,
            quantisation,
            value_range,
            latent_size,
            latent,
            seed,
            background,
            depth,
            size,
            crop,
            filter,
            protocol,
        )
        if not isinstance(every_epochs, int) or every_epochs < 1:
            raise UserError(
                f"every_epochs {every_epochs!r}", "a whole number above 0", "correct it"
            )
        self.results: dict[int, Result] = {}
        self._network = _load(network)
        self._reference = _open_reference(reference, self._network, settings)
        self._every_epochs = every_epochs
        self._generator = generator
        self._settings = dataclasses.replace(settings, background="", depth=0)
        self._value_range = settings.value_range
        self._name = name or protocols.adapt(self._network, protocol).metric

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Measures, if it is time to, and adds the value to `logs`."""
        if (epoch + 1) % self._every_epochs:
            return
        try:
            result = self._measure()
        except UserError as error:
            if not self.results:
                raise
            console.say(f"{self._name} after epoch {epoch + 1}: {error}")
            value = math.nan
        else:
            self.results[epoch + 1] = result
            # The first images have told what the values mean.
            self._value_range = self._value_range or (-1, 1)
            value = result.value
        if logs is not None:
            logs[self._name] = value

    def _measure(self) -> Result:
        generator = self._generator
        settings = dataclasses.replace(self._settings, value_range=self._value_range)
        if generator is None:
            generator = getattr(self.model, "generator", self.model)
            settings = dataclasses.replace(
                settings,
                latent_size=settings.latent_size or getattr(self.model, "latent_size", None),
                latent=getattr(self.model, "latent", settings.latent),
            )
        averaged = getattr(self.model, "averaged", contextlib.nullcontext)
        with averaged():
            [result] = api.evaluate(
                generator, self._reference, self._network, "fid", **vars(settings)
            ).values()
        return result


def _load(network: Network) -> FeatureNetwork:
    return api.load_network(api.check_network(network))


def _open_reference(reference: Any, network: FeatureNetwork, settings: Settings) -> Statistics:
    """The reference's statistics, of this network and protocol. Raises `UserError`."""
    # The other options are those of the images to come as well.
    of_reference = [option for option in settings.given if option in ("background", "depth")]
    api.check_used(of_reference, {"the reference": reference}, [False])
    if isinstance(reference, str | pathlib.PurePath) and sides.is_statistics(str(reference)):
        reference = api.load_statistics(str(reference))
    if isinstance(reference, Statistics):
        adapted = protocols.adapt(network, settings.protocol)
        statistics.check(reference, adapted, settings.shape)
        if settings.resizing is not None:
            resizing = reference.provenance.get("resizing")
            statistics.check_resizing(
                ("the reference", resizing), ("the metric's images", settings.resizing.record)
            )
        return reference
    # Latents and their seed are those of the generator.
    settings = dataclasses.replace(settings, latent_size=None, latent="normal", seed=0)
    return api.statistics_of(reference, network, settings)


def _resize(levels: tf.Tensor, resizings: Sequence[Resizing], in_integers: bool) -> tf.Tensor:
    """Brings float32 images in 0 ... 255 to one size, as `metrics.evaluate` does.

    Args:
      levels: (n, height, width, 3).
      resizings: what to do, one after the other.
      in_integers: whether they are whole numbers; the result is as well, unless a protocol resizes
        in floats.
    """

    def resize(batch: np.ndarray) -> np.ndarray:
        images = list(batch.astype(np.uint8) if in_integers else batch)
        for resizing in resizings:
            images = [pillow.resized(image, resizing) for image in images]
        return np.asarray(images, np.float32).reshape(-1, *shape)

    shape = (resizings[-1].size, resizings[-1].size, 3)
    resized = tf.numpy_function(resize, [levels], tf.float32, stateful=False)
    return tf.ensure_shape(resized, (None, *shape))


def _count(truths: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(tf.cast(truths, tf.float64))
