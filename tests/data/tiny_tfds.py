"""A small data set of TFDS in several configurations, versions and file formats."""

import numpy as np
import tensorflow_datasets as tfds

NUM_IMAGES = 20
NEW = "3.0.2"  # the version that TFDS prepares
OLD = "3.0.0"  # what an earlier TFDS has prepared

# {configuration: (shape, dtype) of its images}
_IMAGES = {
    "small": ((8, 8, 3), np.uint8),
    "large": ((16, 16, 3), np.uint8),
    "grey": ((8, 8, 1), np.uint8),
    "transparent": ((8, 8, 4), np.uint8),
    "deep": ((8, 8, 3), np.uint16),
    "sizes": ((None, None, 3), np.uint8),
}


class TinySet(tfds.core.GeneratorBasedBuilder):
    """`tiny_set`. It is called like this wherever this file has been imported."""

    VERSION = tfds.core.Version(NEW)
    BUILDER_CONFIGS = [  # noqa: RUF012  as TFDS wants it
        tfds.core.BuilderConfig(name=name, version=NEW) for name in _IMAGES
    ]

    def _info(self):
        shape, dtype = _IMAGES[self.builder_config.name]
        features = {
            "image": tfds.features.Image(shape=shape, dtype=dtype),
            "label": tfds.features.ClassLabel(num_classes=3),
        }
        return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(features))

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples(), "test": self._generate_examples()}

    def _generate_examples(self):
        for number in range(NUM_IMAGES):
            yield number, {"image": image(self.builder_config.name, number), "label": number % 3}


def image(config, number):
    """Image number `number` before TFDS shuffles them."""
    (height, width, channels), dtype = _IMAGES[config]
    shape = (height or 8, width or 8 + number % 2, channels)
    return np.random.default_rng(number).integers(0, 256, shape, dtype)


def write(data_dir, config="small", version=OLD, file_format=None):
    """Prepares a configuration under `data_dir`; of a version that TFDS no longer prepares, too."""
    folder = data_dir / "tiny_set" / config
    TinySet(config=config, data_dir=str(data_dir), file_format=file_format).download_and_prepare()
    if version != NEW:
        (folder / NEW).rename(folder / version)
        record = folder / version / "dataset_info.json"
        record.write_text(record.read_text("utf-8").replace(NEW, version), "utf-8")


def all_images(config):
    """The images of a configuration as bytes, sorted."""
    return sorted(image(config, number).tobytes() for number in range(NUM_IMAGES))
