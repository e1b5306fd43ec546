import msgspec
import pytest
import torch

from pipelines.clips.clip_dataset import ClipConfig, ClipDataset
from pipelines.clips.view_dataset import ViewDataset
from pipelines.frames.frame_store import FrameStore
from pipelines.io.errors import ConfigError
from pipelines.models.weights import load_classifier, load_model
from pipelines.pretraining.instance_recognition import InstanceRecognition
from pipelines.pretraining.pretrain_instance_recognition import build_parser, main
from pipelines.training.history_store import read_history
from tests.tiny_dataset import CLIPS, TRAIN

OPTIONS = {
    "embedding_size": 8,
    "temperature": 0.07,
    "bank_momentum": 0.5,
    "colour": None,
    "form": "softmax",
    "num_negatives": 3,
}
COLOUR = {
    "brightness": 0.4,
    "contrast": 0.4,
    "saturation": 0.4,
    "hue": 0.4,
    "probability": 1.0,
    "grey_probability": 0.2,
    "grey_first": True,
}


class KilledError(Exception):
    """Stands for kill -9."""


@pytest.fixture
def train(command_line, tmp_path):
    def run(name="a", options=(), **changes):
        chosen = OPTIONS | dict(options)
        line = command_line("instance_recognition", chosen, name, **({"dropout": 0.0} | changes))
        main(build_parser().parse_args(line))
        return tmp_path / name / "model.pt"

    return run


@pytest.mark.parametrize(
    "options", [{}, {"form": "nce", "num_negatives": 9}, {"colour": COLOUR}], ids=str
)
def test_the_published_model_gives_embeddings(train, options, caplog):
    with caplog.at_level("INFO"):
        path = train(options=options)
    stored = load_model(path, "pretrain")

    assert (stored.meta.modality, stored.meta.num_classes) == ("rgb", 8)
    assert stored.meta.notes == {"step": "4", "num_videos": "4"}
    model, _ = load_classifier(path, "pretrain")
    assert model(torch.zeros(1, 3, 4, 12, 12)).shape == (1, 8)
    history = read_history(path.with_name("history.parquet"))
    assert history["validation_score"].isna().all()
    assert "own_similarity" in caplog.text
    assert "spread" in caplog.text


def test_held_out_videos_are_trained_on_too(train, monkeypatch):
    seen = []
    read = ClipDataset._read

    def recorded(self, key, out):
        item = read(self, key, out)
        seen.append((int(item["index"]), item["video_id"]))
        return item

    monkeypatch.setattr(ClipDataset, "_read", recorded)
    path = train(fraction=0.5)

    assert set(seen) == set(enumerate(sorted(TRAIN)))
    assert load_model(path, "pretrain").meta.notes["num_videos"] == "4"


def test_options_change_the_training(train):
    first = read_history(train().with_name("history.parquet"))["loss"].tolist()
    for name, changes in {
        "b": {"options": {"temperature": 0.5}},
        "c": {"options": {"colour": COLOUR}},
        "d": {"clips": CLIPS | {"crop_scales": [0.9]}},
    }.items():
        other = read_history(train(name, **changes).with_name("history.parquet"))["loss"].tolist()
        assert other != first


def test_a_trained_model_starts_with_its_embedding_layer_and_bank(train, tiny_dataset, monkeypatch):
    banks = []
    forward = InstanceRecognition.forward

    def recorded(self, batch):
        banks.append(self.bank.rows.clone())
        return forward(self, batch)

    monkeypatch.setattr(InstanceRecognition, "forward", recorded)
    first = train()
    still = {"name": "sgd", "learning_rate": 1e-12, "momentum": 0.0, "weight_decay": 0.0}

    second = train("b", extra=("--initial", first), initial="video_ir", optimizer=still)

    before, after = (load_model(path, "pretrain").state for path in (first, second))
    assert torch.allclose(before["fc.weight"], after["fc.weight"], atol=1e-6)
    store = FrameStore([tiny_dataset.folder / "frames.h5"])
    config = msgspec.convert(CLIPS, ClipConfig)
    views = ViewDataset(sorted(TRAIN), store, None, config, num_clips=1)
    model, _ = load_classifier(first, "pretrain")
    with torch.inference_mode():
        outputs = torch.cat([model(views[row]["rgb"]) for row in range(4)])
    expected = torch.nn.functional.normalize(outputs, dim=1)
    assert torch.allclose(banks[4], expected, atol=1e-5)
    assert not torch.allclose(banks[0], expected, atol=0.1)


def test_a_resumed_run_writes_the_same_bytes(train, tmp_path, monkeypatch):
    monkeypatch.setenv("PIPELINE_CHECKPOINT_SECONDS", "0")
    train("whole")
    read, loaded = ClipDataset._read, []

    def until_killed(self, key, out):
        loaded.append(key)
        if len(loaded) > 3 * 2:
            raise KilledError
        return read(self, key, out)

    monkeypatch.setattr(ClipDataset, "_read", until_killed)
    with pytest.raises(KilledError):
        train("resumed")
    loaded.clear()
    monkeypatch.setattr(
        ClipDataset, "_read", lambda s, key, out: loaded.append(key) or read(s, key, out)
    )
    train("resumed")

    assert len(loaded) == 2
    for name in ("model.pt", "history.parquet"):
        whole, resumed = (tmp_path / run / name for run in ("whole", "resumed"))
        assert whole.read_bytes() == resumed.read_bytes()


def test_wrong_use_is_explained_before_training(train):
    with pytest.raises(ConfigError, match=r"options\.num_negatives is 4096, .* 4 videos .* most 3"):
        train(options={"num_negatives": 4096})
    with pytest.raises(ConfigError, match="set it to last"):
        train(checkpoint="best")
    with pytest.raises(ConfigError, match="form"):
        train(options={"form": "hinge"})
