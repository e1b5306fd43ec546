"""A share of a source's videos (Video LA + IDT, section 4.7: 135,000 and 185,000 of 235,000)."""

import hashlib
from collections.abc import Sequence
from typing import TypeVar

from pipelines.data.manifest import Video

AnyVideo = TypeVar("AnyVideo", bound=Video)


def videos_in_share(videos: Sequence[AnyVideo], percent: int) -> list[AnyVideo]:
    """About so many percent of the videos, in their order.

    Each video's id decides alone: a larger share holds the smaller one, and another video in the
    dataset moves no other. Of n videos the number has a standard deviation of
    ``sqrt(n p (1 - p))``, 240 of 235,000.

    Args:
        videos: Any.
        percent: 1 to 100.
    """
    return [video for video in videos if _place(video.video_id) < percent]


def _place(video_id: str) -> float:
    """Uniform in [0, 100), by other bytes of the id's SHA-256 than those that choose its shard."""
    digest = hashlib.sha256(video_id.encode()).digest()
    return 100 * int.from_bytes(digest[8:16], "big") / 2**64
