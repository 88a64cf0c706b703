"""What the benchmarks of this folder share: rounds that take turns, a table, and the machine."""

import os
import pathlib
import platform
import statistics
import sys
import time

from tf_ttur.io import console, files

# PyTorch would load Triton, which compiles for GPUs only, and which crashes in a process that has
# loaded TensorFlow: both bring LLVM.
sys.modules.setdefault("triton", None)

ROUNDS = 5


def measure(rows, count, rounds=ROUNDS):
    """Runs every row once per round, so that a slow moment of the machine does not matter.

    Args:
      rows: {name: function that does `count` units of work}. They have been called before: what
        only a first call does is not measured.
      count: units of work of one call.
      rounds: number of rounds.

    Returns:
      {name: [units per second in each round]}.
    """
    rates = {name: [] for name in rows}
    for number in range(rounds):
        console.say(f"round {number + 1} of {rounds}")
        for name, run in rows.items():
            start = time.perf_counter()
            run()
            rates[name].append(count / (time.perf_counter() - start))
    return rates


def table(rates, unit, targets=None, operations=None, peaks=None):
    """The result of `measure` as text, with medians.

    Args:
      rates: as `measure` returns them.
      unit: of the rates.
      targets: {row: (another row, target)}: the median over all rounds of their ratio is shown.
      operations: floating-point operations of one unit of work.
      peaks: {precision: `peak` of the machine}, for the share that each row reaches. The name of a
        row ends with its precision, or has it before a comma.
    """
    width = max(map(len, rates))
    heading = f"{'':{width}}  {unit:>9}   lowest to highest"
    if operations:
        heading += "   GFLOP/s   of the peak"
    lines = [heading]
    for name, values in rates.items():
        middle = statistics.median(values)
        line = f"{name:{width}}  {middle:9.3g}   {min(values):.3g} to {max(values):.3g}"
        if operations:
            speed = operations * middle
            precision = "bfloat16" if "bfloat16" in name else "float32"
            line = f"{line:{width + 33}}{speed / 1e9:7.0f}   {speed / peaks[precision]:.0%}"
        other, target = (targets or {}).get(name, (None, None))
        if other in rates:
            ratio = statistics.median(
                ours / theirs for ours, theirs in zip(values, rates[other], strict=True)
            )
            line = f"{line:{width + 52}} {ratio:.2f} times {other} (target: {target})"
        lines.append(line)
    return "\n".join(lines)


def describe_peaks(peaks):
    """The result of `peaks` of `tf_ttur.metrics.speed` as a line of text."""
    values = ", ".join(f"{value / 1e9:.0f} GFLOP/s in {name}" for name, value in peaks.items())
    return f"matrix products: {values}"


def machine():
    """Processor, GPUs and versions, on which the numbers depend."""
    import tensorflow as tf

    cpu = {}
    if os.path.exists("/proc/cpuinfo"):
        text = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8")
        for line in text.splitlines():
            key, _, value = line.partition(":")
            cpu[key.strip()] = value.strip()
    units = [
        flag
        for flag in cpu.get("flags", "").split()
        if flag in ("avx2", "avx512f", "avx512_bf16", "amx_bf16")
    ]
    gpus = [
        tf.config.experimental.get_device_details(gpu).get("device_name", "GPU")
        for gpu in tf.config.list_physical_devices("GPU")
    ]
    model = cpu.get("model name") or platform.processor() or platform.machine()
    processor = f"{model}, {os.cpu_count()} cores ({' '.join(units)})"
    packages = ("tf_ttur", "tensorflow", "torch", "torch-fidelity")
    versions = [f"{name} {files.version(name)}" for name in packages]
    return f"{processor}, {', '.join(gpus) or 'no GPU'}\n{', '.join(versions)}"
