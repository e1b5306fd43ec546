import itertools

import msgspec
import pytest
import torch

from pipelines.io.errors import DatasetError
from pipelines.models.heads import build_classifier
from pipelines.training.class_and_order import ClassAndOrder
from pipelines.training.clip_sources import (
    open_clip_source,
    read_labelled_videos,
    training_batches,
)
from pipelines.training.generator import generator_training
from pipelines.training.recipe import GeneratorConfig
from pipelines.training.tasks import Classification
from tests.tiny_dataset import SPLIT, training_config


@pytest.fixture
def make(tiny_dataset):
    def run(class_weight, gap=1, fraction=0.0):
        content = training_config(fraction, class_weight=class_weight, clip_gap=gap)
        config = msgspec.convert(content, GeneratorConfig)
        source = open_clip_source(tiny_dataset.index, None, tiny_dataset.flow)
        videos = read_labelled_videos(tiny_dataset.manifest, SPLIT, source, fraction, 0)
        model = build_classifier("r2plus1d-tiny", 2, 2, 0.0, seed=0)
        return generator_training(config, source, videos, model, "flow", 0), source, videos, config

    return run


def test_lambda_1_is_the_training_on_independent_clips(make):
    found, source, videos, config = make(1.0)
    expected = training_batches(source, videos.train, config.clips, videos.of_clip, 2, 2, 0)

    assert type(found.task) is Classification
    assert found.videos == videos.train
    for one, other in zip(found.batches(0, 3), expected(0, 3), strict=True):
        assert torch.equal(one["flow"], other["flow"])
        assert torch.equal(one["first_frame"], other["first_frame"])


@pytest.mark.parametrize("weight", [0.0, 0.5])
def test_with_an_order_the_clips_lie_in_a_row(make, weight):
    found, *_ = make(weight)

    assert isinstance(found.task, ClassAndOrder)
    assert found.task.class_weight == weight
    batches = list(itertools.islice(found.batches(0, 8), 8))
    starts = torch.cat([batch["first_frame"] for batch in batches])
    # Clips of 4 frames and a gap of 1; 9 of 10 frames, so the first starts at 0 or 1.
    assert set((starts[:, 1] - starts[:, 0]).tolist()) == {5}
    assert set(starts[:, 0].tolist()) == {0, 1}


def test_held_out_videos_are_scored_by_class_and_with_lambda_0_by_order(make):
    for weight, scores in ((0.5, {n / 8 for n in range(9)}), (0.0, {0.0, 0.5, 1.0})):
        found, *_ = make(weight, fraction=0.5)
        asked = []
        found.task.score, score = lambda b: asked.append(b) or score(b), found.task.score  # noqa: B023

        assert found.validate(found.task) in scores
        assert found.validate(found.task) == found.validate(found.task)
        assert [batch["flow"].shape[1] for batch in asked][:2] == [4 if weight else 2] * 2


def test_without_held_out_videos_there_is_no_score(make):
    assert make(0.0)[0].validate is None
    assert make(0.5)[0].validate is None


def test_videos_too_short_for_a_row_are_named(make):
    with pytest.raises(DatasetError, match=r"none of 4 videos has the 12 frames .* or clip_gap"):
        make(0.5, gap=4)
