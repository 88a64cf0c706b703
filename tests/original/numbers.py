"""The stored numbers, and which of them belongs to which variable of a network."""

import pathlib

import numpy as np

FOLDER = pathlib.Path(__file__).parent


def read(name):
    """{name: array} of a file."""
    with np.load(FOLDER / f"{name}.npz", allow_pickle=False) as file:
        return dict(file)


def below(arrays, prefix):
    """Those whose names begin with a prefix, without it."""
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }


def of_dcgan(generator, discriminator):
    """{name: variable} of the networks of DCGAN."""
    variables = _layer("generator/dense", generator.dense)
    pairs = zip(generator.norms, generator.convolutions, strict=True)
    for number, (norm, convolution) in enumerate(pairs, start=1):
        variables |= _norm(f"generator/batch_norm_{number}", norm)
        variables |= _moving(f"generator/batch_norm_{number}", norm)
        variables |= _layer(f"generator/transposed_convolution_{number}", convolution)
    pairs = zip(discriminator.norms, discriminator.convolutions, strict=True)
    for number, (norm, convolution) in enumerate(pairs, start=1):
        variables |= _layer(f"discriminator/convolution_{number}", convolution)
        if norm is not None:
            variables |= _norm(f"discriminator/batch_norm_{number}", norm)
    return variables | _layer("discriminator/dense", discriminator.dense)


def of_wgan_gp(generator, critic):
    """{name: variable} of the networks of WGAN-GP for images."""
    variables = _layer("generator/dense", generator.dense)
    variables |= _norm("generator/batch_norm", generator.norm)
    variables |= _layer("generator/convolution", generator.convolution)
    variables |= _layer("critic/convolution", critic.convolution)
    variables |= _layer("critic/dense", critic.dense)
    for player, kind, blocks in (
        ("generator", "batch_norm", generator.blocks),
        ("critic", "layer_norm", critic.blocks),
    ):
        for number, block in enumerate(blocks, start=1):
            name = f"{player}/block_{number}"
            for layer in ("shortcut", "first", "second"):
                variables |= _layer(f"{name}/{layer}", getattr(block, layer))
            for which, norm in enumerate(block.norms, start=1):
                variables |= _norm(f"{name}/{kind}_{which}", norm)
    return variables


def of_language(generator, critic):
    """{name: variable} of the networks of WGAN-GP for lines."""
    variables = {}
    for player, network in (("generator", generator), ("critic", critic)):
        variables |= _layer(f"{player}/dense", network.dense)
        variables |= _layer(f"{player}/convolution", network.convolution)
        for number, block in enumerate(network.blocks, start=1):
            for which, convolution in enumerate(block.convolutions, start=1):
                variables |= _layer(f"{player}/block_{number}/convolution_{which}", convolution)
    return variables


def of_began(generator, discriminator):
    """{name: variable} of the networks of BEGAN."""
    variables = _layer("generator/dense_1", generator.decoder.dense)
    variables |= _numbered("generator", _convolutions_of(generator.decoder))
    variables |= _layer("discriminator/dense_1", discriminator.dense)
    variables |= _layer("discriminator/dense_2", discriminator.decoder.dense)
    convolutions = [*discriminator.convolutions, *_convolutions_of(discriminator.decoder)]
    return variables | _numbered("discriminator", convolutions)


def assign(variables, arrays):
    """Gives every variable its array; both must have the same names."""
    assert set(variables) == set(arrays)
    for name, variable in variables.items():
        assert variable.shape == arrays[name].shape, name
        variable.assign(arrays[name])


def _layer(name, layer):
    variables = {f"{name}/kernel": layer.kernel}
    if layer.bias is not None:
        variables[f"{name}/bias"] = layer.bias
    return variables


def _norm(name, norm):
    return {f"{name}/scale": norm.gamma, f"{name}/offset": norm.beta}


def _moving(name, norm):
    return {
        f"{name}/moving_mean": norm.moving_mean,
        f"{name}/moving_variance": norm.moving_variance,
    }


def _convolutions_of(decoder):
    return [*(layer for stage in decoder.stages for layer in stage), decoder.last]


def _numbered(player, convolutions):
    variables = {}
    for number, convolution in enumerate(convolutions, start=1):
        variables |= _layer(f"{player}/convolution_{number}", convolution)
    return variables
