"""The report of a machine as Markdown, and the settings that it would choose."""

from collections.abc import Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]

TOLERANCE = 1e-4  # of float32 features, relative to those of a CPU
_NAMED = 3  # kinds of kernels of an update
_NAME_LENGTH = 60  # names in CUDA hold all types of a template


def text(report: Mapping[str, Any]) -> str:
    """All of a report, as a section for docs/performance.md.

    Args:
      report: what `gpu_report.measure` gives.
    """
    parts = report["parts"]
    blocks = []
    if "machine" in parts:
        blocks.append(_machine(parts["machine"]))
    for name in ("settings", "cards", "all_gpus"):
        if name in parts:
            blocks.append(_updates(parts[name]))
    if "features" in parts:
        blocks += _features(parts["features"])
    if "resume" in parts:
        blocks.append(_resume(parts["resume"]))
    blocks += [f"Not measured: {name} ({reason})." for name, reason in report["skipped"].items()]
    chosen = choose(parts.get("settings", ()))
    if chosen:
        flags = " ".join(f"--config.{key}={value}" for key, value in chosen.items())
        blocks.append(f"The fastest settings here: `{flags}`")
    return "\n\n".join(blocks)


def choose(rows: Sequence[Row]) -> dict[str, Any]:
    """The settings of the fastest update; {} where none was measured.

    Args:
      rows: of `gpu_report.settings`.
    """
    measured = [row for row in rows if "seconds" in row]
    if not measured:
        return {}
    fastest = min(measured, key=lambda row: row["seconds"])
    return {key: fastest[key] for key in _settings_of(fastest)}


def _settings_of(row: Row) -> list[str]:
    results = {
        *("card", "seconds", "kernels", "kernel_seconds", "largest", "peak_bytes"),
        *("images_per_second", "gpus"),
        *("failed", "skipped"),
    }
    return [key for key in row if key not in results]


def _machine(machine: Row) -> str:
    names = [gpu["name"] for gpu in machine["gpus"]] or ["no GPU"]
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    driver = f"driver {machine['driver']}, CUDA {machine['cuda']}, cuDNN {machine['cudnn']}; "
    peaks = ", ".join(
        f"{flops / 1e12:.2f} TFLOP/s in {name}" for name, flops in machine["matrix_flops"].items()
    )
    return (
        f"{', '.join(names)}, {machine['processors']} processors; "
        f"{driver if machine['gpus'] else ''}{versions}. Matrix products: {peaks}."
    )


def _updates(rows: Sequence[Row]) -> str:
    heading = ["card", *_settings_of(rows[0])]
    counts_gpus = "gpus" in rows[0]
    if counts_gpus:
        heading.append("GPUs")
    heading += ["ms per update", "images/s", "kernels per update", "ms in them", "peak MiB"]
    lines = []
    for row in rows:
        cells = [row["card"], *(str(row[key]) for key in _settings_of(row))]
        if counts_gpus:
            cells.append(str(row["gpus"]))
        lines.append(cells + _results(row))
    named = [_largest(row) for row in rows if row.get("largest")]
    return "\n\n".join([table(heading, lines), *(["\n".join(named)] if named else [])])


def _largest(row: Row) -> str:
    """The kinds of kernels that take most of the time of an update."""
    settings = ", ".join([row["card"], *(str(row[key]) for key in _settings_of(row))])
    kinds = (f"`{name[:_NAME_LENGTH]}` {share:.0%}" for name, share in row["largest"][:_NAMED])
    return f"- {settings}: {', '.join(kinds)}"


def _results(row: Row) -> list[str]:
    if "seconds" not in row:
        return [row.get("failed") or row.get("skipped") or "", "", "", "", ""]
    peak = row["peak_bytes"]
    return [
        f"{1000 * row['seconds']:.3g}",
        f"{row['images_per_second']:.4g}",
        f"{row['kernels']:.0f}" if row["kernels"] else "",
        f"{1000 * row['kernel_seconds']:.3g}" if row["kernels"] else "",
        f"{peak / 2**20:.0f}" if peak else "",
    ]


def _features(features: Row) -> list[str]:
    lines = [
        [row["precision"], str(row["batch_size"]), f"{row['images_per_second']:.4g}"]
        for row in features["rows"]
    ]
    difference = features["relative_difference_from_cpu"]
    verdict = "as they must be" if difference <= TOLERANCE else "MORE THAN THEY MAY"
    return [
        table(["Inception", "images at a time", "images/s"], lines),
        f"Its float32 features differ from a CPU's by {difference:.1e} relative: {verdict} (at most"
        f" {TOLERANCE:.0e}).",
    ]


def _resume(resume: Row) -> str:
    if resume["is_exact"]:
        return "With TF_DETERMINISTIC_OPS=1 a resumed run ends with the same bits."
    names = ", ".join(resume["differing"])
    return f"With TF_DETERMINISTIC_OPS=1 a resumed run ENDS WITH OTHER BITS, in {names}."


def table(heading: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    rows = [heading, ["---"] * len(heading), *lines]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in rows)
