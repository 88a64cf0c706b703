"""Words of a user that name files and folders, and that they become paths in one place."""

import ast
import os
import pathlib

import pytest

from tests.conftest import ROOT
from tf_ttur import runs
from tf_ttur.errors import UserError
from tf_ttur.io import cache, outputs, paths

PACKAGE = ROOT / "tf_ttur"

# {file: the calls in it that build a path and are no reading of a user's word, and why}
ALLOWED = {
    "io/paths.py": {"path.expanduser()", "pathlib.Path(text)"},  # the one place
    # Files that this program names itself, inside a folder or beside a file that was read by
    # `paths.local`, or temporary ones.
    "commands/prepare.py": {"pathlib.Path('data', name)"},  # of a data set, where cards look
    "commands/restart.py": {"pathlib.Path(name)"},  # made from that of a run folder
    "config/files.py": {"pathlib.Path(path)"},
    "data/samples.py": {
        "pathlib.Path(folder, 'lines.txt')",
        "pathlib.Path(folder, f'{number:0{digits}d}.png')",
    },
    "data/shards.py": {"pathlib.Path(folder, file_name)"},
    "data/sources/given.py": {"pathlib.Path(filename)"},  # of a memory-mapped array
    "data/sources/hugging_face.py": {"pathlib.Path(value['path'])"},  # of a data set's column
    "data/sources/on_disk.py": {"pathlib.Path(name)"},
    "data/sources/tar.py": {"pathlib.Path(name)"},  # of a path with braces, read before
    "data/sources/tfds_builders.py": {"pathlib.Path(folder)"},  # of TFDS, which has read it
    "data/text.py": {"pathlib.Path(temporary)"},
    "io/cache.py": {"pathlib.Path(path)"},
    "io/files.py": {
        *("pathlib.Path(folder, name)", "pathlib.Path(path)", "pathlib.Path(temporary)"),
    },
    "metrics/extraction.py": {"pathlib.Path(path)"},
    "metrics/inception/weights.py": {"pathlib.Path(path)"},  # of `locate`
    "metrics/ngrams.py": {"pathlib.Path(folder)"},  # in the cache
    "metrics/own_networks.py": {
        *("pathlib.Path(file)", "pathlib.Path(text)"),  # of code; whether a word names a network
    },
    "studies/execution.py": {"pathlib.Path(tf_ttur.__file__)"},
    "training/export.py": {"pathlib.Path(temporary)"},
    "training/gpu_report.py": {"pathlib.Path(name)"},  # temporary
    "training/own_objects.py": {"pathlib.Path(now['file'] or word)"},  # for its name alone
    "training/run_folder.py": {"pathlib.Path(name)"},
    "training/speed.py": {"pathlib.Path(folder)"},  # temporary
    "training/state.py": {"pathlib.Path(checkpoint)"},
    # A path that was read already, made absolute.
    "data/prepare.py": {"pathlib.Path(os.path.abspath(paths.local(output, '--output')))"},
}
# The ground may not import `io`. It looks for the file of PATH.py:OBJECT along `sys.path`.
GROUND = PACKAGE / "registry.py"


def calls_that_build_paths(tree):
    """The source text of each, except for paths of constants and of `__file__`."""
    for node in ast.walk(tree):
        is_type = isinstance(node, ast.keyword) and node.arg == "type"  # of a flag
        if is_type and ast.unparse(node.value).endswith("Path"):
            yield ast.unparse(node.value)
        if not isinstance(node, ast.Call):
            continue
        function = ast.unparse(node.func)
        name = function.rpartition(".")[2]
        if function == "nash.Path":  # a path between two checkpoints
            continue
        if name not in ("Path", "PurePath", "PosixPath", "expanduser", "expandvars"):
            continue
        words = node.args
        if name == "Path" and all(isinstance(word, ast.Constant) for word in words):
            continue
        if [ast.unparse(word) for word in words] == ["__file__"]:
            continue
        yield ast.unparse(node)


def test_no_other_place_builds_a_path_from_a_word():
    built = {}
    for path in sorted({*PACKAGE.rglob("*.py")} - {GROUND}):
        for call in calls_that_build_paths(ast.parse(path.read_text(encoding="utf-8"))):
            built.setdefault(path.relative_to(PACKAGE).as_posix(), set()).add(call)
    new = {file: calls - ALLOWED.get(file, set()) for file, calls in built.items()}
    assert {file: calls for file, calls in new.items() if calls} == {}, (
        "read the word by tf_ttur.io.paths.local, or add a path that is no word to ALLOWED"
    )
    old = {file: calls - built.get(file, set()) for file, calls in ALLOWED.items()}
    assert {file: calls for file, calls in old.items() if calls} == {}, "remove it from ALLOWED"


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_pipes_and_devices_are_refused(home):
    os.mkfifo("pipe")
    for word in ("pipe", "./pipe", "/dev/null"):
        with pytest.raises(UserError, match="is a pipe or a device"):
            paths.local(word, "SOURCE")


def test_what_tensorflow_writes_has_a_name_in_utf_8(home):
    (home / "caf\udce9").mkdir()
    for check in (outputs.check_folder, runs.open_run):
        with pytest.raises(UserError, match=r"caf\\udce9 is not valid UTF-8"):
            check("caf\udce9")


def test_the_home_folder_is_expanded(home):
    assert paths.local("~", "--output") == home
    assert paths.local("~/runs/a", "--output") == home / "runs/a"
    assert paths.local(pathlib.Path("~/runs"), "--output") == home / "runs"


@pytest.mark.parametrize(
    "word", ["a", "a/b.npz", "/a/b", "./a", "a b", "sweep[lr=1e-4]/[/run]", "a~", "sweep:/run", "é"]
)
def test_other_words_are_what_they_are(home, word):
    assert paths.local(word, "--output") == pathlib.Path(word)


@pytest.mark.parametrize("word", ["./~run", "./gs:/run", "~/a", "a"])
def test_a_path_that_was_read_is_not_read_differently_again(home, word):
    path = paths.local(word, "--output")
    assert paths.local(path, "--output") == path
    assert path.is_relative_to(home) or word == "a"


@pytest.mark.parametrize(
    "word, message",
    [
        ("", r"--output is empty\n"),
        ("a\0b", r"--output holds a NUL character"),
        ("gs://bucket/run", r"--output is gs://bucket/run\n.*on this machine\n.*gs://"),
        ("s3://bucket/run", "on this machine"),
        ("http://example.org/a.zip", "on this machine"),
        ("HTTPS://example.org/a.zip", "on this machine"),
        ("my-own+fs://a", "on this machine"),
        (pathlib.Path("gs://bucket/run"), "on this machine"),
        ("file:///home/a", r"without file://"),
        ("~no-such-user/a", "there is no such home folder"),
    ],
)
def test_words_that_are_no_local_paths(word, message):
    with pytest.raises(UserError, match=message):
        paths.local(word, "--output")


@pytest.mark.parametrize("variable", ["TF_TTUR_CACHE", "XDG_CACHE_HOME"])
def test_the_cache_may_lie_in_the_home_folder(home, monkeypatch, variable):
    monkeypatch.delenv("TF_TTUR_CACHE", raising=False)
    monkeypatch.setenv(variable, "~/kept")
    assert cache.folder().is_relative_to(home / "kept")
    monkeypatch.setenv(variable, "gs://bucket/kept")
    with pytest.raises(UserError, match=f"{variable} is gs://bucket/kept"):
        cache.folder()


def test_the_usual_cache(home, monkeypatch):
    monkeypatch.delenv("TF_TTUR_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert cache.folder() == home / ".cache/tf_ttur"
