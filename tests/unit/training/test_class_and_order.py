import itertools

import pytest
import torch
from torch.nn import functional

from pipelines.models.heads import build_classifier
from pipelines.objectives.multi_clip import multi_clip_loss
from pipelines.pretraining.clip_order import ClipOrder
from pipelines.training.class_and_order import ClassAndOrder

BACKBONE = "r2plus1d-tiny"
LABELS = torch.tensor([[0, 1, 2], [3, 3, 0]])


def make_batch():
    clips = torch.randn(2, 3, 3, 4, 16, 16, generator=torch.Generator().manual_seed(0))
    seeds = torch.tensor([3, 11])  # orders 3 and 5 of 3!
    return {"rgb": clips, "label": LABELS, "seed": seeds, "video_id": ["a", "b"]}


def make_task(class_weight, num_classes=4, modality="rgb"):
    channels = {"rgb": 3, "flow": 2}[modality]
    model = build_classifier(BACKBONE, channels, num_classes, 0.0, seed=1)
    return ClassAndOrder(model, modality, class_weight, num_clips=3, seed=1)


def test_the_loss_is_equation_3_clip_by_clip():
    task, batch = make_task(0.25).eval(), make_batch()
    classes, orders = [], []
    for clips, labels, order in zip(batch["rgb"], LABELS, (3, 5), strict=True):
        logits = [task.model(clip[None])[0] for clip in clips]
        classes += [
            -functional.log_softmax(row, 0)[k] for row, k in zip(logits, labels, strict=True)
        ]
        shown = list(itertools.permutations(range(3)))[order]
        features = torch.stack([task.model.features(clips[place][None])[0] for place in shown])
        orders.append(-functional.log_softmax(task.head(features[None])[0], 0)[order])

    found = task(batch)

    expected = 0.25 * sum(classes) / 6 + 0.75 * sum(orders) / 2
    assert found["loss"].item() == pytest.approx(expected.item(), rel=1e-5)
    assert set(found) == {"loss", "top1", "order_top1"}


def test_lambda_0_on_rgb_is_the_pretraining_by_clip_order():
    batch = make_batch()
    ours = make_task(0.0).train()
    theirs = ClipOrder(build_classifier(BACKBONE, 3, 0, 0.0, seed=1), 3, seed=1).train()

    torch.manual_seed(0)
    first = ours(batch)["loss"]
    torch.manual_seed(0)
    second = theirs(batch)["loss"]

    assert first.item() == pytest.approx(second.item(), rel=1e-5)
    gradients = [
        torch.autograd.grad(loss, task.model.backbone.stem[0].weight)[0]
        for loss, task in ((first, ours), (second, theirs))
    ]
    torch.testing.assert_close(*gradients, rtol=1e-2, atol=1e-5)
    torch.testing.assert_close(ours.eval().score(batch), theirs.eval().score(batch))


def test_lambda_near_1_is_the_multi_clip_loss():
    task, batch = make_task(1 - 1e-9).eval(), make_batch()
    logits = task.model(batch["rgb"].flatten(0, 1)).reshape(2, 3, 4)

    expected = multi_clip_loss(logits, LABELS).item()
    assert task(batch)["loss"].item() == pytest.approx(expected, rel=1e-5)
    assert torch.equal(task.score(batch), (logits.argmax(-1) == LABELS).float())


def test_flow_is_read_where_flow_is_asked_for():
    batch = make_batch()
    batch["flow"] = batch.pop("rgb")[:, :, :2]

    assert make_task(0.5, modality="flow")(batch)["loss"].isfinite()


def test_both_terms_reach_the_backbone_and_lambda_0_spares_the_classifier():
    for weight, is_trained in ((0.5, True), (0.0, False)):
        task = make_task(weight)
        task(make_batch())["loss"].backward()

        assert task.model.backbone.stem[0].weight.grad.abs().sum() > 0
        assert (task.model.fc.weight.grad is not None) == is_trained


@pytest.mark.parametrize("weight", [-0.1, 1.0, 1.5])
def test_a_lambda_that_learns_no_order_is_refused(weight):
    with pytest.raises(ValueError, match=f"found {weight}"):
        make_task(weight)


def test_one_clip_has_no_order():
    model = build_classifier(BACKBONE, 3, 4, 0.0, seed=1)

    with pytest.raises(ValueError, match="at least 2 clips, found 1"):
        ClassAndOrder(model, "rgb", 0.5, num_clips=1, seed=0)
