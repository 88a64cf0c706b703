"""Which runs belong to one setting: those that differ in their seeds alone."""

from collections.abc import Iterable, Mapping, Sequence

from ml_collections import ConfigDict

from tf_ttur import config as configs
from tf_ttur.registry import Decides, Value
from tf_ttur.runs import Run


def decisive(config: ConfigDict) -> dict[str, Value]:
    """{key: value} of what decides weights or curve, except the seed and the number of updates.

    The number of updates stays where the learning rates follow from it.
    """
    flat = configs.flatten(config)
    return {
        key: flat[key]
        for key in configs.KEYS
        if key != "seed" and configs.decides(key, config) is not Decides.NOTHING
    }


def separate(groups: Mapping[str, Sequence[Run]]) -> dict[str, list[Run]]:
    """Settings whose runs share data, network and reference; others become settings of their own.

    Args:
      groups: {name of a setting: its runs}.
    """
    separated: dict[str, list[Run]] = {}
    for name, group in groups.items():
        parts: list[list[Run]] = []
        for run in group:
            same = [part for part in parts if not _other_content(run, part)]
            if same:
                same[0].append(run)
            else:
                parts.append([run])
        for part in parts:
            differing = _other_content(part[0], parts[0])
            suffix = f" (other {' and '.join(differing)})" if differing else ""
            separated[unused(name + suffix, separated)] = part
    return separated


def unused(name: str, taken: Iterable[str]) -> str:
    """The name, with a number behind it if it is taken."""
    names = set(taken)
    number = 2
    candidate = name
    while candidate in names:
        candidate = f"{name} ({number})"
        number += 1
    return candidate


def _other_content(run: Run, others: Sequence[Run]) -> list[str]:
    """What a run has another one of than some of the others."""
    return list(dict.fromkeys(name for one in others for name in run.records_that_differ(one)))
