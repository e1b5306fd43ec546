import pandas as pd
import pytest

from pipelines.data.overlap_store import OVERLAP_SCHEMA, TRAINING
from pipelines.io.parquet import write_table
from pipelines.tables.leaks import leak_notes


@pytest.fixture
def notes(tmp_path):
    """Notes on (split, test video, source, video there)."""

    def of(*rows):
        frame = pd.DataFrame(
            [(*row, "sum") for row in rows], columns=OVERLAP_SCHEMA.names, dtype=object
        )
        write_table(tmp_path / "overlap.parquet", frame, OVERLAP_SCHEMA, {})
        return leak_notes(tmp_path / "overlap.parquet")

    return of


def test_nothing_common_says_nothing(notes):
    assert notes() == []


def test_a_test_video_counts_once_per_split_however_often_it_was_trained_on(notes):
    twice = [("split1", "t", TRAINING, name) for name in ("a", "b")]

    (line,) = notes(*twice, ("split2", "t", TRAINING, "a"))

    assert line.startswith("WARNING: 2 test videos (counted per split) are identical to training")


def test_videos_of_a_source_are_no_warning(notes):
    found = [("split1", "t", "many", "a"), ("split1", "t", "others", "b")]

    assert notes(*found) == ["The source holds 1 test videos of the target (counted per split)."]
