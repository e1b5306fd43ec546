import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from pipelines.models.memory_queue import MemoryQueue
from pipelines.objectives.info_nce import info_nce

WIDTH = 3
BATCHES = st.lists(st.lists(st.integers(0, 5), min_size=1, max_size=9), max_size=8)


def rows_of(videos: list[int], seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return 3 * torch.randn(len(videos), WIDTH, generator=generator)


def filled(num_rows: int, batches: list[list[int]]) -> tuple[MemoryQueue, list[tuple]]:
    """A queue and the plain list of what was put into it, oldest first."""
    queue, pushed = MemoryQueue(num_rows, WIDTH), []
    for step, videos in enumerate(batches):
        rows = rows_of(videos, step)
        queue.enqueue(rows, torch.tensor(videos))
        pushed += list(zip(videos, functional.normalize(rows, dim=1), strict=True))
    return queue, pushed


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 12), BATCHES)
def test_holds_the_last_rows_in_the_order_of_a_ring(num_rows, batches):
    queue, pushed = filled(num_rows, batches)

    assert int(queue.next_row) == len(pushed) % num_rows
    assert queue.num_filled == min(num_rows, len(pushed))
    for number, (video, row) in list(enumerate(pushed))[-num_rows:]:
        torch.testing.assert_close(queue.rows[number % num_rows], row)
        assert int(queue.video_index[number % num_rows]) == video


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 12), BATCHES, st.lists(st.integers(0, 5), min_size=1, max_size=4))
def test_neither_empty_rows_nor_the_own_video_ever_enter(num_rows, batches, asking):
    queue, pushed = filled(num_rows, batches)

    allowed = ~queue.is_excluded(torch.tensor(asking))

    stored = [video for video, _ in pushed[-num_rows:]]
    for query, video in enumerate(asking):
        found = sorted(queue.video_index[allowed[query]].tolist())
        assert found == sorted(other for other in stored if other != video)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 12), BATCHES)
def test_rows_have_unit_length_or_none(num_rows, batches):
    queue, _ = filled(num_rows, batches)

    lengths = queue.rows.norm(dim=1)

    torch.testing.assert_close(lengths, (queue.video_index >= 0).float())


def test_what_is_excluded_changes_no_loss():
    queue, _ = filled(8, [[0, 1, 2], [0, 3]])
    query = functional.normalize(rows_of([0, 1], 9), dim=1)
    videos = torch.tensor([0, 1])
    before = info_nce(query, query, queue.rows, queue.is_excluded(videos), 0.1)

    own = (queue.video_index == 0) | (queue.video_index < 0)
    queue.rows[own] = query[0]
    after = info_nce(query[:1], query[:1], queue.rows, queue.is_excluded(videos[:1]), 0.1)
    plain = info_nce(query[:1], query[:1], queue.rows[~own], torch.zeros(1, 3).bool(), 0.1)

    torch.testing.assert_close(after, plain)
    assert float(before) > 0


def test_half_precision_rows_get_unit_length():
    queue = MemoryQueue(4, WIDTH)

    queue.enqueue(rows_of([0, 1], 0).bfloat16(), torch.tensor([0, 1]))

    assert queue.rows.dtype == torch.float32
    torch.testing.assert_close(queue.rows[:2].norm(dim=1), torch.ones(2))


def test_a_resumed_queue_goes_on_where_it_was():
    queue, _ = filled(5, [[0, 1, 2], [3, 4, 5]])
    resumed = MemoryQueue(5, WIDTH)
    resumed.load_state_dict(queue.state_dict())

    for either in (queue, resumed):
        either.enqueue(rows_of([1, 2], 7), torch.tensor([1, 2]))

    assert set(queue.state_dict()) == {"rows", "video_index", "next_row"}
    for name, value in queue.state_dict().items():
        torch.testing.assert_close(resumed.state_dict()[name], value, rtol=0, atol=0)


def test_no_gradient_is_kept():
    queue = MemoryQueue(4, WIDTH)

    queue.enqueue(rows_of([0], 0).requires_grad_(), torch.tensor([0]))

    assert not queue.rows.requires_grad


@pytest.mark.parametrize("shapes", [((2, WIDTH), (3,)), ((2, 4), (2,)), ((2, WIDTH), (2, 1))])
def test_other_shapes_are_refused(shapes):
    with pytest.raises(ValueError, match=r"expected \(B, 3\)"):
        MemoryQueue(4, WIDTH).enqueue(torch.zeros(shapes[0]), torch.zeros(shapes[1]).long())


@pytest.mark.parametrize("numbers", [(0, 3), (3, 0)])
def test_an_empty_shape_is_refused(numbers):
    with pytest.raises(ValueError, match="rows and columns"):
        MemoryQueue(*numbers)
