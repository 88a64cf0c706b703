"""What `TwoTimeScaleGAN.fit` is given: its check before the first update."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tf_ttur.data import passed, ranges
from tf_ttur.errors import UserError

_NAME = "the images of fit"
_MEASURE = "measure the images: callbacks=[tf_ttur.keras.FrechetInceptionDistance(...)]"
_SAVE = (
    'ModelCheckpoint("gan.weights.h5", save_weights_only=True) keeps the weights, '
    'gan.generator.save("generator.keras") a network'
)


def no_evaluation(found: str) -> UserError:
    """The error of a user who asks for losses of images that are not trained on."""
    return UserError(
        found, "training alone: the losses of a GAN do not tell how good it is", _MEASURE
    )


def no_saving(found: str) -> UserError:
    """The error of a user who saves the whole model."""
    return UserError(found, "its weights, or its networks one by one", _SAVE)


def check_settings(validation_split: float, validation_data: Any, callbacks: Any) -> None:
    """Refuses what would fail after the first epoch. Arguments as of `keras.Model.fit`."""
    if validation_split or validation_data is not None:
        name = "validation_split" if validation_data is None else "validation_data"
        raise no_evaluation(f"fit got {name}")
    for callback in tf.nest.flatten(getattr(callbacks, "callbacks", callbacks)):
        is_checkpoint = isinstance(callback, keras.callbacks.ModelCheckpoint)
        if is_checkpoint and not callback.save_weights_only:
            raise no_saving("a ModelCheckpoint of the whole model")


class Images:
    """What is passed to `fit` as `x`, with shapes and the range of values checked.

    The values of an array are all judged, before the training. Of a `tf.data.Dataset` the first
    batch is judged when the training takes it, so that it is read once and in its order. Of a
    `keras.utils.PyDataset` it is read for that. Anything else is passed on.

    Args:
      x: as of `keras.Model.fit`.
      shape: of one image.

    Attributes:
      x: to be passed to `keras.Model.fit`.
      refusal: the error of a data set whose values were refused.

    Raises:
      UserError: no images of this shape, or of another range.
    """

    def __init__(self, x: Any, shape: tuple[int, ...]) -> None:
        self.x = x
        self.refusal: UserError | None = None
        self._is_judged = False
        if isinstance(x, list | tuple | Mapping):
            raise UserError(
                f"fit got {passed.describe(x)}",
                f"one array of images {_words(shape)}, or a data set of batches",
                "stack images: numpy.stack(images); leave out labels and names",
            )
        if isinstance(x, tf.data.Dataset):
            specs = tf.nest.flatten(x.element_spec)
            if len(specs) == 1 and isinstance(specs[0], tf.TensorSpec):
                check_shape(specs[0].shape, shape)
                # Ahead of the steps, which are not to wait for it.
                self.x = x.enumerate().map(self._judge_first).prefetch(1)
        elif isinstance(x, keras.utils.PyDataset):
            batch = passed.to_array(x[0])
            if batch is not None:
                check_shape(batch.shape, shape)
                ranges.judge_array(f"{_NAME}, first batch", batch, None)
        elif (images := passed.to_array(x)) is not None:
            check_shape(images.shape, shape)
            # A file is not read as a whole before the training.
            is_file = isinstance(images, np.memmap)
            ranges.judge_array(_NAME, images[: ranges.EARLY] if is_file else images, None)

    def _judge_first(self, number: tf.Tensor, batch: Any) -> Any:
        """The batch as it is; a step of the data set's pipeline."""
        images = tf.nest.flatten(batch)
        tf.cond(
            number == 0,
            lambda: tf.numpy_function(self._judge, images, tf.bool),
            lambda: True,
        )
        return batch

    def _judge(self, images: np.ndarray) -> np.bool_:
        """Raises `UserError`, which TensorFlow turns into an error of its own."""
        if not self._is_judged:
            self._is_judged = True
            try:
                ranges.judge_array(f"{_NAME}, first batch", images, None)
            except UserError as error:
                self.refusal = error
                raise
        return np.bool_(True)


def check_shape(given: Any, shape: tuple[int, ...]) -> None:
    """Refuses images of another shape than the generator's.

    Args:
      given: the shape of what was given, with the number of images; None where it is not known.
      shape: of one image of the generator.

    Raises:
      UserError: they differ, or may differ.
    """
    found = tf.TensorShape(given)
    if found.rank and found[1:].as_list() == list(shape):
        return
    raise UserError(
        f"fit got images of shape {found}",
        f"{_words(shape)}, as the generator gives them",
        _cure(found, shape),
    )


def _words(shape: tuple[int, ...]) -> str:
    return f"(n, {', '.join(map(str, shape))})"


def _cure(found: tf.TensorShape, shape: tuple[int, ...]) -> str:
    """What to do with images of the wrong shape."""
    height, width, channels = shape
    if found.is_compatible_with((None, *shape)):
        whole = f"(None, {height}, {width}, {channels})"
        return f"state the shape: data.map(lambda images: tf.ensure_shape(images, {whole}))"
    if found.is_compatible_with(shape):
        return "batch the data set: data.batch(64); one image as a set is image[None]"
    if found.is_compatible_with((None, height, width)):
        if channels == 1:
            return "add the channel: images[..., None]"
        return "make them RGB: tf.image.grayscale_to_rgb(images[..., None])"
    if found.is_compatible_with((None, channels, height, width)):
        return "put the channels last: images.transpose(0, 2, 3, 1)"
    if found.is_compatible_with((None, height, width, None)):
        if (found[-1], channels) == (1, 3):
            return "make them RGB: tf.image.grayscale_to_rgb(images); or use networks of 1 channel"
        if (found[-1], channels) == (3, 1):
            return (
                "make them grey: tf.image.rgb_to_grayscale(images); or use networks of 3 channels"
            )
        if found[-1] == 4:
            return "put the images on a background, and pass their first three channels"
    if found.rank == 2:
        return (
            f"if each row is an image, reshape it: rows.reshape(-1, {height}, {width}, {channels})"
        )
    return "resize the images, or change the networks"
