"""The files that make a SavedModel a folder for the Hugging Face Hub.

`README.md` is the model card: metadata of the Hub between lines of `---`, then words. `config.json`
is the run's config. The format of the metadata is that of the Hub's model cards, in which results
are a `model-index`.
"""

import json
import pathlib
import re
from typing import Any

from ml_collections import ConfigDict

import tf_ttur
from tf_ttur import config as configs
from tf_ttur import runs

CARD = "README.md"
_CONFIG = "config.json"
_SAMPLES = "samples.png"
# The tasks of the Hub.
_IMAGES = "unconditional-image-generation"
_LINES = "text-generation"


def files_of(run: runs.Run, updates: int) -> dict[str, bytes]:
    """{name: content} of the files beside the SavedModel of a run.

    Args:
      run: the run folder.
      updates: the number of updates after which the generator was saved.
    """
    config = run.config
    picture = _picture(run, updates)
    values = {
        row["name"]: row["value"]
        for row in run.rows
        if row["update"] == updates and row["name"] in run.evaluations
    }
    card = render(config, updates, values, has_samples=picture is not None)
    files = {CARD: card.encode(), _CONFIG: configs.to_json(config).encode()}
    if picture is not None:
        files[_SAMPLES] = picture.read_bytes()
    return files


def render(
    config: ConfigDict, updates: int, values: dict[str, float], has_samples: bool = False
) -> str:
    """The model card.

    Args:
      config: the validated config of the run.
      updates: the number of updates after which the generator was saved.
      values: {measure: value} of its evaluation; empty if there was none.
      has_samples: whether a picture of samples lies beside it.
    """
    metadata = [f"{key}: {json.dumps(value)}" for key, value in _metadata(config, values).items()]
    name = configs.run_name(config)
    sections = [
        "---\n" + "\n".join(metadata) + "\n---",
        f"# {name}",
        f"The generator of a GAN that tf_ttur {tf_ttur.__version__} trained with the card "
        f"{config.name} ({config.variant}), after {updates:,} of {config.updates:,} updates.",
    ]
    if has_samples:
        sections.append(f"![Samples of the generator]({_SAMPLES})")
    sections += ["## Use", _use(config), "## Training", _training(config)]
    if values:
        sections += ["## Evaluation", _evaluation(config, values)]
    sections += [
        "## Limits",
        "The samples have the biases of the training images. Nothing limits what the generator may "
        "have learned by heart. State the licence of these weights, which depends on that of the "
        "training data, as `license` in the metadata above.",
    ]
    return "\n\n".join(sections) + "\n"


def _metadata(config: ConfigDict, values: dict[str, float]) -> dict[str, Any]:
    task = _LINES if configs.kind_of(config).has_vocabulary else _IMAGES
    metadata: dict[str, Any] = {
        "pipeline_tag": task,
        "tags": ["gan", "ttur", "tf_ttur", "tensorflow", config.model.architecture],
    }
    if values:
        place = _place(config)
        result = {
            "task": {"type": task},
            "dataset": {"type": re.sub(r"\W+", "-", place).strip("-"), "name": place},
            "metrics": [
                {"type": name, "name": name, "value": value} for name, value in values.items()
            ],
        }
        metadata["model-index"] = [{"name": configs.run_name(config), "results": [result]}]
    return metadata


def _use(config: ConfigDict) -> str:
    lines = [
        "```python",
        "import tensorflow as tf",
        "",
        'model = tf.saved_model.load("PATH/OF/THIS/FOLDER")',
        'samples = model.signatures["sample"](count=tf.constant(16), seed=tf.constant(0))',
        "```",
        "",
        f"`serving_default` takes latents, float32 (n, {config.latent.size}), distributed as "
        f"{config.latent.distribution}. With tf_ttur: `tf-ttur sample FOLDER --output drawn`, and "
        "`tf-ttur fid FOLDER REFERENCE`.",
    ]
    return "\n".join(lines)


def _training(config: ConfigDict) -> str:
    rows = {
        "data": _place(config),
        "architecture": config.model.architecture,
        "loss": config.loss,
        "learning rate of the discriminator": f"{config.discriminator.learning_rate:g}",
        "learning rate of the generator": f"{config.generator.learning_rate:g}",
        "batch size": config.batch_size,
        "discriminator steps per update": config.discriminator.steps,
        "seed": config.seed,
    }
    table = ["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows.items())]
    return "\n".join([*table, "", f"`{_CONFIG}` has all settings."])


def _evaluation(config: ConfigDict, values: dict[str, float]) -> str:
    table = ["| measure | value |", "|---|---|"]
    table += [f"| {name} | {value:.4g} |" for name, value in values.items()]
    words = f"Of {config.evaluation.num_samples:,} samples, measured in training."
    if "fid" not in values and any(name.startswith(("fid", "frechet")) for name in values):
        words += " No value here is a FID by the original Inception network."
    return "\n".join([*table, "", words])


def _place(config: ConfigDict) -> str:
    return str(configs.flatten(config)[configs.kind_of(config).place])


def _picture(run: runs.Run, updates: int) -> pathlib.Path | None:
    """The newest picture of samples up to an update."""
    pictures = [path for path in run.samples if path.suffix == ".png" and int(path.stem) <= updates]
    return pictures[-1] if pictures else None
