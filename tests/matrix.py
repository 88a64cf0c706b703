"""A short set of tests with each supported Python, and with the lowest and newest packages.

    make test-matrix
    .venv-release/bin/python tests/matrix.py 3.12 lowest    # only these environments

Each environment is made in a temporary folder (2 to 3 GB) and removed after its tests. Needs uv,
which `make install-release` installs. A Python that this machine does not have is left out, and the
table says so.
"""

import argparse
import pathlib
import shutil
import subprocess
import sys
import tempfile
import tomllib
from typing import NamedTuple

ROOT = pathlib.Path(__file__).parent.parent
# What depends most on the versions of other packages: two minutes on two free cores.
TESTS = [
    *("tests/io/test_console.py", "tests/losses", "tests/optimizers"),
    *("tests/original/test_training.py", "tests/original/test_measures.py"),
    *("tests/metrics/test_frechet.py", "tests/metrics/test_inception.py"),
    "tests/data/test_decoding.py",
    *("tests/training/test_export.py", "tests/test_earlier_runs.py", "tests/test_keras.py"),
]
SHOWN = ("tensorflow", "keras", "numpy", "scipy", "pillow", "protobuf")


class Environment(NamedTuple):
    """What the tests run in.

    Attributes:
      python: the version of Python.
      packages: "locked" (requirements.txt), "lowest" (what pyproject.toml admits) or "newest".
    """

    python: str
    packages: str


ENVIRONMENTS = {
    "3.11": Environment("3.11", "locked"),
    "3.12": Environment("3.12", "locked"),
    "3.13": Environment("3.13", "locked"),
    "lowest": Environment("3.11", "lowest"),
    "newest": Environment("3.13", "newest"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(ENVIRONMENTS)}")
    names = parser.parse_args().names or list(ENVIRONMENTS)
    if unknown := set(names) - set(ENVIRONMENTS):
        parser.error(f"there is no environment {', '.join(sorted(unknown))}")
    rows = []
    for name in names:
        folder = pathlib.Path(tempfile.mkdtemp(prefix=f"tf-ttur-{name}-"))
        try:
            rows.append([name, *run(ENVIRONMENTS[name], folder)])
        finally:
            shutil.rmtree(folder)
    print("\n| environment | Python | " + " | ".join(SHOWN) + " | tests |")
    print("|---" * (len(SHOWN) + 3) + "|")
    for row in rows:
        print("| " + " | ".join(row) + " |")
    sys.exit(any(row[-1] != "pass" and not row[-1].startswith("not run") for row in rows))


def run(environment: Environment, folder: pathlib.Path) -> list[str]:
    """The row of one environment: versions of Python and of SHOWN, and the outcome."""
    python = str(folder / "venv/bin/python")
    unknown = [environment.python, *["-"] * len(SHOWN)]
    try:
        uv("venv", "--no-python-downloads", "--python", environment.python, folder / "venv")
    except subprocess.CalledProcessError as error:
        print(error.stderr, file=sys.stderr)
        return [*unknown, "not run: this Python is not here"]
    try:
        install = ("pip", "install", "--python", python)
        uv(*install, "--requirement", requirements(environment, folder))
        uv(*install, "--no-deps", "--no-build-isolation", "--editable", ROOT)
    except subprocess.CalledProcessError as error:
        print(error.stderr, file=sys.stderr)
        return [*unknown, "fail: cannot be installed"]
    command = [python, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider"]
    status = subprocess.run([*command, "-m", "not slow", *TESTS], cwd=ROOT).returncode
    code = f"""
import importlib.metadata, platform
print(platform.python_version(), *map(importlib.metadata.version, {SHOWN}))
"""
    versions = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    return [*versions.stdout.split(), "fail" if status else "pass"]


def requirements(environment: Environment, folder: pathlib.Path) -> pathlib.Path:
    """The file of the packages to install."""
    if environment.packages == "locked":
        return ROOT / "requirements.txt"
    compiled = folder / "requirements.txt"
    bounds = folder / "bounds.txt"
    bounds.write_text("\n".join(lowest() if environment.packages == "lowest" else []))
    uv(
        *("pip", "compile", "--python-version", environment.python),
        *("--extra", "test", "--constraint", bounds, "--output-file", compiled),
        ROOT / "pyproject.toml",
    )
    return compiled


def lowest() -> list[str]:
    """Each dependency at run time, at the lowest version that pyproject.toml admits."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return [word.replace(">=", "==") for word in settings["project"]["dependencies"]]


def uv(*arguments: object) -> None:
    """Runs uv. Raises `subprocess.CalledProcessError`."""
    program = pathlib.Path(sys.executable).parent / "uv"
    subprocess.run([program, *map(str, arguments)], check=True, capture_output=True, text=True)


if __name__ == "__main__":
    main()
