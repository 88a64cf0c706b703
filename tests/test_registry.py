"""Registries: names, and user-defined objects instead of names."""

import sys

import pytest

from tf_ttur import registry
from tf_ttur.errors import UserError
from tf_ttur.registry import Entry, Registry

FRUITS = Registry("fruit", {"apple": Entry(help="grows on trees"), "melon": Entry(help="does not")})


@pytest.fixture
def file(tmp_path):
    """A file with an entry, something else, and a count of how often it was run."""
    path = tmp_path / "fruits.py"
    path.write_text(
        "import pathlib\n"
        "from tf_ttur.registry import Entry\n"
        "import neighbour_of_fruits\n"
        "runs = pathlib.Path(__file__).with_name('runs')\n"
        "runs.write_text(runs.read_text() + '.' if runs.exists() else '.')\n"
        "PEAR = Entry(help=neighbour_of_fruits.HELP)\n"
        "STONE = 3\n"
    )
    (tmp_path / "neighbour_of_fruits.py").write_text("HELP = 'a pear'\n")
    return path


def test_a_name_is_found_and_an_unknown_one_lists_all():
    assert FRUITS.find("apple").help == "grows on trees"
    with pytest.raises(
        UserError, match=r"no fruit 'aple'\n.*one of apple, melon(.*\n)*.*mean apple"
    ):
        FRUITS.find("aple")


def test_an_object_of_a_file_is_found_and_the_file_is_run_once(file):
    assert FRUITS.find(f"{file}:PEAR").help == "a pear"
    assert FRUITS.find(f"{file}:PEAR") is FRUITS.find(f"{file}:PEAR")
    assert (file.parent / "runs").read_text() == "."
    assert str(file.parent) not in sys.path
    assert registry.file_of(f"{file}:PEAR") == file.resolve()
    assert len(registry.digest_of(f"{file}:PEAR")) == 64


def test_an_object_of_a_module_is_found(file, monkeypatch):
    monkeypatch.syspath_prepend(file.parent)
    assert FRUITS.find("fruits:PEAR").help == "a pear"
    assert registry.import_object("math:pi") == pytest.approx(3.14159, abs=1e-5)
    assert registry.digest_of("sys:path") is None  # no file


def test_what_does_not_fit_is_refused(file):
    with pytest.raises(UserError, match=r"STONE is not a valid fruit \(it is of type int"):
        FRUITS.find(f"{file}:STONE")
    with pytest.raises(UserError, match=r"has no PAER\n.*PEAR(.*\n)*.*did you mean PEAR\?"):
        FRUITS.find(f"{file}:PAER")
    with pytest.raises(UserError, match=r"there is no file nowhere\.py"):
        FRUITS.find("nowhere.py:PEAR")
    with pytest.raises(UserError, match="there is no module nowhere"):
        FRUITS.find("nowhere.at_all:PEAR")


def test_a_module_that_cannot_be_imported_says_why(tmp_path):
    for text, reason in (("1 / 0", "ZeroDivisionError"), ("import not_there", "not_there")):
        (tmp_path / "broken.py").write_text(text)
        with pytest.raises(UserError, match=reason):
            registry.import_object(f"{tmp_path}/broken.py:X")


def test_a_recorded_file_serves_where_the_word_leads_nowhere(file, tmp_path, monkeypatch):
    monkeypatch.chdir("/")
    registry.record("fruits_of_yesterday.py:PEAR", file)
    assert FRUITS.find("fruits_of_yesterday.py:PEAR").help == "a pear"
    registry.record("fruits_of_tomorrow:PEAR", tmp_path / "gone.py")
    with pytest.raises(
        UserError, match=r"which fruits_of_tomorrow:PEAR names; it used to be .*gone\.py"
    ):
        FRUITS.find("fruits_of_tomorrow:PEAR")


def test_the_key_of_a_registry_takes_its_names_and_own_objects():
    key = FRUITS.key("apple", "what to eat")
    assert key.rule.test("melon", {}) and key.rule.test("mine:FRUIT", {})
    assert key.rule.test("a/b.py:FRUIT", {}) and not key.rule.test("stone", {})
    assert key.rule.words.startswith("one of apple, melon")


def test_a_recorded_file_comes_before_one_of_the_current_folder(file, tmp_path, monkeypatch):
    other = tmp_path / "elsewhere"
    other.mkdir()
    (other / "fruits.py").write_text("PEAR = 1\n")
    monkeypatch.chdir(other)
    registry.record("fruits.py:PEAR", file)
    assert FRUITS.find("fruits.py:PEAR").help == "a pear"


def test_the_folder_that_is_searched_comes_first_and_its_modules_are_forgotten(tmp_path):
    words = {}
    for name in ("first", "second"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "seeds.py").write_text("import shared_by_seeds\nWORD = shared_by_seeds.WORD\n")
        (folder / "shared_by_seeds.py").write_text(f"WORD = {name!r}\n")
        for place in ("seeds.py", "seeds"):
            with registry.searching(folder):
                words[name, place] = registry.import_object(f"{place}:WORD")
        assert "shared_by_seeds" not in sys.modules
    assert words == {(name, place): name for name, place in words}


def test_a_module_of_a_package_is_found_again_by_its_file(tmp_path, monkeypatch):
    package = tmp_path / "orchard"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "trees.py").write_text("from . import roots\nDEPTH = roots.DEPTH\n")
    (package / "roots.py").write_text("DEPTH = 7\n")
    monkeypatch.chdir("/")
    registry.record("orchard.trees:DEPTH", package / "trees.py")
    assert registry.import_object("orchard.trees:DEPTH") == 7


def test_nothing_stands_before_the_names_of_the_entries(tmp_path, monkeypatch):
    (tmp_path / "tensorflow.py").write_text("floor = 'not the real one'\n")
    monkeypatch.chdir(tmp_path)
    assert callable(registry.import_object("tensorflow:floor"))


def test_an_own_entry_with_keys_of_its_own_is_refused(tmp_path):
    (tmp_path / "plum.py").write_text(
        "from tf_ttur.registry import Entry, Key\nPLUM = Entry(keys={'taste': Key(1, 'sour')})\n"
    )
    with pytest.raises(UserError, match="it has the key taste, which no fruit of tf_ttur has"):
        FRUITS.find(f"{tmp_path}/plum.py:PLUM")
