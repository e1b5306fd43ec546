import numpy as np
import pytest

from pipelines.data.action_scene import ACTIONS, SceneBox, render_scene

SIZE = (40, 64)


def scene(actions=("slide", "rest"), seed=0, num_seconds=4):
    return render_scene(np.random.default_rng(seed), actions, num_seconds, 6, *SIZE)


def test_every_second_but_the_first_and_the_last_has_a_box_of_each_person():
    frames, boxes = scene()

    assert frames.shape == (24, *SIZE, 3)
    assert frames.dtype == np.uint8
    assert [(box.second, box.person_id, box.action) for box in boxes] == [
        (second, person, action)
        for second in (1, 2, 3)
        for person, action in ((0, "slide"), (1, "rest"))
    ]


@pytest.mark.parametrize("action", ACTIONS)
def test_boxes_stay_in_their_half_and_in_the_frame(action):
    _, boxes = scene((action, action), num_seconds=12)

    for box in boxes:
        left = 0.5 * box.person_id
        assert left - 0.01 <= box.x1 < box.x2 <= left + 0.51
        assert 0 <= box.y1 < box.y2 <= 1


def test_only_what_is_in_the_box_of_who_moves_changes():
    frames, boxes = scene(("rest", "bounce"))

    changed = (frames != frames[0]).any(axis=(0, 3))
    # Whoever rests stays in the left half.
    assert not changed[:, : SIZE[1] // 2].any()
    assert changed[:, SIZE[1] // 2 :].any()
    assert len({(box.x1, box.y1) for box in boxes if box.person_id == 0}) == 1
    assert len({(box.x1, box.y1) for box in boxes if box.person_id == 1}) > 1


def test_a_sprite_is_where_its_box_says():
    frames, boxes = scene(("rest", "slide"))
    box: SceneBox = next(box for box in boxes if box.person_id == 1 and box.second == 2)
    before = frames[0].astype(int)

    rows, columns = np.nonzero(np.abs(frames[2 * 6].astype(int) - before).sum(axis=2) > 0)
    # Where it is now and where it was at first, nothing else.
    first = 0.75 - (box.x2 - box.x1) / 2
    low, high = min(box.x1, first) * SIZE[1], max(box.x2, first + box.x2 - box.x1) * SIZE[1]
    assert low - 1 <= columns.min()
    assert columns.max() <= high + 1
    assert box.y1 * SIZE[0] - 1 <= rows.min()
    assert rows.max() <= box.y2 * SIZE[0] + 1


def test_the_seed_decides_and_wrong_requests_are_refused():
    assert np.array_equal(scene(seed=1)[0], scene(seed=1)[0])
    assert not np.array_equal(scene(seed=1)[0], scene(seed=2)[0])
    with pytest.raises(ValueError, match=r"2 actions of rest, .* found fly"):
        scene(("fly", "rest"))
    with pytest.raises(ValueError, match="at least 2 seconds"):
        scene(num_seconds=1)
