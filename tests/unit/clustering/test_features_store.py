import numpy as np
import pandas as pd
import pytest

from pipelines.clustering.features_store import (
    VideoFeatures,
    read_features,
    read_video_ids,
    write_features,
)
from pipelines.io.errors import ContractError, PipelineError

STAMP = {"module": "test"}


def make_video(video_id, num_clips, seed=0):
    first = np.arange(num_clips, dtype=np.int64) * 8
    features = np.random.default_rng(seed).normal(size=(num_clips, 5)).astype(np.float32)
    return VideoFeatures(video_id, first, first + 15, features)


# 1,100 clips need several chunks.
VIDEOS = [make_video("a/one", 3), make_video("b/zwölf", 1100, 1), make_video("c", 1, 2)]


@pytest.fixture
def shard(tmp_path):
    path = tmp_path / "features.h5"
    write_features(path, iter(VIDEOS), 5, STAMP)
    return path


def test_what_is_written_is_read_in_order(shard):
    found = list(read_features(shard))

    assert [video.video_id for video in found] == ["a/one", "b/zwölf", "c"]
    for video, expected in zip(found, VIDEOS, strict=True):
        np.testing.assert_array_equal(video.features, expected.features)
        np.testing.assert_array_equal(video.first_frame, expected.first_frame)
        np.testing.assert_array_equal(video.last_frame, expected.last_frame)
        assert (video.features.dtype, video.first_frame.dtype) == (np.float32, np.int64)


def test_a_shard_may_hold_no_video(tmp_path):
    write_features(tmp_path / "empty.h5", [], 5, STAMP)

    assert list(read_features(tmp_path / "empty.h5")) == []


def test_features_that_are_not_finite_are_refused(tmp_path):
    video = make_video("a", 2)
    video.features[1, 3] = np.inf

    with pytest.raises(PipelineError, match="a: features are not finite"):
        write_features(tmp_path / "features.h5", [video], 5, STAMP)


def test_a_missing_shard_names_the_rule(tmp_path):
    with pytest.raises(ContractError, match="rule extract_features makes it"):
        list(read_features(tmp_path / "features.h5"))


@pytest.mark.parametrize("value", ["zwölf".encode(), VIDEOS[1].features[700].tobytes()])
def test_a_flipped_bit_is_noticed(shard, value):
    content = bytearray(shard.read_bytes())
    content[content.index(value)] ^= 1
    shard.write_bytes(content)

    with pytest.raises(ContractError, match="damaged"):
        list(read_features(shard))


def test_a_truncated_shard_is_refused(shard):
    shard.write_bytes(shard.read_bytes()[:-4000])

    with pytest.raises(ContractError, match="damaged"):
        list(read_features(shard))


def test_video_ids_come_from_any_table_with_that_column(tmp_path):
    path = tmp_path / "source.parquet"
    pd.DataFrame({"other": [1, 2], "video_id": ["a", "b"]}).to_parquet(path)

    assert read_video_ids(path) == {"a", "b"}


@pytest.mark.parametrize(
    ("frame", "message"),
    [({"video": ["a"]}, "no column video_id"), ({"video_id": []}, "lists no video")],
)
def test_tables_without_video_ids_are_refused(tmp_path, frame, message):
    path = tmp_path / "source.parquet"
    pd.DataFrame(frame).to_parquet(path)

    with pytest.raises(ContractError, match=message):
        read_video_ids(path)


def test_a_missing_or_damaged_table_is_refused(tmp_path):
    path = tmp_path / "source.parquet"
    with pytest.raises(ContractError, match="rule select_source makes it"):
        read_video_ids(path)
    path.write_bytes(b"no parquet")
    with pytest.raises(ContractError, match="damaged"):
        read_video_ids(path)
