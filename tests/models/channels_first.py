"""The WGAN-GP image networks as their first authors describe them, channels first, in NumPy.

They are an oracle for the layout. Kernels are (height, width, in, out), as in Keras.
"""

import numpy as np

BATCH = (0, 2, 3)  # the axes of a batch norm
LAYER = (1, 2, 3)  # and of a layer norm


def convolve(x, kernel, bias=0.0):
    """The convolution of (n, channels, h, w) with padding SAME and stride 1."""
    pads = [(0, 0), (0, 0)]
    for side in kernel.shape[:2]:
        before = (side - 1) // 2
        pads.append((before, side - 1 - before))
    windows = np.lib.stride_tricks.sliding_window_view(
        np.pad(x, pads), kernel.shape[:2], axis=(2, 3)
    )
    sums = np.einsum("nchwij,ijco->nohw", windows, kernel, optimize=True)
    return sums + np.reshape(bias, (-1, 1, 1))


def norm(x, gamma, beta, axes):
    mean = x.mean(axes, keepdims=True)
    variance = x.var(axes, keepdims=True)
    return (x - mean) / np.sqrt(variance + 1e-5) * gamma[:, None, None] + beta[:, None, None]


def relu(x):
    return np.maximum(x, 0)


def enlarge(x):
    """Doubles the resolution as published: four copies of the channels, then depth to space."""
    n, c, h, w = x.shape
    copies = np.concatenate([x] * 4, axis=1).reshape(n, 2, 2, c, h, w)
    return copies.transpose(0, 3, 4, 1, 5, 2).reshape(n, c, 2 * h, 2 * w)


def pool(x):
    return (x[:, :, ::2, ::2] + x[:, :, 1::2, ::2] + x[:, :, ::2, 1::2] + x[:, :, 1::2, 1::2]) / 4


def up(x, block):
    norms, shortcut, first, second = arrays(block)
    y = convolve(enlarge(relu(norm(x, *norms[0], BATCH))), *first)
    y = convolve(relu(norm(y, *norms[1], BATCH)), *second)
    return convolve(enlarge(x), *shortcut) + y


def down(x, block):
    norms, shortcut, first, second = arrays(block)
    y = convolve(relu(norm(x, *norms[0], LAYER)), *first)
    y = pool(convolve(relu(norm(y, *norms[1], LAYER)), *second))
    return convolve(pool(x), *shortcut) + y


def arrays(block):
    """The arrays of a Keras block.

    Returns:
      (gamma, beta) of its two norms; (kernel, bias) of its shortcut, first and second convolution.
    """
    norms = [(layer.gamma.numpy(), layer.beta.numpy()) for layer in block.norms]
    return norms, weights(block.shortcut), weights(block.first), weights(block.second)


def weights(layer):
    return [weight.numpy() for weight in layer.weights]


def generator(model, latents, channels, side):
    """Images (n, 3, h, w).

    The columns of the dense layer are re-ordered from channels last to channels first.
    """
    kernel, bias = weights(model.dense)
    kernel = kernel.reshape(-1, side, side, channels).transpose(0, 3, 1, 2).reshape(len(kernel), -1)
    bias = bias.reshape(side, side, channels).transpose(2, 0, 1).reshape(-1)
    x = (latents @ kernel + bias).reshape(-1, channels, side, side)
    for block in model.blocks:
        x = up(x, block)
    x = relu(norm(x, model.norm.gamma.numpy(), model.norm.beta.numpy(), BATCH))
    return np.tanh(convolve(x, *weights(model.convolution)))


def critic(model, images, samples_per_score=1):
    """Scores of images (n, 3, h, w).

    The rows of the dense layer are re-ordered as in `generator`, sample by sample.
    """
    x = convolve(images, *weights(model.convolution))
    for block in model.blocks:
        x = down(x, block)
    kernel, bias = weights(model.dense)
    n, c, h, w = x.shape
    kernel = kernel.reshape(samples_per_score, h, w, c).transpose(0, 3, 1, 2).reshape(-1, 1)
    return (x.reshape(n // samples_per_score, -1) @ kernel + bias)[:, 0]
