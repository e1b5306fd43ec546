import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.training.recipe import ScheduleConfig
from pipelines.training.schedule import Schedule, build_schedule, plateau_drops

# MotionFit section 4.2: 120 epochs, divided by ten after 40, 60 and 80.
PAPER = ScheduleConfig("epochs", 120, "step", (40, 60, 80), 0.1, 0, 1)


def schedule(num_steps=10, warmup=0, drops=(), is_cosine=False):
    return Schedule(num_steps, warmup, drops, 0.1, is_cosine, 1)


@pytest.mark.parametrize(
    ("epoch", "rate"), [(0, 1e-3), (39, 1e-3), (40, 1e-4), (60, 1e-5), (80, 1e-6), (119, 1e-6)]
)
def test_the_papers_rate_drops_at_40_60_and_80_epochs(epoch, rate):
    # UCF101 split 1 has 9,537 training videos: 1,193 batches of 8, the last with one video.
    built = build_schedule(PAPER, num_videos=9537, videos_per_step=8)

    assert built.num_steps == 120 * 1193
    first = epoch * 1193
    for step in (first, first + 1192):
        assert built.learning_rate(1e-3, step) == pytest.approx(rate, rel=1e-12)


@pytest.mark.parametrize(("videos", "batch", "steps"), [(8, 4, 2), (9, 4, 3), (1, 4, 1), (4, 4, 1)])
def test_an_epoch_is_counted_in_whole_batches(videos, batch, steps):
    config = ScheduleConfig("epochs", 5, "cosine", (3,), 0.1, 2, 1)
    built = build_schedule(config, videos, batch)

    assert built.num_steps == 5 * steps
    assert built.warmup_steps == 2 * steps
    assert built.drop_steps == (3 * steps,)
    assert built.validate_every_steps == steps
    assert built.is_cosine


def test_steps_are_taken_as_they_are():
    config = ScheduleConfig("steps", 5, "step", (3,), 0.5, 2, 4)

    assert build_schedule(config, 1000, 4) == Schedule(5, 2, (3,), 0.5, False, 4)


def test_the_warm_up_is_linear_and_meets_the_base_rate():
    rates = [schedule(warmup=4).learning_rate(10.0, step) for step in range(6)]

    assert rates == pytest.approx([2.0, 4.0, 6.0, 8.0, 10.0, 10.0])


def test_the_cosine_falls_from_the_base_to_nothing_after_the_warm_up():
    cosine = schedule(num_steps=14, warmup=4, is_cosine=True)

    assert cosine.learning_rate(2.0, 4) == 2.0
    assert cosine.learning_rate(2.0, 9) == pytest.approx(1.0)
    assert cosine.learning_rate(2.0, 14) == pytest.approx(0.0, abs=1e-12)
    assert cosine.learning_rate(2.0, 6) == pytest.approx(1 + math.cos(math.pi / 5))


def test_a_warm_up_as_long_as_the_schedule_has_a_rate_at_every_step():
    long = schedule(num_steps=3, warmup=3, is_cosine=True)

    assert [long.learning_rate(4.0, step) for step in range(3)] == [1.0, 2.0, 3.0]


def test_drops_multiply():
    rates = [schedule(drops=(2, 3)).learning_rate(1.0, step) for step in range(5)]

    assert rates == pytest.approx([1.0, 1.0, 0.1, 0.01, 0.01])


def test_a_warm_up_may_begin_at_a_given_share_of_the_rate():
    # MoSI: from 1e-4 to 1e-3.
    mosi = Schedule(20, 4, (), 0.1, True, 1, warmup_start=0.1)

    rates = [mosi.learning_rate(1e-3, step) for step in range(5)]
    assert rates == pytest.approx([1e-4, 3.25e-4, 5.5e-4, 7.75e-4, 1e-3])
    zero = Schedule(20, 2, (), 0.1, False, 1, warmup_start=0.0)
    assert [zero.learning_rate(8.0, step) for step in range(3)] == [0.0, 4.0, 8.0]


@settings(deadline=None)
@given(st.lists(st.floats(-3, 3) | st.just(math.nan), max_size=30), st.integers(0, 4))
def test_a_plateau_drops_where_torchs_scheduler_does(scores, patience):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=1.0)
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer, "max", factor=0.5, patience=patience, threshold=0.0, eps=0.0
    )
    for score in scores:
        theirs.step(score)

    assert 0.5 ** plateau_drops(scores, patience) == optimizer.param_groups[0]["lr"]


def test_a_plateau_follows_the_scores_after_the_warm_up():
    config = ScheduleConfig("epochs", 9, "plateau", (3,), 0.1, 1, 2, patience=1)
    built = build_schedule(config, 10, 5)

    assert (built.patience, built.drop_steps, built.is_cosine) == (1, (), False)
    scores = (0.5, 0.6, 0.6, 0.5)
    assert [built.learning_rate(1.0, 9, scores[:n]) for n in range(5)] == [1.0, 1.0, 1.0, 1.0, 0.1]
    assert built.learning_rate(1.0, 1, scores) == pytest.approx(2 / 3)


@pytest.mark.parametrize("decay", ["step", "cosine"])
def test_other_schedules_do_not_look_at_scores(decay):
    built = build_schedule(ScheduleConfig("steps", 9, decay, (), 0.1, 0, 1, patience=0), 10, 5)

    assert built.learning_rate(1.0, 5, (0.5, 0.4, 0.3)) == built.learning_rate(1.0, 5)
