"""The rows of a run folder's `metrics.jsonl`."""

from tf_ttur import files

# `value` is null where it was not finite.
COLUMNS = {"update": int, "training_seconds": (int, float), "name": str, "value": (int, float, type(None))}


def read(path):
    """The rows of a `metrics.jsonl`, a list of dicts, and how many of its lines are damaged."""
    return files.read_json_lines(path, COLUMNS)
