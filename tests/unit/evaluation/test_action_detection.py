import math

import numpy as np
import pytest
import torch

from pipelines.data.action_boxes import ActionBox
from pipelines.evaluation.action_detection import (
    ActionDetection,
    annotated_frames,
    key_frames,
)
from pipelines.io.errors import DatasetError
from pipelines.models.box_head import box_logits
from pipelines.models.heads import build_classifier
from pipelines.training.clip_sources import open_clip_source
from tests.tiny_dataset import SPLIT, TEST, TRAIN

BOX = ActionBox("v", 902, 2.0, 0.1, 0.2, 0.5, 0.9, "stand", True, 1)


@pytest.fixture
def source(tiny_dataset):
    return open_clip_source(tiny_dataset.index, tiny_dataset.frames, None)


def boxes_of(*video_ids):
    return [BOX._replace(video_id=key, at_seconds=0.5) for key in video_ids]


def batch(is_box):
    generator = torch.Generator().manual_seed(0)
    boxes = torch.tensor([(0.1, 0.1, 0.6, 0.9), (0.3, 0.0, 1.0, 0.7)]).repeat(2, 1, 1)
    return {
        "rgb": torch.randn((2, 3, 4, 16, 16), generator=generator),
        "boxes": boxes,
        "is_box": torch.tensor(is_box),
        "actions": torch.tensor([[[1.0, 0, 0], [1, 1, 0]], [[0, 0, 0], [0, 1, 1]]]),
    }


def test_actions_of_one_person_are_one_row():
    other = BOX._replace(x1=0.6, x2=0.9, person_id=2)
    boxes = [BOX, other, BOX._replace(action="watch"), BOX._replace(timestamp=903, at_seconds=3.0)]

    first, second = key_frames(boxes, ("stand", "watch"))

    assert (first.timestamp, second.timestamp) == (902, 903)
    np.testing.assert_array_equal(first.boxes, [(0.1, 0.2, 0.5, 0.9), (0.6, 0.2, 0.9, 0.9)])
    assert first.actions.tolist() == [[True, True], [True, False]]


def test_frames_follow_the_split_and_films_are_held_out(tiny_dataset, source):
    boxes = [*boxes_of(*TRAIN, *TEST, "tiny/elsewhere"), *boxes_of(TRAIN[0])]
    boxes.append(BOX._replace(video_id=TEST[0], action="jump", is_evaluated=False, at_seconds=0.1))

    found = annotated_frames(boxes, tiny_dataset.manifest, SPLIT, source, 0.5, 0)

    train, held = ([frame.video_id for frame in part] for part in (found.train, found.validation))
    assert sorted([*train, *held]) == sorted(TRAIN)
    assert len(held) == 2
    assert [frame.video_id for frame in found.test] == [TEST[0], *TEST]
    assert (found.classes, found.evaluated) == (("jump", "stand"), {"stand"})


@pytest.mark.parametrize(("videos", "name"), [(TEST, "training"), (TRAIN, "test")])
def test_a_part_without_boxes_is_refused(tiny_dataset, source, videos, name):
    with pytest.raises(DatasetError, match=f"no annotated {name} frame"):
        annotated_frames(boxes_of(*videos), tiny_dataset.manifest, SPLIT, source, 0.0, 0)


def test_the_loss_is_the_mean_over_boxes_and_classes():
    model = build_classifier("r2plus1d-tiny", 3, 3, 0.0, seed=0).eval()
    item = batch([[True, True], [False, True]])

    found = ActionDetection(model).eval()(item)["loss"]

    places = [(0, 0), (0, 1), (1, 1)]
    boxes = torch.stack([item["boxes"][place] for place in places])
    logits = box_logits(model, item["rgb"], boxes, torch.tensor([0, 0, 1])).tolist()
    terms = []
    for row, place in zip(logits, places, strict=True):
        for logit, done in zip(row, item["actions"][place].tolist(), strict=True):
            probability = 1 / (1 + math.exp(-logit))
            terms.append(-math.log(probability if done else 1 - probability))
    assert found.item() == pytest.approx(sum(terms) / len(terms), rel=1e-5)


def test_the_score_is_the_negative_loss_of_each_box():
    task = ActionDetection(build_classifier("r2plus1d-tiny", 3, 3, 0.0, seed=0)).eval()
    item = batch([[True, True], [False, True]])

    scores = task.score(item)

    assert scores.shape == (3,)
    assert float(-scores.mean()) == pytest.approx(task(item)["loss"].item(), rel=1e-5)


def test_a_batch_without_boxes_teaches_nothing():
    task = ActionDetection(build_classifier("r2plus1d-tiny", 3, 3, 0.0, seed=0))

    loss = task(batch([[False, False], [False, False]]))["loss"]
    loss.backward()

    assert loss.item() == 0
    assert {float(weight.grad.abs().max()) for weight in task.parameters()} == {0.0}
