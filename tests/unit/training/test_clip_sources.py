from dataclasses import replace

import numpy as np
import pytest
import torch

from pipelines.clips.clip_dataset import ClipConfig, ClipDataset
from pipelines.clips.picture_dataset import PictureDataset
from pipelines.data.label_subset import LabelsConfig
from pipelines.data.manifest import read_manifest, write_manifest
from pipelines.frames.index_store import IndexedVideo, write_frame_index
from pipelines.io.errors import ContractError, DatasetError
from pipelines.models.heads import build_classifier
from pipelines.training.clip_sources import (
    VALIDATION_CLIPS,
    checkpoint_seconds,
    hold_out_at_random,
    num_workers,
    open_clip_source,
    read_labelled_videos,
    sampled_batches,
    sampled_score,
    training_batches,
    validation_score,
)
from pipelines.training.tasks import Classification, Task
from tests.tiny_dataset import CLASSES, CLIPS, NUM_FRAMES, SPLIT, TEST, TRAIN

CONFIG = ClipConfig(**{**CLIPS, "rgb_mean": (0.5,) * 3, "rgb_std": (0.25,) * 3})


@pytest.fixture
def source(tiny_dataset):
    return open_clip_source(tiny_dataset.index, tiny_dataset.frames, tiny_dataset.flow)


def test_a_source_knows_its_videos_and_its_files(tiny_dataset, source):
    assert source.num_frames == dict.fromkeys((*TRAIN, *TEST), NUM_FRAMES)
    names = [path.name for path in source.paths]
    assert names == ["index.parquet", "frames.h5", "flow.h5"]
    assert source.frames.read(TRAIN[0], np.arange(2)).shape == (2, 16, 20, 3)
    assert source.flow.read(TRAIN[0], np.arange(2)).shape == (2, 2, 16, 20)


def test_stores_that_are_not_named_are_not_opened(tiny_dataset):
    found = open_clip_source(tiny_dataset.index, None, tiny_dataset.flow)

    assert found.frames is None
    assert [path.name for path in found.paths] == ["index.parquet", "flow.h5"]


def test_several_indices_are_joined(tiny_dataset, tmp_path):
    write_frame_index(tmp_path / "more.parquet", [IndexedVideo("other/a", 0, 3)], {})
    lists = tiny_dataset.index.read_text() + f"{tmp_path / 'more.parquet'}\n"
    (tmp_path / "index.txt").write_text(lists)

    found = open_clip_source(tmp_path / "index.txt", None, None)

    assert found.num_frames == {**dict.fromkeys((*TRAIN, *TEST), NUM_FRAMES), "other/a": 3}


def test_a_missing_shard_is_named(tiny_dataset, tmp_path):
    (tmp_path / "frames.txt").write_text(f"{tmp_path}/gone.h5\n")

    with pytest.raises(ContractError, match=r"gone\.h5"):
        open_clip_source(tiny_dataset.index, tmp_path / "frames.txt", None)


def test_usable_videos_are_those_with_frames_in_their_order(source):
    assert source.usable(["x", TRAIN[1], "y", TRAIN[0]]) == [TRAIN[1], TRAIN[0]]


def test_labelled_videos_follow_the_split(tiny_dataset, source):
    found = read_labelled_videos(tiny_dataset.manifest, SPLIT, source, 0.0, 0)

    assert found.classes == ("left", "right")
    assert (found.train, found.validation, found.test) == (list(TRAIN), [], list(TEST))
    assert found.label == {key: int("right" in key) for key in (*TRAIN, *TEST)}
    assert found.of_clip("tiny/right0", 0, 3) == 1


def test_whole_groups_are_held_out(tiny_dataset, source):
    found = read_labelled_videos(tiny_dataset.manifest, SPLIT, source, 0.5, 0)

    groups = [("tiny/left0", "tiny/right0"), ("tiny/left1", "tiny/right1")]
    assert tuple(found.validation) in groups
    assert sorted(found.train + found.validation) == sorted(TRAIN)


def test_few_labels_keep_out_what_is_held_out(tiny_dataset, source):
    few = LabelsConfig(per_class=1)
    found = read_labelled_videos(tiny_dataset.manifest, SPLIT, source, 0.5, 0, few)
    alone = read_labelled_videos(tiny_dataset.manifest, SPLIT, source, 0.0, 0, few)

    whole = read_labelled_videos(tiny_dataset.manifest, SPLIT, source, 0.5, 0)
    assert (found.train, found.validation) == (whole.train, whole.validation)
    assert [found.label[key] for key in alone.train] == [0, 1]
    assert (alone.validation, alone.test, alone.classes) == ([], list(TEST), CLASSES)
    with pytest.raises(DatasetError, match="expected 2 training videos of every class"):
        read_labelled_videos(
            tiny_dataset.manifest, SPLIT, source, 0.5, 0, LabelsConfig(per_class=2)
        )


def test_skipped_videos_are_not_used(tiny_dataset, tmp_path):
    kept = [TRAIN[0], TRAIN[2], TEST[0]]
    write_frame_index(tmp_path / "i.parquet", [IndexedVideo(key, 0, 9) for key in kept], {})
    (tmp_path / "i.txt").write_text(f"{tmp_path / 'i.parquet'}\n")
    source = open_clip_source(tmp_path / "i.txt", None, None)

    found = read_labelled_videos(tiny_dataset.manifest, SPLIT, source, 0.0, 0)

    assert (found.train, found.test) == (kept[:2], kept[2:])


