"""The WGAN-GP image networks as their first authors describe them, channels first, in NumPy: an
oracle for the layout.

`weights` are in the order of the Keras models' layers; kernels are (height, width, in, out).
"""

import numpy as np


def convolve(x, kernel, bias=0.0):
    """SAME, stride 1, of (n, channels, h, w)."""
    before = [(side - 1) // 2 for side in kernel.shape[:2]]
    pads = [(0, 0), (0, 0)] + [(b, side - 1 - b) for b, side in zip(before, kernel.shape[:2])]
    windows = np.lib.stride_tricks.sliding_window_view(
        np.pad(x, pads), kernel.shape[:2], axis=(2, 3)
    )
    return np.einsum("nchwij,ijco->nohw", windows, kernel, optimize=True) + np.reshape(
        bias, (-1, 1, 1)
    )


def norm(x, gamma, beta, axes):
    mean, variance = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
    return (x - mean) / np.sqrt(variance + 1e-5) * gamma[:, None, None] + beta[:, None, None]


def relu(x):
    return np.maximum(x, 0)


def enlarge(x):
    """The published way: four copies of the channels, then depth to space."""
    n, c, h, w = x.shape
    copies = np.concatenate([x] * 4, axis=1).reshape(n, 2, 2, c, h, w)
    return copies.transpose(0, 3, 4, 1, 5, 2).reshape(n, c, 2 * h, 2 * w)


def pool(x):
    return (x[:, :, ::2, ::2] + x[:, :, 1::2, ::2] + x[:, :, ::2, 1::2] + x[:, :, 1::2, 1::2]) / 4


BATCH, LAYER = (0, 2, 3), (1, 2, 3)


def up(x, block):
    norms, shortcut, first, second = parts(block)
    y = convolve(enlarge(relu(norm(x, *norms[0], BATCH))), *first)
    y = convolve(relu(norm(y, *norms[1], BATCH)), *second)
    return convolve(enlarge(x), *shortcut) + y


def down(x, block):
    norms, shortcut, first, second = parts(block)
    y = convolve(relu(norm(x, *norms[0], LAYER)), *first)
    y = pool(convolve(relu(norm(y, *norms[1], LAYER)), *second))
    return convolve(pool(x), *shortcut) + y


def parts(block):
    """The arrays of a Keras block: its two norms, and (kernel, bias) of shortcut, first and second
    convolution.
    """
    norms = [(layer.gamma.numpy(), layer.beta.numpy()) for layer in block.norms]
    return norms, *(
        [weight.numpy() for weight in layer.weights]
        for layer in (block.shortcut, block.first, block.second)
    )


def generator(model, latents, channels, side):
    """Images (n, 3, h, w). The dense layer's columns are re-ordered from channels last to channels
    first.
    """
    kernel, bias = (weight.numpy() for weight in model.dense.weights)
    kernel = kernel.reshape(-1, side, side, channels).transpose(0, 3, 1, 2).reshape(len(kernel), -1)
    bias = bias.reshape(side, side, channels).transpose(2, 0, 1).reshape(-1)
    x = (latents @ kernel + bias).reshape(-1, channels, side, side)
    for block in model.blocks:
        x = up(x, block)
    x = relu(norm(x, model.norm.gamma.numpy(), model.norm.beta.numpy(), BATCH))
    return np.tanh(convolve(x, *(weight.numpy() for weight in model.convolution.weights)))


def critic(model, images, samples_per_score=1):
    """Scores of (n, 3, h, w); the dense layer's rows are re-ordered as above, sample by sample."""
    x = convolve(images, *(weight.numpy() for weight in model.convolution.weights))
    for block in model.blocks:
        x = down(x, block)
    kernel, bias = (weight.numpy() for weight in model.dense.weights)
    n, c, h, w = x.shape
    kernel = kernel.reshape(samples_per_score, h, w, c).transpose(0, 3, 1, 2).reshape(-1, 1)
    return (x.reshape(n // samples_per_score, -1) @ kernel + bias)[:, 0]
