import math

import numpy as np
import pytest
import torch

from pipelines.objectives.instance_recognition import (
    FORMS,
    IMAGENET_NORMALISER,
    distinct_negatives,
    nce_loss,
    softmax_loss,
    uniform_negatives,
)

TAU = 0.07


def unit_rows(count, size, seed):
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randn(count, size, generator=generator, dtype=torch.float64)
    return rows / rows.norm(dim=1, keepdim=True)


def equation_2(embeddings, own, bank, temperature):
    """Equation 2 as printed, its negative logarithm averaged over the batch."""
    total = 0.0
    for clip, row in zip(embeddings, own, strict=True):
        scores = [math.exp(float(clip @ other) / temperature) for other in bank]
        total -= math.log(scores[row] / sum(scores))
    return total / len(embeddings)


def official_nce(positive, negative, temperature, num_videos, normaliser):
    """The official code's loss, one clip and one noise row after the other."""
    noise = negative.shape[1] / num_videos
    total = 0.0
    for own, others in zip(positive.tolist(), negative.tolist(), strict=True):
        probability = math.exp(own / temperature) / normaliser
        total -= math.log(probability / (probability + noise + 1e-7))
        for other in others:
            probability = math.exp(other / temperature) / normaliser
            total -= math.log(noise / (probability + noise + 1e-7))
    return total / len(positive)


def test_softmax_over_all_other_videos_is_equation_2():
    bank, embeddings, own = unit_rows(9, 5, 0), unit_rows(4, 5, 1), [3, 0, 8, 3]
    others = torch.tensor([[row for row in range(9) if row != index] for index in own])
    similarity = embeddings @ bank.T

    loss = softmax_loss(
        similarity[torch.arange(4), own], similarity.gather(1, others), temperature=TAU
    )

    assert float(loss) == pytest.approx(equation_2(embeddings, own, bank, TAU))


@pytest.mark.parametrize("num_negatives", [1, 7])
def test_softmax_of_equal_similarities_is_the_log_of_their_number(num_negatives):
    loss = softmax_loss(torch.full((3,), 0.4), torch.full((3, num_negatives), 0.4), TAU)

    assert float(loss) == pytest.approx(math.log(num_negatives + 1))


@pytest.mark.parametrize("normaliser", [IMAGENET_NORMALISER, 50.0])
def test_nce_equals_the_loop(normaliser):
    generator = torch.Generator().manual_seed(2)
    positive = 2 * torch.rand(3, generator=generator, dtype=torch.float64) - 1
    negative = 2 * torch.rand(3, 6, generator=generator, dtype=torch.float64) - 1

    loss = nce_loss(positive, negative, TAU, 20, normaliser)

    assert float(loss) == pytest.approx(official_nce(positive, negative, TAU, 20, normaliser))


def test_nce_where_data_and_noise_are_equally_likely():
    # P = exp(0) / 2 = K / N = 1/2: one data term and one noise term of ln 2 each.
    loss = nce_loss(torch.zeros(1).double(), torch.zeros(1, 1).double(), TAU, 2, normaliser=2.0)

    assert float(loss) == pytest.approx(2 * math.log(2), abs=1e-6)


def test_nce_stays_finite_in_float32_at_both_ends():
    extremes = torch.tensor([-1.0, 1.0], requires_grad=True)

    loss = nce_loss(extremes, extremes.detach()[None].expand(2, 2), TAU, 240000)
    loss.backward()

    assert torch.isfinite(loss)
    assert torch.isfinite(extremes.grad).all()


@pytest.mark.parametrize("form", FORMS)
def test_gradient_pulls_to_the_own_row_and_away_from_others(form):
    loss, _ = FORMS[form]
    positive = torch.zeros(2, requires_grad=True)
    negative = torch.zeros(2, 3, requires_grad=True)

    loss(positive, negative, TAU, 10).backward()

    assert (positive.grad < 0).all()
    assert (negative.grad > 0).all()


@pytest.mark.parametrize("form", FORMS)
def test_refuses_other_shapes(form):
    loss, _ = FORMS[form]
    with pytest.raises(ValueError, match=r"expected similarities \(B,\) and \(B, K\)"):
        loss(torch.zeros(2, 1), torch.zeros(2, 3), TAU, 10)
    with pytest.raises(ValueError, match="expected similarities"):
        loss(torch.zeros(3), torch.zeros(2, 3), TAU, 10)


def test_nce_needs_the_number_of_videos():
    with pytest.raises(ValueError, match="number of videos"):
        nce_loss(torch.zeros(1), torch.zeros(1, 1), TAU)


@pytest.mark.parametrize(("num_videos", "num_negatives"), [(2, 1), (9, 8), (12000, 50)])
def test_negatives_are_distinct_and_never_the_own_video(num_videos, num_negatives):
    rng = np.random.default_rng(num_videos)
    seeds = torch.from_numpy(rng.integers(-(2**62), 2**62, 40))
    index = torch.from_numpy(rng.integers(num_videos, size=40))

    found = distinct_negatives(seeds, index, num_videos, num_negatives)

    assert found.shape == (40, num_negatives)
    for row, own in zip(found.tolist(), index.tolist(), strict=True):
        assert len(set(row)) == num_negatives
        assert own not in row
        assert min(row) >= 0
        assert max(row) < num_videos


@pytest.mark.parametrize("form", FORMS)
def test_every_video_is_drawn_equally_often(form):
    _, draw = FORMS[form]
    found = draw(torch.arange(3000), torch.full((3000,), 2), 6, 2).flatten()

    counts = torch.bincount(found, minlength=6)
    expected = torch.tensor([1200.0] * 6) if form == "softmax" else torch.full((6,), 1000.0)
    expected[2] = 0 if form == "softmax" else 1000
    # Five standard deviations of a binomial count.
    assert (counts - expected).abs().max() < 5 * math.sqrt(1200)


@pytest.mark.parametrize("form", FORMS)
def test_negatives_depend_on_their_own_sample_alone(form):
    # Equal on one and two processes: a batch may be cut anywhere.
    _, draw = FORMS[form]
    seeds, index = torch.tensor([5, 6, -7, 5]), torch.tensor([1, 1, 3, 0])

    whole = draw(seeds, index, 30, 8)
    halves = torch.cat([draw(seeds[:1], index[:1], 30, 8), draw(seeds[1:], index[1:], 30, 8)])

    assert torch.equal(whole, halves)
    assert len({tuple(row) for row in whole.tolist()}) == 4


def test_the_own_video_may_be_noise_in_the_official_form():
    found = uniform_negatives(torch.arange(50), torch.zeros(50, dtype=torch.int64), 3, 4)

    assert (found == 0).any()
    assert found.max() == 2


def test_too_few_videos_are_refused():
    with pytest.raises(ValueError, match="at most 7 negatives for 8 videos, found 8"):
        distinct_negatives(torch.zeros(1).long(), torch.zeros(1).long(), 8, 8)
