"""The values of a training reach the user's function, whose failure loses nothing."""

import pytest

from tests.training.test_loop import rows
from tf_ttur.errors import UserError
from tf_ttur.runs import open_run
from tf_ttur.training import loop
from tf_ttur.training.trackers import listener

pytestmark = pytest.mark.usefixtures("one_replica", "offline")


def test_how_the_function_is_called():
    calls = []
    listener(lambda update, values: calls.append((update, values)))(3, {"fid": 1.0})
    listener(lambda step, values: calls.append((step, values)))(4, {"fid": 2.0})

    def log(data, step=None, commit=None):  # as wandb.log; mlflow.log_metrics is alike
        calls.append((step, data))

    listener(log)(5, {"fid": 3.0})
    assert calls == [(3, {"fid": 1.0}), (4, {"fid": 2.0}), (5, {"fid": 3.0})]
    with pytest.raises(UserError, match="on_values is 'wandb'"):
        listener("wandb")


def test_every_row_comes_once_and_a_failure_loses_nothing(tiny, tmp_path):
    seen = []

    def collect(update, values):
        seen.extend((update, name, value) for name, value in values.items())
        if update == 3 and not failed:
            failed.append(True)
            raise KeyError("no such project")

    failed = []
    tiny.checkpoint_every_updates = 100
    tiny.evaluation.every_updates = 4
    with pytest.raises(UserError, match=r"update 3 \(KeyError: 'no such project'\)") as caught:
        loop.train(tiny, tmp_path / "run", on_values=collect)
    assert isinstance(caught.value.__cause__, KeyError)
    assert open_run(tmp_path / "run").checkpoints[-1] == 3
    loop.train(tiny, tmp_path / "run", on_values=collect)
    assert seen == rows(tmp_path / "run")
    assert "frechet_pixels" in {name for _, name, _ in seen}
