"""A worker process on this machine, which `beam` starts: `python -m tf_ttur.metrics.beam_worker
THREADS`.
"""

import contextlib
import logging
import os
import sys
import threading
import time


def main(threads):
    """Works until the process that started it is done; TensorFlow computes on that many threads.

    It is silent: a failure of the work reaches the other process as the text of its exception.
    """
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", threads)
    logging.disable(logging.CRITICAL)
    from apache_beam.runners.worker import (
        sdk_worker_main,
    )  # its import says which optional parts of it are missing

    with open(os.devnull, "w") as nowhere, contextlib.redirect_stderr(nowhere):
        sdk_worker_main.main([])


def _end_with(parent):
    """Ends this process when the one that started it is gone: Beam would let it work to its end,
    for nobody.
    """
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


if __name__ == "__main__":
    main(sys.argv[1])
