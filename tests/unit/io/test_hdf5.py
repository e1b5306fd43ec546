import h5py
import numpy as np
import pytest

from pipelines.io.errors import ContractError
from pipelines.io.hdf5 import (
    ArtifactWriter,
    create,
    damaged_as_contract_error,
    open_checked,
    read_stamp,
)

STAMP = {"module": "test", "seed": "0"}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "x.h5"
    with create(path, "frames", 2, STAMP) as target:
        values = np.arange(1000, dtype=np.int64)
        target.create_dataset("values", data=values, chunks=(100,), fletcher32=True)
    return path


def read(path, name):
    with (
        open_checked(path, "frames", 2, "decode_frames") as source,
        damaged_as_contract_error(path, "decode_frames"),
    ):
        return source[name][:]


def test_kind_version_and_provenance_stand_in_the_file(path):
    with open_checked(path, "frames", 2, "decode_frames") as source:
        assert source["values"][-1] == 999
    assert read_stamp(path) == STAMP


@pytest.mark.parametrize(
    ("artifact", "version", "expected"),
    [
        ("flow", 2, "expected flow version 2, found frames version 2"),
        ("frames", 1, "expected frames version 1, found frames version 2"),
    ],
)
def test_another_kind_or_version_is_refused(path, artifact, version, expected):
    with pytest.raises(ContractError) as failure:
        open_checked(path, artifact, version, "decode_frames")
    for part in (str(path), expected, "rule decode_frames remakes it"):
        assert part in str(failure.value)


def test_a_foreign_hdf5_file_is_refused(tmp_path):
    h5py.File(tmp_path / "x.h5", "w").close()

    with pytest.raises(ContractError, match="found None version None"):
        open_checked(tmp_path / "x.h5", "frames", 2, "decode_frames")


def test_a_missing_file_names_its_rule(tmp_path):
    with pytest.raises(ContractError, match=r"x\.h5 is missing; rule decode_frames makes it"):
        open_checked(tmp_path / "x.h5", "frames", 2, "decode_frames")


@pytest.mark.parametrize("kept", [0, 40, 3000])
def test_a_truncated_file_is_refused(path, kept):
    content = path.read_bytes()
    assert kept < len(content)
    path.write_bytes(content[:kept])

    with pytest.raises(ContractError, match=r"is damaged .* rule decode_frames remakes it"):
        open_checked(path, "frames", 2, "decode_frames")


def test_a_flipped_bit_in_the_data_is_noticed(path):
    content = bytearray(path.read_bytes())
    place = content.index(np.arange(500, 520, dtype=np.int64).tobytes())
    content[place] ^= 1
    path.write_bytes(content)

    with pytest.raises(ContractError, match="is damaged"):
        read(path, "values")


def test_a_flipped_bit_in_one_of_many_attributes_is_noticed(tmp_path):
    path = tmp_path / "many.h5"
    with create(path, "frames", 2, {"module": "a marker"}) as target:
        for number in range(20):
            target.attrs[f"value{number}"] = number
    content = bytearray(path.read_bytes())
    content[content.index(b"a marker")] ^= 1
    path.write_bytes(content)

    with pytest.raises(ContractError, match="is damaged"):
        open_checked(path, "frames", 2, "decode_frames")


def test_a_missing_dataset_is_damage(path):
    with pytest.raises(ContractError, match="colours"):
        read(path, "colours")


class Numbers(ArtifactWriter):
    """Numbers, and at the end how many there are."""

    def __init__(self, path):
        super().__init__(path, "numbers", 1, STAMP)
        self.values = []

    def _finish(self):
        self._target["values"] = self.values
        self._target.attrs["count"] = len(self.values)


def test_a_writer_marks_and_finishes_its_file(tmp_path):
    with Numbers(tmp_path / "n.h5") as writer:
        writer.values += [4, 5]

    with open_checked(tmp_path / "n.h5", "numbers", 1, "count") as source:
        assert (source["values"][:].tolist(), source.attrs["count"]) == ([4, 5], 2)
    assert read_stamp(tmp_path / "n.h5") == STAMP


def test_a_writer_closes_an_unfinished_file_where_its_block_fails(tmp_path):
    with pytest.raises(ValueError, match="a block"), Numbers(tmp_path / "n.h5") as writer:
        raise ValueError("a block that fails")

    assert not writer._target
    with h5py.File(tmp_path / "n.h5") as source:
        assert "count" not in source.attrs
