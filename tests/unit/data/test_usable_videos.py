from pathlib import Path

import pytest

from pipelines.data.manifest import ProbedFile, ProbedVideo, Problem, Video
from pipelines.data.usable_videos import check_share, join_files, named_counts
from pipelines.io.errors import DatasetError, TooManySkippedError

FACTS = (3, 1.0, 12.0, 24, 32, 12, 9, "0" * 64)
TABLE, OTHER = Path("problems/shard-0000.parquet"), Path("problems/shard-0001.parquet")


def video(video_id):
    return Video(video_id, "", "jump", "g1", {"s": "train"})


def file(video_id):
    return ProbedFile(video_id, f"{video_id}.avi", *FACTS)


def problem(video_id, kind="truncated"):
    return Problem(video_id, "probe_videos", kind, "a reason")


def test_annotations_and_files_are_joined_by_id():
    found = join_files([video("a"), video("b")], [file("c"), file("b"), file("a")], [])

    assert found == [
        ProbedVideo(name, f"{name}.avi", "jump", "g1", {"s": "train"}, *FACTS) for name in "ab"
    ]


def test_videos_whose_files_cannot_be_used_are_left_out():
    found = join_files([video("a"), video("b")], [file("b")], [problem("a")])

    assert [each.video_id for each in found] == ["b"]


def test_a_video_that_was_not_probed_is_refused():
    with pytest.raises(DatasetError, match=r"2 videos have come .* first: b; run the same command"):
        join_files([video("a"), video("b"), video("c")], [file("a")], [])


def test_up_to_the_limit_problems_pass():
    check_share(1, [], {TABLE: [problem("a")]}, 0.5)
    check_share(1, [problem("a", "missing")], {}, 0.5)
    check_share(1, [problem(f"p{number}", "unlisted") for number in range(6)], {}, 0.0)


def test_over_the_limit_counts_and_first_five_are_named():
    listed = [problem(f"p{number}", "missing") for number in range(6)]

    with pytest.raises(TooManySkippedError) as failure:
        check_share(1, listed, {TABLE: [], OTHER: [problem("a0")]}, 0.5)

    message = str(failure.value)
    assert "7 of 8 videos cannot be used (6 missing, 1 truncated)" in message
    assert "limits.max_skipped_fraction 0.5" in message
    assert all(f"{name} (" in message for name in ("a0", "p0", "p1", "p2", "p3"))
    assert "p4" not in message
    # The table whose loss has a repaired file looked at again.
    assert message.endswith(f"delete what names the video: {OTHER}")


def test_no_table_is_named_where_no_file_was_looked_at():
    with pytest.raises(TooManySkippedError, match=r"or raise the limit\.$"):
        check_share(0, [problem("p", "missing")], {}, 0.5)


@pytest.mark.parametrize("listed", [[], [problem("a", "unlisted")]])
def test_a_dataset_without_videos_is_refused(listed):
    with pytest.raises(DatasetError, match="no video"):
        check_share(0, listed, {}, 1.0)


def test_a_dataset_without_usable_videos_is_refused_at_any_limit():
    with pytest.raises(TooManySkippedError, match="1 of 1 videos"):
        check_share(0, [], {TABLE: [problem("a")]}, 1.0)


def test_counts_are_named_in_the_order_of_kinds():
    assert named_counts({"missing": 3, "empty": 1}) == "1 empty, 3 missing"
