import hashlib
import json

import pytest
import torch

from pipelines.io.errors import ConfigError, ContractError
from pipelines.models.backbones import build_backbone
from pipelines.models.heads import build_classifier, take_backbone
from pipelines.models.weights import load_classifier, load_model
from pipelines.pretraining.import_weights import build_parser, main


@pytest.fixture
def published(tmp_path):
    """A file in our own layout, and the network that it is of."""
    network = build_backbone("r2plus1d-tiny", 3)
    state = {f"backbone.{key}": value for key, value in network.state_dict().items()}
    torch.save({"state": state | {"fc.weight": torch.zeros(2, 64)}}, tmp_path / "published.pt")
    return tmp_path / "published.pt", network


@pytest.fixture
def take(tmp_path):
    def run(path, backbone="r2plus1d-tiny", layout="ours"):
        config = json.dumps({"backbone": backbone, "layout": layout})
        out = tmp_path / "out" / "official.pt"
        line = ["--config", config, "--weights", str(path), "--out", str(out)]
        main(build_parser().parse_args(line))
        return out

    return run


def test_the_backbone_is_that_of_the_file(published, take):
    path, network = published

    found, meta = load_classifier(take(path), "import_weights")

    assert (meta.backbone, meta.modality, meta.num_classes) == ("r2plus1d-tiny", "rgb", 0)
    state = found.backbone.state_dict()
    assert all(torch.equal(value, state[key]) for key, value in network.state_dict().items())
    take_backbone(build_classifier("r2plus1d-tiny", 3, 2, 0.0, seed=0), found)


def test_what_was_skipped_and_the_file_are_on_record(published, take, caplog):
    path, _ = published

    with caplog.at_level("INFO"):
        notes = load_model(take(path), "import_weights").meta.notes

    checksum = hashlib.sha256(path.read_bytes()).hexdigest()
    assert notes == {"layout": "ours", "file_sha256": checksum, "skipped": "fc.weight"}
    assert "skipped: ['fc.weight']" in caplog.text


def test_weights_of_another_architecture_name_the_file(published, take):
    path, _ = published

    with pytest.raises(
        ContractError, match=r"published\.pt: weights of another architecture than r2plus1d-10 "
    ):
        take(path, backbone="r2plus1d-10")


def test_a_missing_file_and_an_unknown_layout_are_told(published, take, tmp_path):
    path, _ = published

    with pytest.raises(ContractError, match=r"gone\.pt is missing; put the published checkpoint"):
        take(tmp_path / "gone.pt")
    with pytest.raises(ConfigError, match=r"unknown layout 'vcop' .* choose one of ours"):
        take(path, layout="vcop")
    assert not (tmp_path / "out").exists()
