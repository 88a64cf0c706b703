"""Images and their network by names that can be sent to another process, which has not started TensorFlow yet."""

from tf_ttur import command


def of_source(word, how, inception_path, precision):
    """(images, network) of a word of the command lines.

    Args:
      word, how: of the images, as `inputs.open_images` takes them; `how` is a dict. What it trusts is the network as well.
      inception_path, precision: of the network, as `inception.load` takes them.
    """
    command.start_tensorflow()
    from tf_ttur import inputs
    from tf_ttur.metrics import inception

    return inputs.open_images(word, **how), inception.load(inception_path, precision, how.get("trust", False))


def of_experiment(config, inception_path, trust=False):
    """(images, network) of an experiment, as `evaluation` opens them."""
    command.start_tensorflow()
    from tf_ttur.training import evaluation

    return evaluation.open_images(config), evaluation.load_network(config, inception_path, trust)
