import copy

import pytest

from pipelines.io.sections import Where, as_given, at_path, is_known, merged, pick

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


def test_commands_are_given_clips_without_the_size_of_their_frames():
    clips = {"frame_size": [240, 320], "crop_px": 112}

    assert as_given(clips) == {"crop_px": 112}
    assert as_given({"recipe": {"clips": clips, "n": [1]}}) == {
        "recipe": {"clips": {"crop_px": 112}, "n": [1]}
    }
    assert clips["frame_size"] == [240, 320]
