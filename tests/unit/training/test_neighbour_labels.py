import math

import pytest
import torch

from pipelines.models.heads import build_classifier
from pipelines.objectives.neighbours import NO_LABEL
from pipelines.training.neighbour_labels import NeighbourClassification, labels_with_neighbours


def make_task(seed=1):
    return NeighbourClassification(build_classifier("r2plus1d-tiny", 3, 4, 0.0, seed), 4, seed)


def make_batch():
    clips = torch.randn(2, 2, 3, 4, 12, 12, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([[[NO_LABEL, 0, 1], [0, 1, 3]], [[2, 3, NO_LABEL], [1, 1, 1]]])
    return {"rgb": clips, "label": labels}


def number(video_id, first, last):
    """A label that says which span was asked for."""
    return 100 * first + last


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        (4, 7, (3, 407, 811)),  # frames 0..3, 4..7 and 8..11
        (3, 6, (NO_LABEL, 306, 710)),  # the clip before would begin at -1
        (8, 11, (407, 811, NO_LABEL)),  # the clip after would end at 15 of 0..14
        (0, 14, (NO_LABEL, 14, NO_LABEL)),  # the whole video
    ],
)
def test_neighbours_lie_beside_the_clip_and_inside_the_video(first, last, expected):
    label = labels_with_neighbours(number, {"v": 15})

    assert label("v", first, last) == expected


def test_the_loss_is_the_sum_of_existing_predictions_over_the_clips():
    task, batch = make_task().eval(), make_batch()
    terms, right = [], []
    for clips, labels in zip(batch["rgb"], batch["label"].tolist(), strict=True):
        for clip, wanted in zip(clips, labels, strict=True):
            feature = task.model.features(clip[None])[0]
            for head, label in zip((task.previous, task.model.fc, task.next), wanted, strict=True):
                if label != NO_LABEL:
                    terms.append(-torch.log_softmax(head(feature), 0)[label].item())
            right.append(float(task.model.fc(feature).argmax() == wanted[1]))

    found = task(batch)

    assert len(terms) == 10
    assert found["loss"].item() == pytest.approx(sum(terms) / 4, rel=1e-5)
    assert found["top1"].item() == pytest.approx(sum(right) / 4)
    assert task.score(batch).flatten().tolist() == right


def test_a_loss_computed_by_hand():
    # Heads without weights: the current cluster 1 has logit ln 5 among four, the others are even.
    task, batch = make_task().eval(), make_batch()
    with torch.no_grad():
        for head in (task.previous, task.model.fc, task.next):
            head.weight.zero_()
            head.bias.zero_()
        task.model.fc.bias[1] = math.log(5)

    # Six neighbours exist at ln 4; four current clips: labels 0, 1, 3, 1 at ln 8 and ln 8/5.
    expected = (6 * math.log(4) + 2 * math.log(8) + 2 * math.log(8 / 5)) / 4
    assert task(batch)["loss"].item() == pytest.approx(expected, rel=1e-5)


def test_all_three_heads_learn_and_two_stay_behind():
    task = make_task()
    task(make_batch())["loss"].backward()

    for head in (task.previous, task.model.fc, task.next):
        assert head.weight.grad.abs().sum() > 0
    assert not any(key.startswith(("previous", "next")) for key in task.model.state_dict())
    assert not torch.equal(task.previous.weight, task.next.weight)


def test_the_heads_follow_the_seed_and_leave_the_global_generator_alone():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first, second, other = make_task(1), make_task(1), make_task(2)

    assert torch.equal(first.previous.weight, second.previous.weight)
    assert not torch.equal(first.previous.weight, other.previous.weight)
    assert torch.equal(torch.get_rng_state(), before)
