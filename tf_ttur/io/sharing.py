"""How many processes share a GPU, of which TensorFlow in each sees all of its memory."""

import os

from tf_ttur.errors import UserError

# The variable in which a process that starts others tells them.
PROCESSES_PER_GPU = "TF_TTUR_PROCESSES_PER_GPU"


def processes_per_gpu() -> int:
    """As the environment says; 1 where it says nothing.

    Raises:
      UserError: it is no whole number above 0.
    """
    number = os.environ.get(PROCESSES_PER_GPU, "1")
    if not number.isdecimal() or int(number) < 1:
        raise UserError(
            f"{PROCESSES_PER_GPU}={number}",
            "the number of processes that share a GPU, such as 2",
            "correct or unset it",
        )
    return int(number)
