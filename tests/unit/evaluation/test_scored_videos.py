from pathlib import Path

import pytest

from pipelines.evaluation.scored_videos import scored_videos
from pipelines.io.errors import ConfigError, DatasetError
from pipelines.training.clip_sources import LabelledVideos

MANIFEST = Path("m.parquet")


def labelled(validation, test):
    return LabelledVideos(("left",), ["a"], validation, test, {"a": 0})


def test_each_role_has_its_videos():
    videos = labelled(["b"], ["c", "d"])

    assert scored_videos(videos, "test", MANIFEST, "split1") == ["c", "d"]
    assert scored_videos(videos, "validation", MANIFEST, "split1") == ["b"]


def test_a_role_without_videos_is_refused():
    with pytest.raises(DatasetError, match=r"m\.parquet: split split1 has no usable test video"):
        scored_videos(labelled(["b"], []), "test", MANIFEST, "split1")
    with pytest.raises(ConfigError, match="holds out no video"):
        scored_videos(labelled([], ["c"]), "validation", MANIFEST, "split1")
