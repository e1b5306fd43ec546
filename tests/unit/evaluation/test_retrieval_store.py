import pytest

from pipelines.evaluation.retrieval_store import (
    RETRIEVAL_SCHEMA,
    Retrieved,
    read_retrieved,
    write_retrieved,
)
from pipelines.io.errors import ContractError
from pipelines.io.parquet import read_stamp

ROWS = [
    Retrieved("b", 1, "run", ["x", "y"], [0, 3], ["run", "jump"], [0.25, 0.5]),
    Retrieved("b", 0, "run", ["y"], [2], ["jump"], [0.125]),
    Retrieved("a", 0, "jump", ["x"], [0], ["run"], [0.5]),
]


def test_round_trip_sorted_by_video_and_clip(tmp_path):
    write_retrieved(tmp_path / "x.parquet", ROWS, {"git": "abc"})

    found = read_retrieved(tmp_path / "x.parquet")
    assert list(found) == RETRIEVAL_SCHEMA.names
    assert list(zip(found["video_id"], found["clip"], strict=True)) == [
        ("a", 0),
        ("b", 0),
        ("b", 1),
    ]
    last = found.iloc[2]
    assert [list(last[name]) for name in RETRIEVAL_SCHEMA.names[3:]] == list(map(list, ROWS[0][3:]))
    assert read_stamp(tmp_path / "x.parquet") == {"git": "abc"}


def test_a_missing_file_names_its_rule(tmp_path):
    with pytest.raises(ContractError, match="rule retrieve makes it"):
        read_retrieved(tmp_path / "x.parquet")
