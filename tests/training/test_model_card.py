"""The folder for the Hugging Face Hub, read by the Hub's own client."""

import json
import re
import shutil

import numpy as np
import PIL.Image
import pytest
from huggingface_hub import ModelCard

from tests.conftest import ROOT
from tf_ttur import config as configs
from tf_ttur.commands import main
from tf_ttur.runs import open_run
from tf_ttur.training import model_card

RUN = ROOT / "tests/runs/dcgan"


@pytest.mark.parametrize("card", ["cifar10", "billion_word"])
def test_the_hub_reads_the_card(card):
    config = configs.load(card)
    values = {"fid": 36.875, "kid": 0.03125}
    read = ModelCard(model_card.render(config, 75_000, values))
    assert read.data.tags[:3] == ["gan", "ttur", "tf_ttur"]
    assert {result.metric_type: result.metric_value for result in read.data.eval_results} == values
    assert {result.dataset_name for result in read.data.eval_results} == {
        config.data.source or config.data.dir
    }
    assert f"# {card}-ttur-seed0" in read.text and "| fid | 36.88 |" in read.text


def test_a_card_without_values():
    read = ModelCard(model_card.render(configs.load("cifar10"), 0, {}))
    assert read.data.eval_results is None
    assert "## Evaluation" not in read.text


@pytest.mark.filterwarnings("ignore:.*The covariance is singular")
def test_a_run_becomes_a_folder_for_the_hub(tmp_path, capsys):
    shutil.copytree(RUN, tmp_path / "run")
    (tmp_path / "run/samples").mkdir()
    for update in (1, 2, 3):
        picture = PIL.Image.new("RGB", (update, 1))
        picture.save(tmp_path / f"run/samples/{update:07}.png")
    folder = tmp_path / "hub"
    main(["export", str(tmp_path / "run"), "--format", "hf", "--output", str(folder)])
    assert "generator after 2 updates" in capsys.readouterr().out
    read = ModelCard.load(folder / "README.md")
    [row] = [row for row in open_run(RUN).rows if row["update"] == 2 and "/" not in row["name"]]
    [result] = read.data.eval_results
    assert (result.metric_type, result.metric_value) == (row["name"], row["value"])
    assert json.loads((folder / "config.json").read_text("utf-8"))["updates"] == 2
    [picture] = re.findall(r"\]\((\S+\.png)\)", read.text)
    with PIL.Image.open(folder / picture) as image:
        assert image.width == 2  # that of the exported update
    [code] = re.findall(r"```python\n(.*?)```", read.text, re.DOTALL)
    names = {}
    exec(code.replace("PATH/OF/THIS/FOLDER", str(folder)), names)
    images = names["samples"]["images"].numpy()
    assert images.shape == (16, 32, 32, 3) and images.dtype == np.uint8
