from pathlib import Path

import pytest
import yaml

from pipelines.data.manifest import Problem
from pipelines.data.skipping import check_skipped_share, max_skipped_fraction
from pipelines.io.errors import TooManySkippedError

SCHEMA = Path(__file__).resolve().parents[3] / "workflow/schemas/config.schema.yaml"
SKIPPED = [Problem(f"bad{n}", "a_stage", "empty", "no bytes") for n in range(6)]


def test_the_limit_is_the_job_s_or_the_schema_s_default(monkeypatch):
    schema = yaml.safe_load(SCHEMA.read_text())["properties"]["limits"]["properties"]

    monkeypatch.delenv("PIPELINE_MAX_SKIPPED_FRACTION", raising=False)
    assert max_skipped_fraction() == schema["max_skipped_fraction"]["default"]

    monkeypatch.setenv("PIPELINE_MAX_SKIPPED_FRACTION", "0.9")
    assert max_skipped_fraction() == 0.9


@pytest.mark.parametrize(("num_kept", "share"), [(6, 0.5), (0, 1.0), (94, 0.06)])
def test_the_share_itself_is_allowed(num_kept, share, monkeypatch):
    monkeypatch.setenv("PIPELINE_MAX_SKIPPED_FRACTION", str(share))

    check_skipped_share(SKIPPED, num_kept)


def test_nothing_skipped_of_nothing_is_allowed(monkeypatch):
    monkeypatch.setenv("PIPELINE_MAX_SKIPPED_FRACTION", "0")

    check_skipped_share([], 0)


def test_the_first_five_are_named(monkeypatch):
    monkeypatch.setenv("PIPELINE_MAX_SKIPPED_FRACTION", "0.6")

    with pytest.raises(TooManySkippedError, match=r"6 of 9.*bad4 \(empty\)") as caught:
        check_skipped_share(SKIPPED, 3)

    assert "bad5" not in str(caught.value)
    assert "delete its shard in results/data/DATASET/probed" in str(caught.value)
