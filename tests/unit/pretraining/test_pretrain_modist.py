import numpy as np
import pytest
import torch

from pipelines.clips.query_key_dataset import QueryKeyDataset
from pipelines.io.errors import ConfigError, DatasetError
from pipelines.models.heads import build_classifier
from pipelines.models.weights import ModelMeta, load_model, save_model
from pipelines.motion.edge_store import EdgeSettings, EdgeShardWriter
from pipelines.pretraining import pretrain_modist
from pipelines.pretraining.pretrain_modist import build_parser, main
from pipelines.training.history_store import read_history
from tests.tiny_dataset import NUM_FRAMES, RECIPE, SIZE, TEST, TRAIN

BACKBONE = "r2plus1d-tiny"
GAP = 2
OPTIONS = {
    "terms": ["visual", "motion", "distillation"],
    "negatives": "query_modality",
    "temperature": 0.1,
    "num_columns": 8,
    "num_negatives": 6,
    "momentum": 0.9,
    "num_groups": 1,
    "crop_area": [0.3, 1.0],
    "crop_ratio": [0.75, 1.333],
    "colour": {
        "brightness": 0.4,
        "contrast": 0.4,
        "saturation": 0.4,
        "hue": 0.0,
        "probability": 0.8,
        "grey_probability": 0.2,
        "grey_first": False,
    },
    "blur": {"probability": 0.5, "px": [0.1, 0.5]},
    "motion": {
        "backbone": BACKBONE,
        "copies": 1,
        "clips": {
            "num_frames": 4,
            "stride": 1,
            "crop_px": 12,
            "threshold": 0.02,
            "pairing": "jittered",
        },
    },
    "source_subset": None,
}
RGB_ALONE = {"terms": ["visual"], "motion": None}


def motion(**changes):
    clips = OPTIONS["motion"]["clips"] | changes.pop("clips", {})
    return {"motion": OPTIONS["motion"] | changes | {"clips": clips}}


def write_edges(folder, videos, kind="edges"):
    rng = np.random.default_rng(0)
    channels = 2 if kind == "raw-flow" else 1
    with EdgeShardWriter(folder / "edges.h5", EdgeSettings(kind, GAP, "", "", SIZE), {}) as writer:
        for video_id in videos:
            maps = rng.uniform(0, 2, (NUM_FRAMES - GAP, channels, *SIZE)).astype(np.float32)
            writer.add(video_id, 10.0, maps)
    (folder / "edges.txt").write_text(f"{folder / 'edges.h5'}\n")
    return ["--edges", str(folder / "edges.txt")]


@pytest.fixture
def train(command_line, tmp_path):
    edges = write_edges(tmp_path, [*TRAIN, *TEST])

    def run(options=None, name="a", reads=("rgb", "edges"), extra=(), stores=edges, **changes):
        changes = {"schedule": {**RECIPE["schedule"], "length": 3}} | changes
        given = [*extra, *(stores if "edges" in reads else ())]
        chosen = OPTIONS | (options or {})
        line = command_line("modist", chosen, name, extra=given, reads=reads, **changes)
        main(build_parser().parse_args(line))
        out = tmp_path / name
        return load_model(out / "model.pt", "pretrain"), read_history(out / "history.parquet")

    return run


def test_a_backbone_without_a_head_is_trained_and_published(train):
    stored, history = train(fraction=0.25, checkpoint="best")

    start = build_classifier(BACKBONE, 3, 0, 0.2, 0).state_dict()
    assert (stored.meta.modality, stored.meta.num_classes) == ("rgb", 0)
    assert set(stored.state) == set(start)
    assert not torch.equal(stored.state["backbone.stem.0.weight"], start["backbone.stem.0.weight"])
    assert np.isfinite(history["loss"]).all()
    assert history["loss"].iloc[-1] > 0
    assert history["top1"].between(0, 1).all()
    assert history["validation_score"].between(0, 1).all()


def test_the_rgb_control_reads_no_maps_and_learns_something_else(train):
    alone, _ = train(RGB_ALONE, reads=("rgb",))
    both, _ = train(name="both")

    key = "backbone.stem.0.weight"
    assert not torch.equal(alone.state[key], both.state[key])


@pytest.mark.parametrize(
    "options",
    [
        {"negatives": "key_modality"},
        {"terms": ["visual", "distillation"]},
        {"num_groups": 2},
        motion(copies=3),
        motion(clips={"pairing": "synchronous", "threshold": 0.0}),
    ],
    ids=["key_modality", "no L_m", "shuffled", "copies", "synchronous"],
)
def test_every_option_changes_what_is_learned(train, options):
    plain, _ = train(name="plain", videos_per_batch=4)
    other, _ = train(options, videos_per_batch=4)

    key = "backbone.layer1.conv1.0.0.weight"
    assert not torch.equal(plain.state[key], other.state[key])


class KilledError(Exception):
    """Stands for kill -9."""


