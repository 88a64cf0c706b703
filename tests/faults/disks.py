"""Trains on a disk that is too small, and enlarges it step by step.

    unshare --map-root-user --mount python -m tests.faults.disks --steps 10 \\
        --output docs/results/reliability/disks.json

The run folder and the cache lie on a file system in memory. At first it is read-only. Then it has a
tenth of the space that the training needs, two tenths and so on; the same command is given again
each time that it ends because the disk is full. The result must be equal, bit for bit, to that of a
training with enough space. Needs Linux and the right to mount, which `unshare` gives to every user
on most systems.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

from tests.faults import kills, programs
from tf_ttur.commands import flags, program

_CARD = """from tests.faults import kills


def get_config(variant="tiny"):
    return kills.small_config()
"""


def campaign(steps, folder):
    """Gives the command until the disk is large enough.

    Args:
      steps: how many times the disk would have to grow to hold what a training leaves.
      folder: an empty one.

    Returns:
      Dict: KiB that the training leaves and that the disk had in the end, the starts with what each
        ended with, and what differed. A start that ends for another reason fails, and so does a
        disk of four times the space.
    """
    from tests.metrics.mini_inception import graph_bytes

    disk = folder / "disk"
    disk.mkdir()
    (folder / "card.py").write_text(_CARD, encoding="utf-8")
    (folder / "graph.pb").write_bytes(graph_bytes())

    ample = folder / "ample"
    process = _train(folder, ample)
    assert process.returncode == 0, process.stderr
    needed = sum(path.stat().st_size for path in ample.rglob("*") if path.is_file())
    starts = []
    space = 0
    _mount("-t", "tmpfs", "-o", "ro", "tmpfs", disk)
    try:
        for number in range(4 * steps):
            if number:
                space += needed // steps
                _mount("-o", f"remount,rw,size={space}", disk)
            process = _train(folder, disk)
            error = _error_of(process)
            message = error.replace(str(disk), "DISK").partition("\n")[0]
            status = process.returncode
            starts.append({"room": space // 1024, "status": status, "error": message})
            if status == 0:
                break
        shutil.copytree(disk, folder / "copy")
    finally:
        subprocess.run(["umount", disk], check=True)
    assert starts[-1]["status"] == 0, starts[-1]
    different = kills.differences(
        kills.fingerprint(ample / "run"), kills.fingerprint(folder / "copy/run")
    )
    return {
        "needed": needed // 1024,
        "room": space // 1024,
        "starts": starts,
        "different": different,
    }


def _train(folder, place):
    """Gives the command; its run folder and cache lie in `place`."""
    line = [sys.executable, "-m", "tf_ttur.train"]
    line += ["--config", folder / "card.py", "--inception", folder / "graph.pb"]
    line += ["--workdir", place / "run"]
    environment = os.environ | {"TF_TTUR_CACHE": str(place / "cache")}
    return subprocess.run(line, env=environment, capture_output=True, text=True, check=False)


def _error_of(process):
    """The message of a process that ended because it could not write; "" if it succeeded."""
    start = process.stderr.find("error:")
    error = process.stderr[start:].strip() if start >= 0 else ""
    cannot_write = "No space left" in error or "Read-only file system" in error
    assert "Traceback" not in process.stderr, process.stderr
    assert process.returncode == (2 if cannot_write else 0), process.stderr
    return error


def _mount(*arguments):
    subprocess.run(["mount", *arguments], check=True)


def main():
    parser = programs.parser(__doc__, "disks")
    parser.add_argument(
        "--steps", type=flags.positive, default=10, help="that the disk takes to its size [10]"
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        report = campaign(arguments.steps, pathlib.Path(folder))
    print(programs.as_json(report), end="")
    programs.write(report, arguments.output)
    sys.exit(bool(report["different"]))


if __name__ == "__main__":
    program.run(main)
