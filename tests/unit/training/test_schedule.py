import math

import pytest

from pipelines.training.recipe import ScheduleConfig
from pipelines.training.schedule import Schedule, build_schedule

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
