import pandas as pd
import pytest

from pipelines.data.duplicates import find_overlaps
from pipelines.data.manifest import ProbedVideo
from pipelines.data.overlap_store import OVERLAP_SCHEMA, RULE
from pipelines.io.errors import ContractError
from pipelines.io.parquet import read_table, write_table


def video(video_id, role):
    facts = ("x.avi", "a", None, {"split1": role}, 0, 1.0, 12.0, 24, 32, 12, 9, "same")
    return ProbedVideo(video_id, *facts)


def test_what_is_found_fits_the_schema(tmp_path):
    (found,) = find_overlaps([video("t", "test")], ["split1"], {"other": [video("x", "train")]})
    frame = pd.DataFrame([vars(found)])

    write_table(tmp_path / "x.parquet", frame, OVERLAP_SCHEMA, {})

    (row,) = read_table(tmp_path / "x.parquet", OVERLAP_SCHEMA, RULE).to_dict("records")
    assert row == {
        "split": "split1",
        "target_video_id": "t",
        "source": "other",
        "source_video_id": "x",
        "checksum": "same",
    }


def test_a_missing_table_names_its_rule(tmp_path):
    with pytest.raises(ContractError, match="rule report_overlap makes it"):
        read_table(tmp_path / "x.parquet", OVERLAP_SCHEMA, RULE)
