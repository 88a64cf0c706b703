"""Images from an exported generator."""

import pathlib

import tensorflow as tf

from tf_ttur.data.channels import to_rgb
from tf_ttur.data.exported import Exported
from tf_ttur.data.sources.source import Options, Source, identity_of
from tf_ttur.errors import UserError


def open_generator(word: str, path: pathlib.Path, options: Options) -> Source:
    """The images of an exported generator. Image number i is a function of the seed and i.

    Raises:
      UserError: it is not an exported generator, generates no images, or could do more than
        arithmetic.
    """
    exported = Exported(word, options.trust)
    if exported.makes != "images":
        raise UserError(
            f"{word} generates {exported.makes}",
            "a generator of images",
            "tf-ttur sample writes its lines",
        )
    exported.check_blocks()
    count = options.count
    seed = options.seed
    quantisation = options.quantisation
    identity = identity_of(str(path.resolve()), exported.fingerprint, count, seed, quantisation)
    height, width, channels = exported.shape
    dtype = tf.uint8 if quantisation == "round" else tf.float32

    def stream() -> tf.data.Dataset:
        images = tf.data.Dataset.from_generator(
            lambda: exported.blocks(count, seed, quantisation),
            output_signature=tf.TensorSpec((None, height, width, channels), dtype),
        ).unbatch()
        return images.map(to_rgb)

    return Source(
        word,
        count,
        identity,
        stream=stream,
        shape=(height, width),
        quantisation=quantisation,
        converted="grey" if channels == 1 else "",
    )
