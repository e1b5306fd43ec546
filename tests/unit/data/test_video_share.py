import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipelines.data.manifest import Video, shard_of
from pipelines.data.video_share import videos_in_share


def videos(ids):
    return [Video(video_id, "x.avi", None, None, {}) for video_id in ids]


EVERYONE = videos([f"many/{number}" for number in range(4000)])


@given(st.integers(1, 100), st.integers(1, 100))
def test_a_larger_share_holds_the_smaller_one_in_order(first, second):
    smaller, larger = (
        [video.video_id for video in videos_in_share(EVERYONE[:500], percent)]
        for percent in sorted([first, second])
    )
    held = set(smaller)

    assert [video_id for video_id in larger if video_id in held] == smaller


@given(st.integers(1, 100))
def test_the_share_has_about_its_size(percent):
    share = percent / 100
    deviation = np.sqrt(len(EVERYONE) * share * (1 - share))

    count = len(videos_in_share(EVERYONE, percent))

    assert abs(count - share * len(EVERYONE)) <= 4 * deviation


@given(st.sets(st.text(min_size=1)), st.text(min_size=1), st.integers(1, 100))
def test_another_video_moves_no_other(ids, added, percent):
    before = videos_in_share(videos(sorted(ids - {added})), percent)
    after = videos_in_share(videos(sorted(ids | {added})), percent)

    assert [video for video in after if video.video_id != added] == before


def test_shards_are_shared_evenly():
    chosen = {video.video_id for video in videos_in_share(EVERYONE, 50)}
    shares = [
        np.mean([v.video_id in chosen for v in EVERYONE if shard_of(v.video_id, 4) == shard])
        for shard in range(4)
    ]

    assert max(shares) - min(shares) < 0.1
