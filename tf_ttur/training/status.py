"""The values of a training in a few characters, for its bar."""

from collections.abc import Mapping

from tf_ttur.runs import Row
from tf_ttur.training.collapse import ACCURACY

_SHORT = {"loss/discriminator": "D", "loss/generator": "G", "fid": "FID"}


def status_text(values: Mapping[str, float], evaluation: Row | None) -> str:
    """Such as "D 0.562  G 2.281  acc 95 %  FID 56.6 @ 10,000".

    Args:
      values: of an update, as `update.build_update` returns them.
      evaluation: the row of the last evaluation, or None.
    """
    words = [_words(name, value) for name, value in values.items()]
    if evaluation is not None and evaluation["value"] is not None:
        name = evaluation["name"]
        words.append(f"{_SHORT.get(name, name)} {evaluation['value']:.4g}")
        words[-1] += f" @ {evaluation['update']:,}"
    return "  ".join(words)


def _words(name: str, value: float) -> str:
    if name == ACCURACY:
        return f"acc {100 * value:.0f} %"
    number = f"{value:.3f}" if abs(value) < 100 else f"{value:.4g}"
    return f"{_SHORT.get(name, name)} {number}"
