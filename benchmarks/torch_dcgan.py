"""The update of the DCGAN experiments in PyTorch: the same networks, losses and steps.

With stride 2, TensorFlow's padding "same" adds one pixel before and two after, PyTorch's layers add
as many on either side. Turned by 180 degrees, kernels and images fit each other without further
operations. `Update` therefore takes images as they are and turns them once, outside of what is
measured.
"""

import numpy as np
import torch
from torch import nn
from torch.nn import functional


class Generator(nn.Module):
    """Latents (n, size) to images (n, channels, side, side) in -1 ... 1, turned."""

    def __init__(self, dense, convolutions, start):
        super().__init__()
        self._start = start
        self.dense = dense
        self.norms = nn.ModuleList(
            nn.BatchNorm2d(layer.in_channels, eps=1e-5) for layer in convolutions
        )
        self.convolutions = nn.ModuleList(convolutions)

    def forward(self, latents):
        side, _, channels = self._start
        x = self.dense(latents).reshape(-1, side, side, channels).permute(0, 3, 1, 2)
        for norm, convolution in zip(self.norms, self.convolutions, strict=True):
            x = convolution(functional.relu(norm(x)))
        return torch.tanh(x)


class Discriminator(nn.Module):
    """Turned images (n, channels, side, side) to logits (n,)."""

    def __init__(self, convolutions, dense):
        super().__init__()
        self.convolutions = nn.ModuleList(convolutions)
        self.norms = nn.ModuleList(
            nn.BatchNorm2d(layer.out_channels, eps=1e-5, track_running_stats=False)
            for layer in convolutions[1:]
        )
        self.dense = dense

    def forward(self, images):
        x = functional.leaky_relu(self.convolutions[0](images), 0.2)
        for norm, convolution in zip(self.norms, self.convolutions[1:], strict=True):
            x = functional.leaky_relu(norm(convolution(x)), 0.2)
        return self.dense(x.permute(0, 2, 3, 1).flatten(1))[:, 0]


class Update:
    """One update after the other, on the same batch of real images.

    Args:
      state: `training.state.State` of a DCGAN, whose weights are copied.
      config: its config.
      real: (n, side, side, channels) float32 images.
      compiles: whether `torch.compile` compiles the networks.
      precision: "float32", or "bfloat16" for autocasting.
    """

    def __init__(self, state, config, real, compiles=False, precision="float32"):
        generator, discriminator = _networks(state)
        self._players = []
        for network, player in (
            (discriminator, config.discriminator),
            (generator, config.generator),
        ):
            network.to(memory_format=torch.channels_last)
            optimizer = torch.optim.Adam(
                network.parameters(),
                player.learning_rate,
                (player.beta_1, player.beta_2),
                player.epsilon,
                fused=True,
            )
            self._players.append((torch.compile(network) if compiles else network, optimizer))
        turned = np.ascontiguousarray(real[:, ::-1, ::-1])
        self._real = torch.from_numpy(turned).permute(0, 3, 1, 2)  # channels last, as a view
        self._latent_size = config.latent.size
        self._cast = torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16")

    def __call__(self, latents=None):
        """Makes one update.

        Args:
          latents: (n, size) float32; None draws them.

        Returns:
          (loss of the discriminator, loss of the generator) before each one's step, as tensors.
        """
        (discriminator, of_discriminator), (generator, of_generator) = self._players
        if latents is None:
            latents = torch.rand(len(self._real), self._latent_size) * 2 - 1
        with self._cast:
            fake = generator(latents)
            real_logits = discriminator(self._real).float()
            fake_logits = discriminator(fake.detach()).float()
        loss = (functional.softplus(-real_logits) + functional.softplus(fake_logits)).mean()
        of_discriminator.zero_grad(set_to_none=True)
        loss.backward()
        of_discriminator.step()
        with self._cast:
            logits = discriminator(fake).float()
        of_generated = functional.softplus(-logits).mean()
        # Of the images alone: the discriminator's weights need no gradient in this step.
        (towards,) = torch.autograd.grad(of_generated, fake)
        of_generator.zero_grad(set_to_none=True)
        fake.backward(towards)
        of_generator.step()
        return loss.detach(), of_generated.detach()


def _networks(state):
    """Both networks with the weights of the Keras networks."""
    theirs = state.generator
    start = theirs._start
    with torch.no_grad():
        generator = Generator(
            _linear(theirs.dense.kernel.numpy(), theirs.dense.bias.numpy(), start, None),
            [_transposed(layer) for layer in theirs.convolutions],
            start,
        )
        theirs = state.discriminator
        shape = (*start[:2], theirs.convolutions[-1].filters)
        discriminator = Discriminator(
            [_convolution(layer) for layer in theirs.convolutions],
            _linear(theirs.dense.kernel.numpy(), theirs.dense.bias.numpy(), None, shape),
        )
    return generator.train(), discriminator.train()


def _linear(kernel, bias, turned_outputs, turned_inputs):
    """A dense layer whose outputs or inputs are the turned places of an image of this shape."""
    if turned_outputs:
        kernel = kernel.reshape(-1, *turned_outputs)[:, ::-1, ::-1].reshape(kernel.shape)
        bias = bias.reshape(turned_outputs)[::-1, ::-1].reshape(-1)
    if turned_inputs:
        kernel = kernel.reshape(*turned_inputs, -1)[::-1, ::-1].reshape(kernel.shape)
    layer = nn.Linear(*kernel.shape)
    layer.weight.copy_(torch.from_numpy(kernel.T.copy()))
    layer.bias.copy_(torch.from_numpy(bias.copy()))
    return layer


def _convolution(layer):
    kernel = layer.kernel.numpy()[::-1, ::-1].transpose(3, 2, 0, 1)
    return _filled(nn.Conv2d(kernel.shape[1], kernel.shape[0], 5, 2, 2), kernel, layer)


def _transposed(layer):
    kernel = layer.kernel.numpy()[::-1, ::-1].transpose(3, 2, 0, 1)
    ours = nn.ConvTranspose2d(kernel.shape[0], kernel.shape[1], 5, 2, 2, output_padding=1)
    return _filled(ours, kernel, layer)


def _filled(ours, kernel, theirs):
    ours.weight.copy_(torch.from_numpy(kernel.copy()))
    ours.bias.copy_(torch.from_numpy(theirs.bias.numpy()))
    return ours
