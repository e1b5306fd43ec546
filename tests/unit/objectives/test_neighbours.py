import math

import pytest
import torch

from pipelines.objectives.neighbours import NO_LABEL, neighbour_loss


def by_hand(logits, labels):
    """Sum over existing predictions of -log softmax, over the number of clips, in plain Python."""
    terms = []
    for video, video_labels in zip(logits.tolist(), labels.tolist(), strict=True):
        for clip, clip_labels in zip(video, video_labels, strict=True):
            for row, label in zip(clip, clip_labels, strict=True):
                if label != NO_LABEL:
                    total = sum(math.exp(value) for value in row)
                    terms.append(math.log(total) - row[label])
    return sum(terms) / labels[:, :, 0].numel()


def test_equals_the_sum_of_what_exists_over_the_clips():
    logits = torch.randn(2, 3, 3, 5, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor(
        [
            [[NO_LABEL, 0, 1], [0, 1, 4], [1, 4, NO_LABEL]],
            [[NO_LABEL, 2, NO_LABEL], [3, 3, 3], [0, 2, 1]],
        ]
    )

    found = neighbour_loss(logits, labels)

    assert found.item() == pytest.approx(by_hand(logits, labels), rel=1e-6)


def test_a_case_computed_by_hand():
    # Current clip: two clusters, logits 0 and ln 3, so label 1 has probability 3/4. The next clip's
    # label has probability 1/2. There is no previous clip, whatever its logits.
    logits = torch.tensor([[[[9.0, -9.0], [0.0, math.log(3)], [0.0, 0.0]]]])
    labels = torch.tensor([[[NO_LABEL, 1, 0]]])

    expected = math.log(4 / 3) + math.log(2)
    assert neighbour_loss(logits, labels).item() == pytest.approx(expected, rel=1e-6)


def test_uniform_predictions_cost_log_k_for_each_that_exists():
    labels = torch.tensor([[[1, 2, 3], [NO_LABEL, 6, 0]]])

    loss = neighbour_loss(torch.zeros(1, 2, 3, 7), labels)

    assert loss.item() == pytest.approx(5 * math.log(7) / 2)


def test_parts_of_a_batch_average_to_the_whole():
    logits = torch.randn(4, 2, 3, 5, generator=torch.Generator().manual_seed(1))
    labels = torch.randint(0, 5, (4, 2, 3), generator=torch.Generator().manual_seed(2))
    labels[0, :, 0] = labels[2, 1, 2] = NO_LABEL

    parts = [neighbour_loss(logits[part], labels[part]) for part in (slice(1), slice(1, 4))]

    whole = neighbour_loss(logits, labels)
    assert (parts[0] + 3 * parts[1]).item() / 4 == pytest.approx(whole.item(), rel=1e-6)


def test_what_does_not_exist_gets_no_gradient():
    logits = torch.zeros(1, 1, 3, 2, requires_grad=True)
    neighbour_loss(logits, torch.tensor([[[NO_LABEL, 1, 0]]])).backward()

    assert logits.grad[0, 0].abs().sum(-1).tolist() == pytest.approx([0.0, 1.0, 1.0])


@pytest.mark.parametrize("shape", [(1, 2), (1, 2, 2), (1, 1, 3)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match=r"expected logits \(B, R, 3, K\)"):
        neighbour_loss(torch.zeros(1, 2, 3, 4), torch.zeros(shape, dtype=torch.int64))
