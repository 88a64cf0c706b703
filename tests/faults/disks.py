"""Trains on a disk that is too small, and makes it larger step by step.

    unshare --map-root-user --mount python -m tests.faults.disks --steps 10 --output
    docs/results/reliability/disks.json

The run folder and the cache lie on a file system in memory. It cannot be written at first; then it
has a tenth of the room that the training needs, two tenths and so on, and the same command is given
again each time that it ends for want of room. What is left in the end must be equal, bit for bit,
to what a training with enough room leaves. Needs Linux and the right to mount, which `unshare`
gives to everybody on most systems.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

from tests.faults import kills
from tf_ttur.commands import flags, program
from tf_ttur.io import files

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
        ended with, and what differed. A start that
      ends for another reason fails, and so does a disk of four times the room.
    """
    from tests.metrics.mini_inception import graph_bytes

    disk = folder / "disk"
    disk.mkdir()
    (folder / "card.py").write_text(_CARD)
    (folder / "graph.pb").write_bytes(graph_bytes())

    def train(place):
        flags = [
            "--config",
            folder / "card.py",
            "--workdir",
            place / "run",
            "--inception",
            folder / "graph.pb",
        ]
        line = [sys.executable, "-m", "tf_ttur.train", *flags]
        return subprocess.run(
            line,
            env=os.environ | {"TF_TTUR_CACHE": str(place / "cache")},
            capture_output=True,
            text=True,
            check=False,
        )

    whole = train(folder / "whole")
    assert whole.returncode == 0, whole.stderr
    needed = sum(path.stat().st_size for path in (folder / "whole").rglob("*") if path.is_file())
    starts, room = [], 0
    _mount("-t", "tmpfs", "-o", "ro", "tmpfs", disk)
    try:
        for number in range(4 * steps):
            if number:
                room += needed // steps
                _mount("-o", f"remount,rw,size={room}", disk)
            ended = train(disk)
            error = (
                ended.stderr[ended.stderr.find("error:") :].strip()
                if "error:" in ended.stderr
                else ""
            )
            said = "No space left" in error or "Read-only file system" in error
            assert "Traceback" not in ended.stderr and ended.returncode == (2 if said else 0), (
                ended.stderr
            )
            starts.append(
                {
                    "room": room // 1024,
                    "status": ended.returncode,
                    "error": error.replace(str(disk), "DISK").partition("\n")[0],
                }
            )
            if not ended.returncode:
                break
        shutil.copytree(disk, folder / "copy")
    finally:
        subprocess.run(["umount", disk], check=True)
    assert starts[-1]["status"] == 0, starts[-1]
    different = kills.differences(
        kills.fingerprint(folder / "whole/run"), kills.fingerprint(folder / "copy/run")
    )
    return {
        "needed": needed // 1024,
        "room": room // 1024,
        "starts": starts,
        "different": different,
    }


def _mount(*arguments):
    subprocess.run(["mount", *arguments], check=True)


def main():
    parser = flags.parser(__doc__, "")
    parser.add_argument("--steps", type=flags.positive, default=10)
    parser.add_argument("--output", type=pathlib.Path, help="for the report")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        report = campaign(arguments.steps, pathlib.Path(folder))
    text = json.dumps(report, indent=1) + "\n"
    print(text, end="")
    if arguments.output:
        with files.atomic(arguments.output, "w") as file:
            file.write(text)
    sys.exit(bool(report["different"]))


if __name__ == "__main__":
    program.run(main)
