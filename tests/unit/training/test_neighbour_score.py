import pytest
import torch

from pipelines.clips.clip_dataset import ClipConfig
from pipelines.clips.view_dataset import ViewDataset
from pipelines.io.errors import DatasetError
from pipelines.models.heads import build_classifier
from pipelines.training.clip_sources import VALIDATION_CLIPS, open_clip_source
from pipelines.training.monitors import neighbour_top1
from pipelines.training.neighbour_score import neighbour_score
from pipelines.training.tasks import Classification
from tests.tiny_dataset import CLIPS, TEST, TRAIN

CONFIG = ClipConfig(**{**CLIPS, "rgb_mean": (0.5,) * 3, "rgb_std": (0.25,) * 3})
LABEL = {key: int("right" in key) for key in (*TRAIN, *TEST)}


@pytest.fixture
def source(tiny_dataset):
    return open_clip_source(tiny_dataset.index, tiny_dataset.frames, tiny_dataset.flow)


def video_features(model, source, videos):
    rows = []
    views = ViewDataset(videos, source.frames, None, CONFIG, num_clips=VALIDATION_CLIPS)
    for number in range(len(videos)):
        clips = views[number]["rgb"]
        rows.append(torch.stack([model.features(clip[None])[0] for clip in clips]).mean(dim=0))
    return torch.stack(rows).detach()


def test_videos_are_means_of_their_clips_features(source):
    model = build_classifier("r2plus1d-tiny", 3, 2, 0.5, seed=0).eval()
    task = Classification(model, "rgb")
    expected = neighbour_top1(
        video_features(model, source, TRAIN),
        torch.tensor([LABEL[key] for key in TRAIN]),
        video_features(model, source, TEST),
        torch.tensor([LABEL[key] for key in TEST]),
        1,
    )

    score = neighbour_score(source, TRAIN, TEST, LABEL, CONFIG, num_neighbours=1)

    assert score(task.train()) == expected


def test_flow_tells_left_from_right_without_training(source):
    task = Classification(build_classifier("r2plus1d-tiny", 2, 2, 0.0, seed=0), "flow")

    score = neighbour_score(source, TRAIN, TEST, LABEL, CONFIG, "flow", num_neighbours=1)

    assert score(task) == 1


@pytest.mark.parametrize(("known", "asked"), [((), TEST), (TRAIN, ()), (TRAIN, TRAIN[:1])])
def test_videos_must_be_there_and_apart(source, known, asked):
    with pytest.raises(DatasetError, match="nearest neighbours need videos that vote and others"):
        neighbour_score(source, known, asked, LABEL, CONFIG)
