import math

import pytest
import torch

from pipelines.objectives.multi_clip import multi_clip_loss


def equation_1(logits, labels):
    """Equation 1 as printed: a sum over videos of sums over clips."""
    num_videos, num_clips, num_classes = logits.shape
    total = 0.0
    for video in range(num_videos):
        for clip in range(num_clips):
            scores = [float(logits[video, clip, k]) for k in range(num_classes)]
            log_sum = math.log(sum(math.exp(score) for score in scores))
            total += (log_sum - scores[int(labels[video, clip])]) / num_clips
    return total / num_videos


@pytest.mark.parametrize("shape", [(4, 3, 7), (1, 1, 2), (5, 1, 3), (1, 6, 4)])
def test_equals_the_loop_over_videos_and_clips(shape):
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(shape, generator=generator, dtype=torch.float64)
    labels = torch.randint(shape[2], shape[:2], generator=generator)

    assert float(multi_clip_loss(logits, labels)) == pytest.approx(equation_1(logits, labels))


def test_hand_computed_value():
    # Softmax of (0, ln 3) is (1/4, 3/4): the two clips cost ln 4 and ln(4/3).
    logits = torch.tensor([[[0.0, math.log(3)], [0.0, math.log(3)]]])

    loss = multi_clip_loss(logits, torch.tensor([[0, 1]]))

    assert float(loss) == pytest.approx((math.log(4) + math.log(4 / 3)) / 2)


def test_clips_share_the_gradient_equally():
    logits = torch.zeros(2, 3, 4, requires_grad=True)

    multi_clip_loss(logits, torch.zeros(2, 3, dtype=torch.int64)).backward()

    # d/dlogit = (softmax - onehot) / (B R), softmax = 1/4.
    torch.testing.assert_close(logits.grad[..., 0], torch.full((2, 3), -0.75 / 6))
    torch.testing.assert_close(logits.grad[..., 1:], torch.full((2, 3, 3), 0.25 / 6))


@pytest.mark.parametrize(
    ("logits", "labels"), [((6, 4), (6,)), ((2, 3, 4), (2,)), ((2, 3, 4), (3, 2))]
)
def test_refuses_other_shapes(logits, labels):
    with pytest.raises(ValueError, match="expected logits"):
        multi_clip_loss(torch.zeros(logits), torch.zeros(labels, dtype=torch.int64))