@pytest.mark.numerics
def test_a_killed_and_resumed_command_writes_the_bytes_of_an_uninterrupted_one(
    train, tmp_path, monkeypatch
):
    monkeypatch.setenv("PIPELINE_CHECKPOINT_SECONDS", "0")
    schedule = {**RECIPE["schedule"], "length": 6}
    train(name="whole", schedule=schedule)
    loaded, read = [], QueryKeyDataset.__getitems__

    def read_until(self, keys, last=6):
        loaded.extend(keys)
        if len(loaded) > last:
            raise KilledError
        return read(self, keys)

    monkeypatch.setattr(QueryKeyDataset, "__getitems__", read_until)
    with pytest.raises(KilledError):
        train(name="resumed", schedule=schedule)
    loaded.clear()
    train(name="resumed", schedule=schedule)

    # Two videos a step: three steps before the kill, three after.
    assert len(loaded) == 6
    for name in ("model.pt", "history.parquet"):
        whole, resumed = ((tmp_path / run / name).read_bytes() for run in ("whole", "resumed"))
        assert whole == resumed


def test_raw_flow_is_read_by_the_same_reader(train, tmp_path):
    folder = tmp_path / "flow"
    folder.mkdir()
    stored, _ = train(stores=write_edges(folder, TRAIN, "raw-flow"))

    assert all(torch.isfinite(value).all() for value in stored.state.values())
    with pytest.raises(ConfigError, match=r"raw-flow have 2; set copies: 1"):
        train(motion(copies=3), stores=write_edges(folder, TRAIN, "raw-flow"))


def test_training_starts_from_given_weights(train, tmp_path):
    trained = build_classifier(BACKBONE, 3, 2, 0.0, seed=5)
    meta = ModelMeta(BACKBONE, "rgb", 2)
    save_model(tmp_path / "initial.pt", meta, trained.state_dict(), {})
    still = {**RECIPE["optimizer"], "learning_rate": 1e-12, "weight_decay": 0.0}

    stored, _ = train(extra=["--initial", str(tmp_path / "initial.pt")], optimizer=still)

    for name, value in trained.backbone.named_parameters():
        torch.testing.assert_close(stored.state[f"backbone.{name}"], value.detach())


def test_a_part_of_the_source_is_taken(train, caplog):
    stored, _ = train({"source_subset": {"num_videos": 3, "seed": 0}})

    assert stored.meta.notes["num_videos"] == "3"
    # Six rows for three videos.
    assert "each of 3 videos stands in it 2.0 times" in caplog.text
    with pytest.raises(ConfigError, match=r"asks for 9 videos.*4 to train on"):
        train({"source_subset": {"num_videos": 9, "seed": 0}})


def test_a_memory_as_long_as_the_source_needs_no_warning(train, caplog):
    train({"num_negatives": 4})

    assert "stands in it" not in caplog.text


def test_videos_without_maps_are_left_out_aloud(train, tmp_path, caplog):
    folder = tmp_path / "few"
    folder.mkdir()
    stored, _ = train(stores=write_edges(folder, TRAIN[:3]))

    assert stored.meta.notes["num_videos"] == "3"
    assert "1 of 4 videos have no motion maps" in caplog.text
    with pytest.raises(DatasetError, match="none of 4 videos has motion maps"):
        train(name="none", stores=write_edges(folder, TEST))


@pytest.mark.parametrize(
    ("options", "changes", "message"),
    [
        ({}, {"reads": ("rgb",)}, r"need reads: \[rgb, edges\]"),
        ({"motion": None}, {}, r"need reads: \[rgb, edges\] and options.motion"),
        ({}, {"clips_per_video": 3}, "clips_per_video must be 2.*found 3"),
        ({"num_groups": 3}, {}, "2 does not divide into num_groups 3"),
        ({"num_groups": 2}, {}, "at least 2 videos"),
        (motion(backbone="resnet-1"), {}, "unknown backbone 'resnet-1'"),
        (motion(clips={"crop_px": 17}), {}, "less than the crop of 17 px"),
        (motion(backbone="motion-r50-stacked"), {}, "clips of exactly 16 frames, found 4 frames"),
        ({"terms": []}, {}, "terms"),
        ({"terms": ["sound"]}, {}, "sound"),
        ({"temperature": 0.0}, {}, "temperature"),
        ({"crop_area": [0.5, 2.0]}, {}, "area"),
        ({"queue": 5}, {}, "queue"),
    ],
)
def test_wrong_use_is_told_before_training(train, tmp_path, options, changes, message):
    with pytest.raises(ConfigError, match=message):
        train(options, **changes)
    assert not (tmp_path / "a" / "model.pt").exists()


def test_processes_that_cannot_share_the_groups_are_told(train, monkeypatch):
    monkeypatch.setattr(pretrain_modist, "num_processes", lambda: 3)

    with pytest.raises(ConfigError, match="3 processes cannot share num_groups 2 equally"):
        train({"num_groups": 2}, videos_per_batch=4)
