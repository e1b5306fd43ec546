import h5py
import numpy as np
import pytest

from pipelines.encoding.sample_store import SampleWriter, read_sample
from pipelines.io.errors import ContractError
from pipelines.io.hdf5 import read_stamp


def written(path, counts):
    rng = np.random.default_rng(0)
    videos = {f"set/ü{n}": rng.random((count, 6), np.float32) for n, count in enumerate(counts)}
    with SampleWriter(path, 6, {"module": "test"}) as writer:
        for video_id, rows in videos.items():
            writer.add(video_id, rows, 10 * len(rows))
    return videos


@pytest.mark.parametrize("counts", [[], [3], [600, 1, 0, 700]])
def test_what_is_written_comes_back(tmp_path, counts):
    path = tmp_path / "sample.h5"
    videos = written(path, counts)

    found = dict(read_sample(path))

    assert list(found) == list(videos)
    for video_id, rows in videos.items():
        np.testing.assert_array_equal(found[video_id], rows)
    assert read_stamp(path) == {"module": "test"}
    with h5py.File(path) as source:
        assert source["num_tracks"][:].tolist() == [10 * count for count in counts]


def test_an_index_that_contradicts_itself_is_refused(tmp_path):
    path = tmp_path / "sample.h5"
    written(path, [3, 4])
    with h5py.File(path, "r+") as target:
        target["video_id"].resize(1, axis=0)

    with pytest.raises(ContractError, match="1 videos, 3 offsets"):
        list(read_sample(path))


def test_a_failed_block_leaves_no_readable_file(tmp_path):
    path = tmp_path / "sample.h5"
    writer = SampleWriter(path, 6, {})
    writer.add("v", np.zeros((2, 6), np.float32), 2)
    writer.__exit__(RuntimeError, RuntimeError(), None)

    with pytest.raises(ContractError, match="damaged"):
        list(read_sample(path))
