import itertools

import cv2
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.clips.batches import StepBatchSampler, build_loader, build_view_loader
from pipelines.clips.clip_dataset import ClipDataset
from pipelines.clips.view_dataset import ViewDataset

VIDEOS = ["long", "exact", "short"]
SIZES = st.integers(1, 12)


@settings(deadline=None)
@given(SIZES, SIZES, st.integers(0, 2**40))
def test_every_pass_holds_every_video_once(num_videos, batch_size, seed):
    num_steps = 3 * num_videos
    sampler = StepBatchSampler(num_videos, batch_size, seed, 0, num_steps)

    keys = [key for batch in sampler for key in batch]

    assert len(keys) == num_steps * batch_size
    for start in range(0, len(keys), num_videos):
        block = [key.index for key in keys[start : start + num_videos]]
        assert sorted(block) == list(range(num_videos))
    assert len({key.seed for key in keys}) == len(keys)


@settings(deadline=None)
@given(SIZES, SIZES, st.integers(0, 9), st.integers(0, 20))
def test_resumed_run_sees_the_batches_of_an_uninterrupted_one(num_videos, batch, seed, first):
    whole = list(StepBatchSampler(num_videos, batch, seed, 0, 20))
    resumed = StepBatchSampler(num_videos, batch, seed, first, 20)

    assert list(resumed) == whole[first:]
    assert len(resumed) == 20 - first


@settings(deadline=None)
@given(SIZES, SIZES, st.integers(0, 9), st.integers(0, 12), st.integers(0, 12))
def test_parts_of_several_processes_are_the_whole_batch(num_videos, batch, seed, first, second):
    cuts = [0, *sorted((min(first, batch), min(second, batch))), batch]
    parts = [slice(*span) for span in itertools.pairwise(cuts)]
    samplers = [StepBatchSampler(num_videos, batch, seed, 0, 4, part) for part in parts]

    joined = [list(itertools.chain(*pieces)) for pieces in zip(*samplers, strict=True)]

    assert joined == list(StepBatchSampler(num_videos, batch, seed, 0, 4))


def test_seeds_give_other_orders_and_passes_differ():
    orders = [
        tuple(key.index for key in StepBatchSampler(20, 20, seed, 0, 2).batch(step))
        for seed in (0, 1)
        for step in (0, 1)
    ]

    assert len(set(orders)) == 4


@pytest.mark.parametrize(
    "numbers", [(0, 1, 0, 0, 1), (1, 0, 0, 0, 1), (1, 1, 0, 2, 1), (1, 1, 0, -1, 1)]
)
def test_senseless_numbers_are_refused(numbers):
    with pytest.raises(ValueError, match=r"expected|must be"):
        StepBatchSampler(*numbers)


@pytest.mark.parametrize("num_workers", [0, 1])
def test_loader_stacks_items_and_leaves_the_global_generator_alone(stores, config, num_workers):
    dataset = ClipDataset(VIDEOS, *stores, config, 2, lambda v, a, b: a, True)
    sampler = StepBatchSampler(3, 2, 0, 1, 3)
    before = torch.get_rng_state()

    batches = list(build_loader(dataset, sampler, num_workers, 0))

    assert torch.equal(torch.get_rng_state(), before)
    assert [batch["rgb"].shape for batch in batches] == [(2, 2, 3, 4, 12, 12)] * 2
    assert batches[0]["label"].shape == (2, 2)
    for batch, keys in zip(batches, sampler, strict=True):
        assert list(batch["video_id"]) == [VIDEOS[key.index] for key in keys]
        expected = torch.stack([dataset[key]["flow"] for key in keys])
        torch.testing.assert_close(batch["flow"], expected, rtol=0, atol=0)


@pytest.mark.parametrize(("num_workers", "left"), [(0, 2), (1, 1)])
def test_no_thread_of_opencv_is_left_when_workers_are_forked(stores, config, num_workers, left):
    # A worker that is forked beside them hangs now and then, in its first cv2.setNumThreads.
    dataset = ClipDataset(VIDEOS, *stores, config, 2, None, True)
    before = cv2.getNumThreads()
    try:
        cv2.setNumThreads(2)
        build_loader(dataset, StepBatchSampler(3, 2, 0, 0, 1), num_workers, 0)
        assert cv2.getNumThreads() == left
    finally:
        cv2.setNumThreads(before)


def test_view_loader_gives_one_video_at_a_time(stores, config):
    views = ViewDataset(VIDEOS, stores[0], None, config, step=5)

    found = list(build_view_loader(views, 0))

    assert [item["video_id"] for item in found] == VIDEOS
    assert [len(item["rgb"]) for item in found] == [5, 1, 1]
