"""Lines of text from TensorFlow Datasets, as one shard: `tfds:lm1b/train` as `config.data.dir`."""

import io
from collections.abc import Iterator
from typing import IO, Any

from tf_ttur.data.sources import tfds, tfds_builders
from tf_ttur.errors import UserError

PREFIX = "tfds:"
_BUFFER_BYTES = 2**20


class TextSplit:
    """The texts of a split of a data set, prepared on first use.

    Each text is a line; a text with line breaks is several lines.

    Attributes:
      word: as given.
      name: of the data set with configuration and version, as TFDS gives it.
      num_texts: the number of texts.

    Args:
      word: tfds:NAME/SPLIT, or tfds:NAME/CONFIG:VERSION/SPLIT.

    Raises:
      UserError: there is no such data set or split, it has no texts, or it cannot be prepared.
    """

    def __init__(self, word: str) -> None:
        parts = tfds.parse(word)
        self.word = word
        self._split = parts.split
        self._builder = tfds_builders.prepared_builder(parts.builder, parts.split)
        self._feature = _text_feature(parts.name, self._builder.info)
        self.name = str(self._builder.info.full_name)
        self.num_texts = tfds.count(self._builder, parts)

    def open(self) -> IO[bytes]:
        """The lines as a file that can be read once from its beginning."""
        return io.BufferedReader(_Stream(self._texts()), _BUFFER_BYTES)

    def _texts(self) -> Iterator[bytes]:
        name = self._feature
        if tfds.has_random_access(self._builder):
            for example in tfds.records(self._builder, self._split):
                text = example[name]
                yield text.encode() if isinstance(text, str) else bytes(text)
            return
        for example in tfds.in_order(self._builder, self._split, name).as_numpy_iterator():
            yield example[name]


def _text_feature(data_set: str, info: Any) -> str:
    """The name of the texts of a data set.

    They are under `text`, or the only ones; texts beside images are names or captions.

    Raises:
      UserError: there are none.
    """
    import tensorflow_datasets

    kinds = tensorflow_datasets.features
    features = dict(info.features.items()) if hasattr(info.features, "items") else {}
    names = [name for name, feature in features.items() if isinstance(feature, kinds.Text)]
    if "text" in names:
        return "text"
    if len(names) == 1 and not any(isinstance(each, kinds.Image) for each in features.values()):
        return names[0]
    raise UserError(
        f"{data_set} has the features {', '.join(features) or info.features}",
        "texts under text, or one feature of texts",
        "name a data set of text, for example tfds:lm1b/train",
    )


class _Stream(io.RawIOBase):
    """Texts as the bytes of a file, each with a line break at its end."""

    def __init__(self, texts: Iterator[bytes]) -> None:
        self._texts = texts
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        wanted = len(buffer)
        pieces = [self._rest]
        length = len(self._rest)
        while length < wanted:
            text = next(self._texts, None)
            if text is None:
                break
            pieces += [text, b"\n"]
            length += len(text) + 1
        content = b"".join(pieces)
        buffer[: min(wanted, length)] = content[:wanted]
        self._rest = content[wanted:]
        return min(wanted, length)