def test_a_split_without_training_videos_is_refused(tiny_dataset, source, tmp_path):
    videos = [v for v in read_manifest(tiny_dataset.manifest) if v.roles[SPLIT] == "test"]
    write_manifest(tmp_path / "m.parquet", videos, {})

    with pytest.raises(DatasetError, match=r"m\.parquet: split split1 has no usable training"):
        read_labelled_videos(tmp_path / "m.parquet", SPLIT, source, 0.0, 0)
    with pytest.raises(DatasetError, match="no split 'split9'; splits of this dataset: split1"):
        read_labelled_videos(tiny_dataset.manifest, "split9", source, 0.0, 0)


@pytest.mark.parametrize(
    ("count", "fraction", "held"), [(20, 0.1, 2), (20, 0.0, 0), (3, 0.9, 2), (1, 0.9, 0)]
)
def test_a_share_of_unlabelled_videos_is_held_out(count, fraction, held):
    ids = [f"v{number:02d}" for number in range(count)]

    train, validation = hold_out_at_random(ids, fraction, seed=3)

    assert len(validation) == held
    assert sorted(train + validation) == ids
    assert (train, validation) == (sorted(train), sorted(validation))
    assert hold_out_at_random(ids[::-1], fraction, seed=3) == (train, validation)


def test_the_hold_out_follows_the_seed():
    ids = [f"v{number:02d}" for number in range(100)]

    assert hold_out_at_random(ids, 0.1, 0)[1] != hold_out_at_random(ids, 0.1, 1)[1]


def test_no_video_at_all_is_one_readable_error():
    with pytest.raises(DatasetError, match="no video to train on"):
        hold_out_at_random([], 0.1, 0)


def test_batches_are_a_function_of_the_step(source):
    def label(video_id, first, last):
        return int("right" in video_id)

    batches = training_batches(source, TRAIN, CONFIG, label, 2, 3, seed=5)
    whole, end = list(batches(0, 4)), list(batches(2, 4))

    assert [batch["video_id"] for batch in whole[2:]] == [batch["video_id"] for batch in end]
    for one, other in zip(whole[2:], end, strict=True):
        assert torch.equal(one["rgb"], other["rgb"])
        assert torch.equal(one["flow"], other["flow"])
    assert whole[0]["rgb"].shape == (3, 2, 3, 4, 12, 12)
    assert whole[0]["flow"].shape == (3, 2, 2, 4, 12, 12)
    labels = [[int("right" in key)] * 2 for key in whole[0]["video_id"]]
    assert whole[0]["label"].tolist() == labels
    assert not torch.equal(whole[0]["rgb"], whole[1]["rgb"])


def test_loading_draws_nothing_from_the_global_generator(source):
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)

    list(training_batches(source, TRAIN, CONFIG, None, 1, 2, seed=5)(0, 2))

    assert torch.equal(torch.rand(1), expected)


def test_the_validation_score_is_the_mean_over_uniform_clips(source):
    model = build_classifier("r2plus1d-tiny", 3, 2, 0.0, seed=0)
    task = Classification(model, "rgb")
    seen = []

    def label(video_id, first, last):
        seen.append(video_id)
        return 0

    score = validation_score(source, TRAIN[:2], CONFIG, label)(task)

    assert seen == [TRAIN[0]] * VALIDATION_CLIPS + [TRAIN[1]] * VALIDATION_CLIPS
    flipped = validation_score(source, TRAIN[:2], CONFIG, lambda *clip: 1)(task)
    assert score + flipped == pytest.approx(1.0)


def test_without_held_out_videos_there_is_no_score(source):
    assert validation_score(source, [], CONFIG, None) is None


def test_machine_settings_come_from_the_environment(monkeypatch):
    for name in ("PIPELINE_NUM_WORKERS", "PIPELINE_CHECKPOINT_SECONDS"):
        monkeypatch.delenv(name, raising=False)
    assert (num_workers(), checkpoint_seconds()) == (0, 60.0)

    monkeypatch.setenv("PIPELINE_NUM_WORKERS", "3")
    monkeypatch.setenv("PIPELINE_CHECKPOINT_SECONDS", "0.5")
    assert (num_workers(), checkpoint_seconds()) == (3, 0.5)


class Seeds(Task):
    """Scores a sample by its seed and place, so that the mean tells which samples were asked."""

    def score(self, batch):
        return batch["seed"].float() + 100 * batch["index"].float()


def test_held_out_videos_are_scored_on_one_fixed_sample_each(source, monkeypatch):
    monkeypatch.setenv("PIPELINE_DEVICE", "cpu")
    dataset = ClipDataset(list(TRAIN[:2]), source.frames, None, CONFIG, 1, None, train=True)

    score = sampled_score(dataset, 2, seed=8)

    # Seeds are halved, places 0 and 1.
    assert score(Seeds()) == score(Seeds()) == 4 + 50
    assert sampled_score(dataset, 0, seed=8) is None


def test_sampled_batches_go_on_where_they_were_interrupted(source):
    batches = sampled_batches(PictureDataset(TRAIN, source.frames, 24), len(TRAIN), 3, seed=1)

    whole, rest = list(batches(0, 5)), list(batches(3, 5))

    assert [len(batch["video_id"]) for batch in whole] == [3] * 5
    for before, after in zip(whole[3:], rest, strict=True):
        assert before["video_id"] == after["video_id"]
        assert torch.equal(before["picture"], after["picture"])
        assert torch.equal(before["seed"], after["seed"])


def test_single_images_are_no_clips(source):
    images = replace(source, num_frames=dict.fromkeys(TRAIN, 1))

    with pytest.raises(DatasetError, match=r"one frame each.*objective mosi"):
        training_batches(images, TRAIN, CONFIG, None, 1, 2, 0)
