import contextlib

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.io.errors import ContractError
from pipelines.io.parquet import read_stamp, read_table, write_table

SCHEMA = pa.schema(
    [
        ("video_id", pa.string()),
        ("count", pa.int64()),
        ("scores", pa.list_(pa.float32())),
        ("roles", pa.map_(pa.string(), pa.string())),
    ]
)
ROWS = pd.DataFrame(
    {
        "count": [1, 2],
        "roles": [[("s", "train")], []],
        "scores": [[0.5, 0.25], []],
        "video_id": ["ä", None],
    }
)


@pytest.fixture
def path(tmp_path):
    write_table(tmp_path / "x.parquet", ROWS, SCHEMA, {"module": "test"})
    return tmp_path / "x.parquet"


def test_round_trip_in_the_order_of_the_schema(path):
    found = read_table(path, SCHEMA, "make_it")

    assert list(found) == SCHEMA.names
    assert found["count"].tolist() == [1, 2]
    assert [list(row) for row in found["scores"]] == [[0.5, 0.25], []]
    assert [dict(row) for row in found["roles"]] == [{"s": "train"}, {}]
    assert found["video_id"][0] == "ä"
    assert found["video_id"].isna().tolist() == [False, True]


def test_the_stamp_is_kept(path, tmp_path):
    assert read_stamp(path) == {"module": "test"}

    ROWS[["count"]].to_parquet(tmp_path / "foreign.parquet")
    assert read_stamp(tmp_path / "foreign.parquet") == {}


def test_equal_tables_have_equal_bytes(path, tmp_path):
    write_table(tmp_path / "y.parquet", ROWS[ROWS.columns[::-1]], SCHEMA, {"module": "test"})

    assert (tmp_path / "y.parquet").read_bytes() == path.read_bytes()


def test_a_value_of_another_type_is_refused(tmp_path):
    with pytest.raises((pa.ArrowInvalid, pa.ArrowTypeError)):
        write_table(tmp_path / "x.parquet", ROWS.assign(count=["a", "b"]), SCHEMA, {})


def test_a_missing_column_is_refused(tmp_path):
    with pytest.raises(KeyError, match="count"):
        write_table(tmp_path / "x.parquet", ROWS.drop(columns="count"), SCHEMA, {})


@pytest.mark.parametrize(
    "schema",
    [
        pa.schema([*list(SCHEMA)[:-1], ("colours", pa.string())]),
        pa.schema([("video_id", pa.string()), ("count", pa.int32()), *list(SCHEMA)[2:]]),
    ],
)
def test_other_columns_or_types_are_refused(path, schema):
    with pytest.raises(ContractError, match=r"x\.parquet: expected columns .* rule make_it"):
        read_table(path, schema, "make_it")


def test_a_missing_file_names_its_rule(tmp_path):
    with pytest.raises(ContractError, match=r"x\.parquet is missing; rule make_it makes it"):
        read_table(tmp_path / "x.parquet", SCHEMA, "make_it")


def test_damage_is_noticed_and_never_read_as_other_values(path):
    whole, content = read_table(path, SCHEMA, "make_it").to_json(), path.read_bytes()
    rng = np.random.default_rng(0)
    num_refused = 0
    for place in range(0, len(content), 16):
        damaged = bytearray(content)
        damaged[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        with contextlib.suppress(ContractError):
            # Not every byte of the metadata means something.
            assert read_table(path, SCHEMA, "make_it").to_json() == whole
            continue
        num_refused += 1
    assert num_refused > 20


@pytest.mark.parametrize("kept", [0, 3, 100, -1])
def test_a_truncated_file_is_refused(path, kept):
    path.write_bytes(path.read_bytes()[:kept])

    with pytest.raises(ContractError, match="is damaged"):
        read_table(path, SCHEMA, "make_it")


def test_a_damaged_stamp_is_named(path):
    pq.write_table(pq.read_table(path).replace_schema_metadata({"stamp": '{"module'}), path)

    with pytest.raises(ContractError, match="its stamp is damaged"):
        read_stamp(path)
