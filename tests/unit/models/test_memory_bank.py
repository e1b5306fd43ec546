import io

import pytest
import torch
from torch.nn import functional

from pipelines.models.memory_bank import MemoryBank

VIDEOS = ("a/1", "a/2", "b/1", "b/2", "b/3")


def bank(momentum=0.5, seed=0, videos=VIDEOS, num_entries=4):
    return MemoryBank(videos, num_entries, momentum, seed)


def unit(count, size, seed):
    generator = torch.Generator().manual_seed(seed)
    return functional.normalize(torch.randn(count, size, generator=generator), dim=1)


def is_unit(rows):
    return bool(((rows.norm(dim=1) - 1).abs() < 1e-5).all())


def test_rows_are_random_unit_vectors_of_the_seed():
    first, again, other = bank(), bank(), bank(seed=1)

    assert first.rows.shape == (5, 4)
    assert is_unit(first.rows)
    assert torch.equal(first.rows, again.rows)
    assert not torch.equal(first.rows, other.rows)


def test_the_start_takes_nothing_from_the_global_generator():
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    bank()

    assert torch.equal(torch.rand(2), expected)


def test_hand_computed_update():
    # (1, 0) and (0, 1) with m = 1/2 point to (1, 1); with m = 3/4 to (3, 1).
    for momentum, expected in ((0.5, [1.0, 1.0]), (0.75, [3.0, 1.0])):
        memory = bank(momentum, videos=("x", "y"), num_entries=2)
        memory.fill(torch.tensor([[1.0, 0.0], [0.0, -2.0]]))

        memory.update(torch.tensor([0]), torch.tensor([[0.0, 1.0]]))

        direction = functional.normalize(torch.tensor(expected), dim=0)
        assert torch.allclose(memory.rows[0], direction)
        assert torch.equal(memory.rows[1], torch.tensor([0.0, -1.0]))


@pytest.mark.parametrize("seed", range(5))
def test_rows_stay_unit_length_and_others_untouched(seed):
    generator = torch.Generator().manual_seed(seed)
    memory = bank(momentum=float(torch.rand(1, generator=generator)) * 0.99)
    for step in range(200):
        before = memory.rows.clone()
        # Repeated videos, and clips that point the opposite way, are frequent.
        index = torch.randint(5, (4,), generator=generator)
        embeddings = unit(4, 4, step)
        if step % 3 == 0:
            embeddings[0] = -memory.rows[index[0]]

        memory.update(index, embeddings)

        assert is_unit(memory.rows)
        kept = sorted(set(range(5)) - set(index.tolist()))
        assert torch.equal(memory.rows[kept], before[kept])


def test_a_row_without_a_new_direction_stays():
    memory = bank(momentum=0.5)
    before = memory.rows.clone()

    memory.update(torch.tensor([2]), -before[2:3])

    assert torch.equal(memory.rows, before)


def test_a_video_with_several_clips_takes_their_mean_in_any_order():
    index, embeddings = torch.tensor([3, 1, 3]), unit(3, 4, 0)
    found, swapped, single = bank(), bank(), bank()

    found.update(index, embeddings)
    swapped.update(index.flip(0), embeddings.flip(0))
    single.update(torch.tensor([3]), (embeddings[0] + embeddings[2])[None] / 2)

    assert torch.equal(found.rows, swapped.rows)
    assert torch.allclose(found.rows[3], single.rows[3])


def test_no_gradient_reaches_the_bank():
    memory = bank()
    memory.update(torch.tensor([0]), unit(1, 4, 0).requires_grad_())

    assert not memory.rows.requires_grad
    assert list(memory.parameters()) == []


def test_saved_and_loaded_rows_are_equal():
    memory, fresh = bank(), bank(seed=9)
    memory.update(torch.tensor([1, 4]), unit(2, 4, 0))
    buffer = io.BytesIO()
    torch.save(memory.state_dict(), buffer)
    buffer.seek(0)

    fresh.load_state_dict(torch.load(buffer, weights_only=True))

    assert torch.equal(fresh.rows, memory.rows)


def test_rows_of_other_videos_are_refused():
    other = bank(videos=("a/1", "a/2", "b/1", "b/2", "b/4"))

    with pytest.raises(ValueError, match="of 5 videos, expected the 5 from 'a/1' on"):
        bank().load_state_dict(other.state_dict())


@pytest.mark.parametrize("videos", [(), ("b", "a"), ("a", "a")])
def test_ids_must_be_sorted_and_distinct(videos):
    with pytest.raises(ValueError, match="sorted video ids"):
        bank(videos=videos)


def test_bad_input_is_refused():
    memory = bank()
    with pytest.raises(ValueError, match="momentum"):
        bank(momentum=1.0)
    with pytest.raises(ValueError, match=r"expected indices \(B,\) and embeddings \(B, 4\)"):
        memory.update(torch.tensor([0, 1]), unit(1, 4, 0))
    with pytest.raises(ValueError, match=r"expected embeddings \(5, 4\)"):
        memory.fill(unit(4, 4, 0))
    with pytest.raises(ValueError, match="zero or not finite"):
        memory.fill(torch.zeros(5, 4))
