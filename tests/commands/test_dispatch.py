"""All commands and their doors: help, misspelled names, and how a process ends."""

import os
import subprocess
import sys

import pytest

from tests.commands.processes import run
from tests.conftest import ROOT, assert_refused
from tf_ttur import commands
from tf_ttur.commands import flags, program
from tf_ttur.errors import Stopped, UserError

# {door in tools/: command}
DOORS = {
    "benchmark": "benchmark",
    "curve": "curve",
    "disturb": "disturb",
    "export": "export",
    "fid": "fid",
    "list_configs": "list",
    "merge_stats": "merge-stats",
    "nash": "nash",
    "precalc_stats": "stats",
    "prepare_data": "prepare",
    "report": "report",
    "saddle": "saddle",
    "sample": "sample",
    "search": "search",
    "study": "study",
    "theory": "theory",
    "verify": "verify",
}


@pytest.fixture
def parsers(monkeypatch):
    """The parsers that have printed their help, in order."""
    printed = []
    format_help = flags.Parser.format_help

    def record(parser):
        printed.append(parser)
        return format_help(parser)

    monkeypatch.setattr(flags.Parser, "format_help", record)
    return printed


@pytest.mark.parametrize("flag", ["-h", "--help"])
@pytest.mark.parametrize("name", commands.COMMANDS)
def test_help_of_every_command(name, flag, parsers, capsys):
    with pytest.raises(SystemExit) as end:
        commands.main([name, flag])
    assert end.value.code == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    assert captured.out.startswith(f"usage: tf-ttur {name} ")
    [parser] = parsers
    groups = [group for group in parser._action_groups if group._group_actions]
    for group in groups:
        assert f"\n{group.title}:\n" in captured.out
    assert max(map(len, parser.description.splitlines())) <= 100
    lines = [line.strip() for line in parser.description.splitlines()]
    assert any(line.startswith(f"tf-ttur {name}") for line in lines), "no example of the command"


def test_every_command_but_train_has_a_door():
    assert {path.stem for path in (ROOT / "tools").glob("*.py")} == set(DOORS)
    assert {*DOORS.values(), "train"} <= set(commands.COMMANDS)


@pytest.mark.parametrize("door, name", DOORS.items())
def test_doors(door, name, tool, monkeypatch, tmp_path):
    text = (ROOT / f"tools/{door}.py").read_text(encoding="utf-8")
    assert text == (
        f'"""The command `tf-ttur {name}`, from a checkout."""\n\n'
        "from tf_ttur import commands\n\n"
        'if __name__ == "__main__":\n'
        f'    commands.main(["{name}", *commands.arguments()])\n'
    )
    monkeypatch.chdir(tmp_path)
    process = tool(f"tools/{door}.py", "--help")
    assert process.returncode == 0
    assert process.stdout.startswith(f"usage: tf-ttur {name} ")


@pytest.mark.parametrize(
    "arguments, command",
    [
        (["tools/fid.py"], "fid"),
        (["-m", "tf_ttur.train"], "train"),
        (["-m", "tf_ttur", "fid"], "fid"),
    ],
)
def test_processes_from_any_folder(arguments, command, tmp_path):
    process = run(*arguments, "--help", cwd=tmp_path)
    assert process.returncode == 0
    assert process.stderr == ""
    assert process.stdout.startswith(f"usage: tf-ttur {command} ")


def test_an_unknown_command(tmp_path):
    process = run("-m", "tf_ttur", "trian", "--config", "svhn", cwd=tmp_path)
    assert_refused(process, "no command 'trian'", "did you mean train?")


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"], ["help"]])
def test_no_command_prints_the_usage(arguments, capsys):
    commands.main(arguments)
    captured = capsys.readouterr()
    assert captured.err == ""
    assert "usage: tf-ttur COMMAND" in captured.out
    for name, command in commands.COMMANDS.items():
        assert f"  {name} " in captured.out
        assert command.help in captured.out


def test_no_command_is_a_success(tmp_path):
    process = run("-m", "tf_ttur", cwd=tmp_path)
    assert process.returncode == 0
    assert process.stdout.startswith("GAN training")


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("arguments", [["list"], ["train", "--help"]])
def test_a_reader_that_stops_reading_is_no_error(arguments, unbuffered):
    """As with `tf-ttur list | head -1`, here with a reader that reads nothing at all."""
    reading, writing = os.pipe()
    os.close(reading)
    process = subprocess.run(
        [sys.executable, "-m", "tf_ttur", *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONUNBUFFERED": unbuffered},
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(writing)
    # argparse takes no notice when it cannot print its help.
    assert process.returncode == (0 if "--help" in arguments else 141)
    assert process.stderr == ""


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_results_that_cannot_be_written_are_an_error():
    with open("/dev/full", "w", encoding="utf-8") as full:
        process = subprocess.run(
            [sys.executable, "-m", "tf_ttur", "list", "--json"],
            cwd=ROOT,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert process.returncode == 2
    assert process.stderr.startswith("error: [Errno 28]")
    assert "Traceback" not in process.stderr


@pytest.mark.parametrize(
    "error, status, message",
    [
        (UserError("a", "b", "c"), 2, "error: a\n  expected: b\n  to do:    c\n"),
        (FileNotFoundError(2, "No such file", "x"), 2, "error: [Errno 2] No such file: 'x'\n"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
        (Stopped(15), 143, "stopped by SIGTERM; the same command resumes from here\n"),
        (SystemExit(3), 3, ""),
    ],
)
def test_exit_statuses(error, status, message, capsys):
    def main():
        raise error

    with pytest.raises(SystemExit) as end:
        program.run(main)
    assert end.value.code == status
    assert capsys.readouterr().err.startswith(message)


@pytest.mark.parametrize(
    "visible, words",
    [
        (None, ["Install tensorflow[and-cuda]"]),
        ("7", ["CUDA_VISIBLE_DEVICES is 7", "install tensorflow[and-cuda]"]),
        ("", []),
        ("-1", []),
        (" -1", []),
        ("-1,0", []),
        ("NoDevFiles", []),
    ],
)
def test_advice_on_a_gpu_unless_it_is_hidden(visible, words, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(program, "_NVIDIA_DRIVER", tmp_path)
    if visible is None:
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    else:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    program.start_tensorflow()  # without a GPU, as of all tests
    message = capsys.readouterr().err
    assert bool(message) == bool(words)
    for word in words:
        assert word in message
    monkeypatch.setattr(program, "_NVIDIA_DRIVER", tmp_path / "missing")
    program.start_tensorflow()
    assert capsys.readouterr().err == ""
