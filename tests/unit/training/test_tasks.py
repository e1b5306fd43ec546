import copy

import pytest
import torch
from torch.nn import functional

from pipelines.clips.clip_colours import ClipColours
from pipelines.clips.colour import ColourConfig
from pipelines.models.heads import build_classifier
from pipelines.training.tasks import (
    Classification,
    FeatureDistillation,
    Mars,
    Task,
    clip_streams,
)

NUM_VIDEOS, NUM_CLIPS, NUM_CLASSES = 2, 3, 4
BACKBONE = "r2plus1d-tiny"


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(0)
    shape = (4, 12, 12)
    return {
        "rgb": torch.randn(NUM_VIDEOS, NUM_CLIPS, 3, *shape, generator=generator),
        "flow": torch.randn(NUM_VIDEOS, NUM_CLIPS, 2, *shape, generator=generator),
        "label": torch.tensor([[0, 1, 2], [3, 3, 0]]),
        "video_id": ["a", "b"],
        "index": torch.tensor([7, 4]),
        "seed": torch.tensor([50, 60]),
    }


@pytest.fixture
def student():
    return build_classifier(BACKBONE, 3, NUM_CLASSES, 0.0, seed=1)


@pytest.fixture
def teacher():
    return build_classifier(BACKBONE, 2, NUM_CLASSES, 0.0, seed=2).backbone


def one_by_one(function, clips):
    """Rows of a network's answers in evaluation mode, each clip in its own batch: (B, R, ...)."""
    rows = [torch.cat([function(clip[None]) for clip in video]) for video in clips]
    return torch.stack(rows).detach()


def test_a_task_must_say_what_it_learns(batch):
    with pytest.raises(TypeError, match="Task defines no loss"):
        Task()(batch)
    with pytest.raises(TypeError, match="Task defines no score"):
        Task().score(batch)


@pytest.mark.parametrize("modality", ["rgb", "flow"])
def test_classification_averages_cross_entropy_over_all_clips(batch, modality):
    model = build_classifier(BACKBONE, batch[modality].shape[2], NUM_CLASSES, 0.0, seed=1)
    task = Classification(model, modality).eval()
    logits = one_by_one(model, batch[modality])
    terms = [
        -functional.log_softmax(logits[video, clip], dim=0)[batch["label"][video, clip]]
        for video in range(NUM_VIDEOS)
        for clip in range(NUM_CLIPS)
    ]
    right = logits.argmax(-1) == batch["label"]

    found = task(batch)

    assert found["loss"].item() == pytest.approx(sum(terms).item() / 6, rel=1e-5)
    assert found["top1"].item() == pytest.approx(right.float().mean().item())
    assert torch.equal(task.score(batch), right.float())


def test_distillation_is_the_mean_squared_error_of_the_features(batch, student, teacher):
    task = FeatureDistillation(student, teacher, alpha=2.0).eval()
    gap = one_by_one(student.features, batch["rgb"]) - one_by_one(teacher, batch["flow"])

    loss, score = task(batch)["loss"], task.score(batch)

    assert loss.item() == pytest.approx(2 * gap.square().mean().item(), rel=1e-4)
    torch.testing.assert_close(
        score.detach(), -gap.square().mean(-1).flatten(), rtol=1e-4, atol=1e-7
    )


def test_mars_adds_the_weighted_feature_error_to_the_cross_entropy(batch, student, teacher):
    entropy = Classification(student, "rgb").eval()(batch)
    error = FeatureDistillation(student, teacher, 1.0).eval()(batch)["loss"]
    found = Mars(student, teacher, alpha=50.0).eval()(batch)

    expected = entropy["loss"] + 50 * error
    assert found["loss"].item() == pytest.approx(expected.item(), rel=1e-5)
    assert found["top1"].item() == entropy["top1"].item()
    assert error.item() > 0


def test_mars_is_scored_by_its_own_predictions(batch, student, teacher):
    mars = Mars(student, teacher, alpha=50.0).eval()

    assert torch.equal(mars.score(batch), Classification(student, "rgb").eval().score(batch))


@pytest.mark.parametrize(
    "make",
    [
        lambda student, teacher: FeatureDistillation(student, teacher, 1.0),
        lambda student, teacher: Mars(student, teacher, 1.0),
    ],
)
def test_the_teacher_is_frozen_and_never_in_training_mode(batch, student, teacher, make):
    before = copy.deepcopy(teacher.state_dict())
    moving = student.backbone.stem[1].running_mean.clone()
    task = make(student, teacher).train()

    task(batch)["loss"].backward()

    assert not any(module.training for module in teacher.modules())
    assert all(p.grad is None and not p.requires_grad for p in teacher.parameters())
    assert all(torch.equal(value, before[name]) for name, value in teacher.state_dict().items())
    assert student.training
    assert student.backbone.stem[0].weight.grad.abs().sum() > 0
    assert not torch.equal(student.backbone.stem[1].running_mean, moving)
    assert task.model is student


def test_every_clip_has_a_stream_of_its_own(batch):
    index, seeds = clip_streams(batch, NUM_CLIPS)

    assert index.tolist() == [7, 7, 7, 4, 4, 4]
    assert seeds.tolist() == [50, 51, 52, 60, 61, 62]


def test_colours_of_training_clips_are_moved_and_of_others_are_not(batch, student, teacher):
    moved = ColourConfig(0.5, 0.5, 0.5, 0.25, 1.0, 0.0, grey_first=True)
    colours = ClipColours(moved, (0.5, 0.5, 0.5), (0.25, 0.25, 0.25))
    plain, jittered = (Classification(student, "rgb", chosen).eval() for chosen in (None, colours))
    streams = torch.stack([torch.tensor([50, 51, 52, 60, 61, 62]), torch.tensor([7] * 3 + [4] * 3)])
    shown = colours(batch["rgb"].flatten(0, 1), streams.T.tolist()).reshape(batch["rgb"].shape)

    expected = plain(batch | {"rgb": shown})
    assert torch.equal(jittered(batch)["loss"], expected["loss"])
    assert not torch.equal(jittered(batch)["loss"], plain(batch)["loss"])
    assert torch.equal(jittered.score(batch), plain.score(batch))

    mars = Mars(student, teacher, 2.0, colours).eval()
    told = Mars(student, teacher, 2.0).eval()(batch | {"rgb": shown})
    assert torch.equal(mars(batch)["loss"], told["loss"])
