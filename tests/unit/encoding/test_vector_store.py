import h5py
import numpy as np
import pytest

from pipelines.encoding.sketch import draw_sketch
from pipelines.encoding.vector_store import (
    VectorForm,
    VectorWriter,
    read_all_vectors,
    read_fisher_vectors,
    read_vectors,
)
from pipelines.io.errors import ContractError

FORM = VectorForm(5, 2, "paper", 0.5)


def written(path, names, seed=0, form=FORM, keep=True):
    rng = np.random.default_rng(len(names))
    sketch = draw_sketch(20, 8, seed)
    rows = {name: rng.random(20, np.float32) for name in names}
    with VectorWriter(path, sketch, form, keep, {}) as writer:
        for number, (name, row) in enumerate(rows.items()):
            writer.add(name, sketch.apply(row), row, 100 + number)
    return rows


def test_what_is_written_comes_back(tmp_path):
    path = tmp_path / "a.h5"
    rows = written(path, ["b", "a", "ü"])

    found = read_vectors(path)

    assert found.video_ids == ("b", "a", "ü")
    assert found.num_tracks.tolist() == [100, 101, 102]
    np.testing.assert_array_equal(read_fisher_vectors(path), np.stack(list(rows.values())))
    with h5py.File(path) as source:
        sketch = draw_sketch(20, 8, 0)
        np.testing.assert_array_equal(source["sketch_outputs"][:], sketch.outputs)
        np.testing.assert_array_equal(source["sketch_signs"][:], sketch.signs)
        assert (source["sketch_outputs"].dtype, source["sketch_signs"].dtype) == ("i2", "i1")
    np.testing.assert_array_equal(found.vectors[1], sketch.apply(rows["a"]))


def test_an_empty_shard_is_a_shard(tmp_path):
    written(tmp_path / "a.h5", [])

    assert read_vectors(tmp_path / "a.h5").vectors.shape == (0, 8)


def test_shards_are_joined_by_video_id(tmp_path):
    paths = [tmp_path / "a.h5", tmp_path / "b.h5", tmp_path / "c.h5"]
    rows = (
        written(paths[0], ["d", "b"]) | written(paths[1], []) | written(paths[2], ["c", "a", "e"])
    )

    found = read_all_vectors(paths)

    sketch = draw_sketch(20, 8, 0)
    assert found.video_ids == ("a", "b", "c", "d", "e")
    for video_id, vector in zip(found.video_ids, found.vectors, strict=True):
        np.testing.assert_array_equal(vector, sketch.apply(rows[video_id]))
    assert found.num_tracks.tolist() == [101, 101, 100, 100, 102]


@pytest.mark.parametrize("other", [{"seed": 1}, {"form": VectorForm(5, 2, "official", 0.5)}])
def test_shards_of_another_sketch_or_form_are_refused(tmp_path, other):
    written(tmp_path / "a.h5", ["a"])
    written(tmp_path / "b.h5", ["b"], **other)

    with pytest.raises(ContractError, match="another sketch or form"):
        read_all_vectors([tmp_path / "a.h5", tmp_path / "b.h5"])


def test_a_video_in_two_shards_is_refused(tmp_path):
    written(tmp_path / "a.h5", ["a", "b"])
    written(tmp_path / "b.h5", ["b"])

    with pytest.raises(ContractError, match="stands twice"):
        read_all_vectors([tmp_path / "a.h5", tmp_path / "b.h5"])


def test_columns_of_different_lengths_are_refused(tmp_path):
    written(tmp_path / "a.h5", ["a", "b"])
    with h5py.File(tmp_path / "a.h5", "r+") as target:
        target["video_id"].resize(1, axis=0)

    with pytest.raises(ContractError, match="1 ids, 2 vectors"):
        read_vectors(tmp_path / "a.h5")


def test_unsketched_vectors_can_be_left_out(tmp_path):
    written(tmp_path / "a.h5", ["a"], keep=False)

    with pytest.raises(ContractError, match="keep_unsketched"):
        read_fisher_vectors(tmp_path / "a.h5")
