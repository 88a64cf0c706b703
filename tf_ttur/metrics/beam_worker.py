"""A worker process on this machine, which `beam` starts.

python -m tf_ttur.metrics.beam_worker THREADS
"""

import contextlib
import logging
import os
import sys
import threading
import time


def main(threads: str) -> None:
    """Works until the process that started it ends.

    It is silent: a failure of the work reaches the other process as the text of its exception.

    Args:
      threads: the number of threads that TensorFlow computes on, as text.
    """
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", threads)
    # When it is imported, Beam logs which of its optional parts are missing.
    logging.disable(logging.CRITICAL)
    from apache_beam.runners.worker import sdk_worker_main

    with (
        open(os.devnull, "w", encoding="utf-8") as nowhere,
        contextlib.redirect_stderr(nowhere),
    ):
        sdk_worker_main.main([])


def _end_with(parent: int) -> None:
    """Ends this process when its parent has ended: Beam would let it finish, for nobody."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


if __name__ == "__main__":
    main(sys.argv[1])
