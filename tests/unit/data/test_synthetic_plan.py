from collections import Counter

from pipelines.data.synthetic_motion import ACTIONS
from pipelines.data.synthetic_plan import NUM_TRAIN_GROUPS, plan_videos


def test_plan_has_the_counts_and_unique_ids():
    planned = plan_videos(8, 25, 600, seed=0)

    assert Counter(v.role for v in planned) == {"train": 80, "test": 250, "unlabelled": 600}
    assert Counter(v.label for v in planned if v.role == "train") == dict.fromkeys(ACTIONS, 8)
    assert len({v.video_id for v in planned}) == 930
    assert len({v.entropy for v in planned}) == 930
    assert {v.label for v in planned if v.role == "unlabelled"} == {""}


def test_groups_hold_all_classes_one_scene_and_one_role():
    planned = [v for v in plan_videos(8, 25, 3, seed=0) if v.group]
    groups = {v.group for v in planned}

    assert len({v.group for v in planned if v.role == "train"}) == NUM_TRAIN_GROUPS
    for group in groups:
        members = [v for v in planned if v.group == group]
        assert {v.label for v in members} == set(ACTIONS)
        assert len({v.scene for v in members}) == 1
        assert len({v.role for v in members}) == 1
    assert len({v.scene for v in planned}) == len(groups)


def test_larger_plan_contains_the_smaller_one():
    assert set(plan_videos(2, 3, 4, seed=5)) < set(plan_videos(4, 5, 6, seed=5))
