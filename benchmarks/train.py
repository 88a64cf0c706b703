"""Compares the update of a DCGAN experiment with the same networks in PyTorch.

    python benchmarks/train.py
    python benchmarks/train.py --config celeba:ttur --updates 3

Both make the same steps, from the same weights: the first losses are compared. Each of several
rounds measures everything in turn, and all results are medians, so that a slow moment of the
machine does not matter. PyTorch runs with channels last, without and with `torch.compile`, and with
autocasting to bfloat16. It needs `pip install torch`; without it the other rows are measured alone.
"""

import functools

import comparison
import numpy as np

from tf_ttur import config as configs
from tf_ttur.commands import flags, program
from tf_ttur.errors import UserError

# The rows of the table.
OURS = {name: f"tf_ttur, {name}" for name in ("float32", "bfloat16")}
THEIRS = {
    (compiles, name): f"PyTorch{', compiled' if compiles else ''}, {name}"
    for name in ("float32", "bfloat16")
    for compiles in (False, True)
}


def main():
    parser = flags.parser(__doc__, "")
    parser.prog = "benchmarks/train.py"
    parser.add_argument(
        "--updates", type=flags.positive, default=5, help="updates per row and round [5]"
    )
    flags.add_config(parser)
    arguments = parser.parse_args()
    config = flags.read_optional_config(arguments) or configs.load("cifar10:ttur")
    if config.model.architecture != "dcgan":
        raise UserError(
            f"config.model.architecture = {config.model.architecture!r}",
            "dcgan, the one that is written in PyTorch too",
            "choose the config of a DCGAN, such as cifar10:ttur",
        )
    program.start_tensorflow()
    from tf_ttur.metrics import speed
    from tf_ttur.training import surroundings

    with surroundings.exact():
        rows = our_rows(config, arguments.updates)
        theirs = their_rows(config, arguments.updates)
        rates = comparison.measure(rows | theirs, arguments.updates)
        peaks = speed.matrix_peaks()
    print(comparison.machine())
    print(comparison.describe_peaks(peaks))
    operations = operations_of_update(config)
    print(
        f"{config.name}:{config.variant}, batch {config.batch_size}, {operations / 1e9:.1f} GFLOP"
        f" per update; {comparison.ROUNDS} rounds of {arguments.updates} updates\n"
    )
    targets = best_of(rates)
    print(comparison.table(rates, "updates/s", targets, operations, peaks))
    if not theirs:
        print("\nfor a comparison with PyTorch: pip install -e .[benchmark]")


def our_rows(config, updates):
    """{row: function that makes so many updates} in both precisions."""
    from tf_ttur.training import speed

    rows = {}
    for precision, name in OURS.items():
        config = config.copy_and_resolve_references()
        config.model.precision = precision
        rows[name] = functools.partial(speed.prepare(config), updates)
    return rows


def their_rows(config, updates):
    """As `our_rows`, of PyTorch; {} where it is not installed. Checks the first losses."""
    try:
        import torch_dcgan
    except ImportError:
        return {}
    from tf_ttur.training.state import State

    random = np.random.default_rng(0)
    size = config.data.image_size
    shape = (config.batch_size, size, size, config.data.channels)
    real = random.uniform(-1, 1, shape).astype(np.float32)
    state = State(config)
    latents = random.uniform(-1, 1, (config.batch_size, config.latent.size)).astype(np.float32)
    check_losses(state, config, real, latents)
    rows = {}
    for (compiles, precision), name in THEIRS.items():
        update = torch_dcgan.Update(state, config, real, compiles, precision)
        rows[name] = functools.partial(repeat, update, updates)
        update()  # compiles
        update()
    return rows


def repeat(update, count):
    """Makes so many updates of PyTorch."""
    for _ in range(count):
        losses = update()
    float(losses[1])


def check_losses(state, config, real, latents):
    """Holds that both begin with the same losses of the same weights.

    Returns:
      The largest relative difference.

    Raises:
      AssertionError: they differ by more than float32's rounding explains.
    """
    import tensorflow as tf
    import torch
    import torch_dcgan

    theirs = torch_dcgan.Update(state, config, real)(torch.from_numpy(latents))
    weights = [variable.numpy() for variable in state.generator.variables]
    fake = state.generator(latents, training=True)
    for variable, value in zip(state.generator.variables, weights, strict=True):
        variable.assign(value)  # moving averages
    scores = [state.discriminator(images, training=True) for images in (real, fake)]
    ours = tf.reduce_mean(tf.nn.softplus(-scores[0]) + tf.nn.softplus(scores[1]))
    difference = abs(float(theirs[0]) / float(ours) - 1)
    assert difference < 1e-5, f"PyTorch's loss is {theirs[0]}, that of TensorFlow {ours}"
    return difference


def operations_of_update(config):
    """Floating-point operations of an update: products and sums of convolutions and matrices.

    The discriminator goes forward on real, on generated and again on generated images, and back to
    its weights twice; to its inputs three times, but not to the images of its own step.
    """
    size = config.data.image_size
    width = config.model.width
    channels = (config.data.channels, width, 2 * width, 4 * width, 8 * width)
    # Products of one image in each convolution; those of the generator are the same, mirrored.
    layers = [
        25 * channels[number] * channels[number + 1] * (size >> (number + 1)) ** 2
        for number in range(4)
    ]
    ends = (size // 16) ** 2 * 8 * width
    discriminator = sum(layers) + ends
    generator = sum(layers) + ends * config.latent.size
    passes = 8 * discriminator - 2 * layers[0] + 3 * generator
    return 2 * config.batch_size * passes


def best_of(rates):
    """{row of tf_ttur: (the fastest row of PyTorch in its precision, the target)}."""
    targets = {}
    for precision, ours in OURS.items():
        names = [THEIRS[compiles, precision] for compiles in (False, True)]
        names = [name for name in names if name in rates]
        if names:
            targets[ours] = (max(names, key=lambda name: np.median(rates[name])), 1)
    return targets


if __name__ == "__main__":
    program.run(main)
