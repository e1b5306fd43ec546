import copy

import pytest

from pipelines.io.sections import Where, at_path, is_known, merged, pick

PRESET = {"clips": {"num_frames": 8, "sizes": [1, 2]}, "flow": {"source": "raft"}, "raft": {"n": 3}}


def test_the_upper_one_wins_key_by_key_and_lists_are_replaced():
    before = copy.deepcopy(PRESET)
    found = merged(PRESET, {"clips": {"sizes": [3]}, "flow": "none", "new": {"a": 1}})

    assert found["clips"] == {"num_frames": 8, "sizes": [3]}
    assert (found["flow"], found["new"], found["raft"]) == ("none", {"a": 1}, {"n": 3})
    found["raft"]["n"] = 4
    assert before == PRESET


def test_values_are_found_by_dotted_paths():
    assert at_path(PRESET, "clips.num_frames") == 8
    assert is_known(PRESET, "clips.sizes")
    assert not is_known(PRESET, "clips.sizes.first")
    assert not is_known(PRESET, "clip")
    with pytest.raises(KeyError, match="other"):
        at_path(PRESET, "clips.other")


def test_picked_sections_hold_under_their_condition_alone():
    raft = Where("raft", "flow.source", "raft")

    assert pick(PRESET, ("flow", raft)) == '{"flow":{"source":"raft"},"raft":{"n":3}}'
    assert pick(PRESET, ("flow", Where("raft", "flow.source", "tvl1"))) == pick(PRESET, ("flow",))
    assert pick(PRESET, ("flow", "missing")) == ""
