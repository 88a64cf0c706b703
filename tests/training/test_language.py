"""A run of the language experiment, from shards to sample lines."""

import json

import pytest
import tensorflow as tf

from tests.conformance.models import build, write_lines
from tests.conftest import assert_refused
from tests.training.test_loop import rows
from tf_ttur.errors import UserError
from tf_ttur.training import loop


@pytest.fixture
def language(tmp_path):
    """A config of short lines that trains in seconds."""
    (tmp_path / "data").mkdir()
    changes = {
        "updates": 2,
        "evaluation.every_updates": 1,
        "evaluation.num_samples": 40,
        "evaluation.sample_batch_size": 16,
    }
    changes |= {"samples_every_updates": 1, "checkpoint_every_updates": 1, "log_every_updates": 1}
    return build("language", tmp_path / "data", **changes)


@pytest.mark.usefixtures("one_replica")
def test_a_run_leaves_its_folder(language, tmp_path, cache, tool):
    folder = tmp_path / "run"
    export = loop.train(language, folder)
    names = [f"jsd_{n}" for n in range(1, 7)]
    assert [row[:2] for row in rows(folder) if row[1].startswith("jsd")] == [
        (update, name) for update in range(3) for name in names
    ]
    assert all(0 < row[2] <= 1 for row in rows(folder) if row[1].startswith("jsd"))
    vocabulary = json.loads((folder / "vocabulary.json").read_text())
    assert vocabulary[0] == "unk" and set(vocabulary[1:]) == set("abcd `")
    lines = (folder / "samples/0000002.txt").read_text().splitlines()
    assert len(lines) == 64 and all(set(line.replace("unk", "")) <= set("abcd `") for line in lines)
    [events] = folder.glob("events.*")
    shown = [
        value
        for event in tf.compat.v1.train.summary_iterator(str(events))
        for value in event.summary.value
        if value.tag == "samples"
    ]
    assert len(shown) == 3 and lines[0] in shown[-1].tensor.string_val[0].decode()
    [part] = json.loads((folder / "environment.json").read_text())
    assert (
        set(part["evaluation"]["floor"]) == set(names)
        and part["evaluation"]["floor"]["jsd_1"] < 0.05
    )
    made = tf.saved_model.load(str(export)).signatures["sample"](
        count=tf.constant(5), seed=tf.constant(0)
    )["lines"]
    assert made.shape == (5,) and made.dtype == tf.string
    assert len(list((cache / "ngrams").iterdir())) == 1
    process = tool(
        "tools/sample.py", export, "--count", 5, "--seed", 0, "--output", tmp_path / "lines"
    )
    assert process.returncode == 0 and process.stdout == f"{tmp_path / 'lines'}: 5 lines\n"
    assert (tmp_path / "lines/lines.txt").read_bytes().split(b"\n") == [*made.numpy(), b""]
    process = tool("tools/fid.py", export, "digits:10")
    assert process.returncode == 2 and "generates lines" in process.stderr

    parts = json.loads((folder / "environment.json").read_text())
    parts[-1]["evaluation"]["floor"]["jsd_6"] += 1e-15  # another machine's rounding
    (folder / "environment.json").write_text(json.dumps(parts))
    before = rows(folder)
    language.updates = 3
    loop.train(language, folder)  # goes on
    assert rows(folder)[: len(before)] == before and rows(folder)[-1][:2] == (3, "jsd_6")

    (folder / "vocabulary.json").rename(tmp_path / "vocabulary.json")
    assert_refused(
        tool("tools/export.py", folder, "--output", tmp_path / "export"),
        "vocabulary.json cannot be read",
    )
    (folder / "vocabulary.json").write_text('{"a": 1}')
    assert_refused(
        tool("tools/export.py", folder, "--output", tmp_path / "export"), "not a list of symbols"
    )
    (tmp_path / "vocabulary.json").rename(folder / "vocabulary.json")

    (tmp_path / "data/lines.txt").write_text("other symbols\n" * 100)
    with pytest.raises(UserError, match="holds a run with 7 symbols"):
        loop.train(language, folder)


def test_too_few_lines(language, tmp_path):
    write_lines(tmp_path / "data", count=5)
    with pytest.raises(UserError, match="5 lines"):
        loop.train(language, tmp_path / "run")
    assert not (tmp_path / "run").exists()
