import pytest

from pipelines.data.shard_counts import check_shard_count, other_shard_counts
from pipelines.io.errors import ConfigError


@pytest.fixture
def results(tmp_path):
    """Results of a dataset in two shards."""
    for name in ("data/mine/probed/shard-{}.parquet", "frames/demo/mine/shard-{}.h5"):
        for shard in ("0000-of-0002", "0001-of-0002"):
            path = tmp_path / name.format(shard)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(bytes(1000))
    return tmp_path


@pytest.mark.parametrize("dataset", ["mine", "other"])
def test_the_same_number_and_an_unknown_dataset_pass(results, dataset):
    assert other_shard_counts(dataset, 2, results) == []
    check_shard_count(dataset, 2, results)


def test_another_number_is_explained_with_both_ways_on(results):
    with pytest.raises(ConfigError) as caught:
        check_shard_count("mine", 5, results)

    message = str(caught.value)
    assert "datasets.mine.num_shards is 5" in message
    assert "holds shards of 2" in message
    assert "2 shard files" in message
    assert "set num_shards back to 2" in message
    assert f"remove {results}/data/mine/probed" in message


def test_a_change_that_was_begun_goes_on(results):
    (results / "data/mine/probed/shard-0003-of-0005.parquet").touch()

    check_shard_count("mine", 5, results)


def test_files_of_other_kinds_are_no_shards(results):
    (results / "data/mine/probed/notes-of-0007.txt").touch()

    assert other_shard_counts("mine", 3, results) == [2]
