import json

import msgspec
import pytest
import torch
from torch import nn

from pipelines.clips.clip_dataset import ClipConfig
from pipelines.io.errors import ConfigError
from pipelines.io.options import RunOptions
from pipelines.io.provenance import source_digest
from pipelines.models.heads import build_classifier
from pipelines.models.weights import ModelMeta, load_model
from pipelines.training import publication
from pipelines.training.clip_sources import ClipSource
from pipelines.training.history_store import read_history
from pipelines.training.non_finite import NonFiniteLossError
from pipelines.training.publication import prepare, train_and_publish
from pipelines.training.recipe import OptimizerConfig, RecipeConfig, ScheduleConfig
from pipelines.training.tasks import Classification, Task
from pipelines.training.tensorboard_store import FOLDER

MODULE = "pipelines.training.train_generator"
CLIPS = ClipConfig(4, 1, 12, False, (0.5,) * 3, (0.25,) * 3, 4.0)
SCHEDULE = ScheduleConfig("epochs", 3, "step", (), 0.1, 0, 1)
RECIPE = RecipeConfig(1, 2, OptimizerConfig("sgd", 0.5, 0.0, 0.0), SCHEDULE, 0.0, "best")


class Descent(Task):
    """Loss = weight: every step takes the learning rate off."""

    def __init__(self):
        super().__init__()
        self.model = nn.Linear(1, 1, bias=False)
        nn.init.constant_(self.model.weight, 5.0)

    def forward(self, batch):
        return {"loss": self.model.weight.sum() * batch["factor"]}


@pytest.fixture
def publish(tmp_path):
    """Train on three videos in batches of two: six steps."""
    (tmp_path / "frames.h5").write_text("frames")
    (tmp_path / "manifest.parquet").write_text("manifest")
    source = ClipSource({}, None, None, (tmp_path / "frames.h5",))
    options = RunOptions(
        "{}", 4, tmp_path / "state", tmp_path / "out" / "model.pt", tmp_path / "out" / "h.parquet"
    )

    def run(validate=None, factor=1.0, recipe=RECIPE, model=None):
        batch = {"factor": torch.tensor(factor), "video_id": ["a"]}
        train_and_publish(
            MODULE,
            options,
            Descent() if model is None else Classification(model, "rgb"),
            CLIPS,
            recipe,
            3,
            lambda first, last: [batch] * (last - first),
            validate,
            source,
            (tmp_path / "manifest.parquet",),
            lambda notes: ModelMeta("r2plus1d-tiny", "rgb", 1, notes=dict(notes)),
        )
        return tmp_path

    return run


def test_model_history_and_provenance_are_published(publish, monkeypatch):
    monkeypatch.setenv("PIPELINE_CHECKPOINT_SECONDS", "0")
    folder = publish()

    stored = load_model(folder / "out" / "model.pt", "rule")
    assert stored.state["weight"].item() == pytest.approx(5 - 6 * 0.5)
    assert stored.meta.notes == {"step": "6", "num_videos": "3"}
    assert (stored.stamp["module"], stored.stamp["seed"]) == (MODULE, "4")
    assert stored.stamp["code"] == source_digest(MODULE)
    inputs = [str(folder / name) for name in ("frames.h5", "manifest.parquet")]
    assert json.loads(stored.stamp["inputs"]) == inputs
    history = read_history(folder / "out" / "h.parquet")
    assert history["step"].tolist() == [2, 4, 6]
    assert history["loss"].tolist() == pytest.approx([4.75, 3.75, 2.75])
    assert list((folder / "state").iterdir()) == []


def test_the_best_weights_carry_their_score(publish):
    scores = iter([0.25, 0.75, 0.5])

    folder = publish(validate=lambda task: next(scores))

    stored = load_model(folder / "out" / "model.pt", "rule")
    assert stored.state["weight"].item() == pytest.approx(5 - 4 * 0.5)
    assert stored.meta.notes == {
        "step": "4",
        "num_videos": "3",
        "best_validation_score": "0.750000",
    }


def test_a_failed_training_publishes_nothing(publish, tmp_path):
    with pytest.raises(NonFiniteLossError, match="train_generator: loss is nan at step 0"):
        publish(factor=float("nan"))

    assert not (tmp_path / "out").exists()


def test_accumulation_takes_fewer_steps_of_as_many_epochs(publish):
    # Two batches of two videos: one step an epoch.
    history = publish(recipe=msgspec.structs.replace(RECIPE, accumulate=2)) / "out" / "h.parquet"

    assert read_history(history)["step"].tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"precision": "bfloat16"}, "precision bfloat16 needs a GPU"),
        ({"schedule": msgspec.structs.replace(SCHEDULE, decay="plateau")}, "no video is held out"),
    ],
)
def test_what_could_not_go_well_is_refused_before_training(publish, changes, message):
    with pytest.raises(ConfigError, match=message):
        publish(recipe=msgspec.structs.replace(RECIPE, **changes), factor=float("nan"))


def test_fewer_videos_than_processes_are_refused(publish, monkeypatch):
    monkeypatch.setattr(publication, "num_processes", lambda: 3)

    with pytest.raises(ConfigError, match="videos_per_batch is 2, fewer than the 3 processes"):
        publish()


def test_a_plateau_lowers_the_rate_by_the_score(publish):
    schedule = msgspec.structs.replace(SCHEDULE, decay="plateau", patience=0)
    folder = publish(lambda task: 0.5, recipe=msgspec.structs.replace(RECIPE, schedule=schedule))

    rates = read_history(folder / "out" / "h.parquet")["learning_rate"]
    assert rates.tolist() == pytest.approx([0.5, 0.5, 0.05])


def test_event_files_stand_beside_the_history_on_request(publish, monkeypatch):
    assert not (publish() / "out" / FOLDER).exists()
    monkeypatch.setenv("PIPELINE_TENSORBOARD", "1")

    assert len(list((publish() / "out" / FOLDER).iterdir())) == 1


def test_preparing_seeds_torch_and_fixes_its_threads(monkeypatch):
    before = torch.get_num_threads()
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    try:
        assert prepare(11) == torch.device("cpu")
        assert torch.get_num_threads() == 2
        drawn = torch.rand(3)
    finally:
        torch.set_num_threads(before)
    assert torch.equal(drawn, torch.rand(3, generator=torch.Generator().manual_seed(11)))


def test_clips_that_the_network_cannot_take_are_refused_before_training(publish, tmp_path):
    model = build_classifier("motion-r50-stacked", 3, 2, 0.0, seed=0)

    with pytest.raises(ConfigError, match="takes clips of exactly 16 frames, found 4 frames"):
        publish(model=model)
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "state").exists()
