"""A killed and resumed command writes the bytes of an uninterrupted one."""

import pytest

from pipelines.clips.clip_dataset import ClipDataset
from pipelines.training.train_generator import build_parser, main
from tests.tiny_dataset import RECIPE, SPLIT

pytestmark = pytest.mark.numerics

OPTIMIZERS = [
    RECIPE["optimizer"],
    {"name": "sgd", "learning_rate": 0.02, "momentum": 0.9, "weight_decay": 0.0005},
]
NUM_STEPS, BATCH = 6, 2


class KilledError(Exception):
    """Stands for kill -9."""


@pytest.fixture
def train(tiny_dataset, tmp_path, monkeypatch):
    monkeypatch.setenv("PIPELINE_CHECKPOINT_SECONDS", "0")

    def run(name, modality, optimizer):
        schedule = {**RECIPE["schedule"], "length": NUM_STEPS}
        options = tiny_dataset.run(
            tmp_path / name,
            seed=3,
            fraction=0.5,
            optimizer=optimizer,
            schedule=schedule,
            checkpoint="best",
            class_weight=1.0,
            clip_gap=0,
        )
        options += ["--manifest", str(tiny_dataset.manifest), "--split", SPLIT]
        options += ["--modality", modality, *tiny_dataset.stores(modality)]
        main(build_parser().parse_args(options))

    return run


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda config: config["name"])
@pytest.mark.parametrize(("modality", "killed_at"), [("flow", 3), ("rgb", 5)])
def test_resumed_bytes_are_equal(train, tmp_path, monkeypatch, modality, optimizer, killed_at):
    train("whole", modality, optimizer)
    loaded = []
    read = ClipDataset._read

    def read_until_killed(self, key, out):
        loaded.append(key)
        if len(loaded) > killed_at * BATCH:
            raise KilledError
        return read(self, key, out)

    monkeypatch.setattr(ClipDataset, "_read", read_until_killed)
    with pytest.raises(KilledError):
        train("resumed", modality, optimizer)
    assert not (tmp_path / "resumed" / "model.pt").exists()

    loaded.clear()
    monkeypatch.setattr(
        ClipDataset, "_read", lambda self, key, out: loaded.append(key) or read(self, key, out)
    )
    train("resumed", modality, optimizer)

    assert len(loaded) == (NUM_STEPS - killed_at) * BATCH
    for name in ("model.pt", "history.parquet"):
        whole, resumed = (tmp_path / run / name for run in ("whole", "resumed"))
        assert whole.read_bytes() == resumed.read_bytes()
