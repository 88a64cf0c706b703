"""The first words of a report: what was run, and whether its values may stand beside others."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from tf_ttur import config as configs
from tf_ttur.reports import again, table
from tf_ttur.reports.settings import Setting
from tf_ttur.studies import published

_PUBLISHED_SAMPLES = 50_000
_PUBLISHED_LINES = 640  # samples of the language experiment
_PUBLISHED_RUNS = {"images": 8, "lines": 10}


class Verdict(NamedTuple):
    """What a report says first.

    Attributes:
      ran: sentences that say what was trained.
      values: sentences that say what came out.
      comparable: one sentence: whether the values may stand beside the published ones.
      reasons: why not; empty if they may.
    """

    ran: list[str]
    values: list[str]
    comparable: str
    reasons: list[str]

    @property
    def text(self) -> str:
        """All of it as Markdown."""
        reasons = "".join(f"\n- {reason}" for reason in self.reasons)
        return f"{' '.join([*self.ran, *self.values])}\n\n{self.comparable}{reasons}"


def verdict(settings: Sequence[Setting], rows: Sequence[table.Row]) -> Verdict:
    """The verdict on some settings.

    Args:
      settings: of the report.
      rows: its table.
    """
    comparable, reasons = _compare(settings)
    return Verdict(
        [_ran(setting) for setting in settings],
        [_value(row) for row in rows if row["mean"] is not None],
        comparable,
        reasons,
    )


def _ran(setting: Setting) -> str:
    config = setting.config
    done = setting.updates
    card = again.card_of(setting.config)
    length = f"{done[0]:,}" if len(set(done)) == 1 else f"{min(done):,} to {max(done):,}"
    of = f" of the card's {card.updates:,}" if card and max(done) < card.updates else ""
    return (
        f"{setting.full_label}: {_runs(setting)}, {length}{of} updates, learning "
        f"rates {config.discriminator.learning_rate:g} (discriminator) and "
        f"{config.generator.learning_rate:g} (generator).{_failed(setting)}"
    )


def _runs(setting: Setting) -> str:
    seeds = setting.seeds
    if len(seeds) == 1:
        return f"1 run with seed {seeds[0]}"
    return f"{len(seeds)} runs with seeds {', '.join(map(str, seeds))}"


def _failed(setting: Setting) -> str:
    failed = [seed for seed, _ in setting.crashes]
    if not failed:
        return ""
    return f" {len(failed)} of them failed (seed {', '.join(map(str, failed))})."


def _value(row: table.Row) -> str:
    over = "" if row["runs"] == 1 else f" as the mean of {row['runs']} runs"
    text = (
        f"{row['setting']}: {row['metric']} {table.cell(row, 'mean')}{over}, lowest after "
        f"{row['at_update']:,} updates"
    )
    if row["published_mean"] is not None:
        text += f"; the published mean there is {table.cell(row, 'published_mean')}"
    return text + "."


def _compare(settings: Sequence[Setting]) -> tuple[str, list[str]]:
    """The sentence on comparability, and its reasons."""
    with_published = [setting for setting in settings if has_published(setting)]
    if not with_published:
        return "Nothing is published about these experiments: compare them with each other.", []
    reasons = list(dict.fromkeys(line for one in with_published for line in _reasons(one)))
    if reasons:
        return "These values may not stand beside the published ones:", reasons
    return "These values may stand beside the published ones: the protocol is the paper's.", []


def has_published(setting: Setting) -> bool:
    """Whether the paper has values for these learning rates of the experiment."""
    return any(
        experiment == setting.experiment and setting.rates in scores
        for (experiment, _), scores in published.SCORES.items()
    )


def _reasons(setting: Setting) -> list[str]:
    """What differs from the paper's protocol."""
    config = setting.config
    kind = configs.architecture_of(config).learns
    reasons = [*_network(setting), *_samples(config, kind)]
    expected = _PUBLISHED_RUNS[kind]
    if len(setting.runs) < expected:
        words = "run" if len(setting.runs) == 1 else "runs"
        reasons.append(
            f"seeds: {len(setting.runs)} {words}; the published values are of {expected}"
        )
    card = again.card_of(config)
    if card is None:
        return [*reasons, f"experiment: no card {config.name}:{config.variant} ships with tf_ttur"]
    if max(setting.updates) < card.updates:
        done = max(setting.updates)
        reasons.append(f"updates: {done:,}; the published training has {card.updates:,}")
    place = configs.kind_of(config).place
    if configs.flatten(card)[place] not in ("", configs.flatten(config)[place]):
        reasons.append(
            f"data: {configs.flatten(config)[place]}; the card names {configs.flatten(card)[place]}"
        )
    for difference in again.deciding_changes(config, card):
        if not difference.key.startswith("evaluation."):
            reasons.append(f"config (paper's value -> here): {difference}")
    if config.evaluation.reference_samples != card.evaluation.reference_samples:
        count = config.evaluation.reference_samples
        reasons.append(f"reference: {count:,} real images; the published one has all")
    return reasons


def _network(setting: Setting) -> list[str]:
    """What is unlike the original in the network that measured."""
    measured = [again.evaluation_of(run) for run in setting.runs]
    if all(one is None for one in measured):
        return ["network: no environment.json says what the values were measured with"]
    reasons = []
    for one in measured:
        network = (one or {}).get("network")
        if network not in (None, "original"):
            reasons.append(f"network: {network}, not the original Inception file")
        if (one or {}).get("precision", "float32") != "float32":
            reasons.append(f"network: in {one and one['precision']}, not in float32")
    return list(dict.fromkeys(reasons))


def _samples(config: Any, kind: str) -> list[str]:
    expected = _PUBLISHED_SAMPLES if kind == "images" else _PUBLISHED_LINES
    count = config.evaluation.num_samples
    if count == expected:
        return []
    return [f"samples: {count:,} per evaluation; the published values use {expected:,}"]
