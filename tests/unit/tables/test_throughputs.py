import csv
import re

import pytest

from pipelines.tables import throughputs
from pipelines.tables.throughputs import MEASURED, measured_throughputs


def test_every_measurement_says_where_when_and_of_what():
    found = measured_throughputs()

    assert found
    for key, entry in found.items():
        assert key == (entry.work, entry.variant, entry.device)
        assert entry.device in ("cpu", "gpu", "disk")
        assert entry.value > 0
        assert re.fullmatch(r"20\d\d-\d\d-\d\d", entry.measured)
        assert entry.hardware
        assert entry.how
        assert entry.unit


def test_what_the_paper_preset_does_is_measured_on_a_cpu():
    found = measured_throughputs()

    for key in (("decode", ""), ("flow", "tvl1-5-5-30-10"), ("train", "r2plus1d-18")):
        assert (*key, "cpu") in found
    for key in (("frames", ""), ("flow", ""), ("feature", ""), ("model", "r2plus1d-18")):
        assert (*key, "disk") in found


@pytest.mark.parametrize("values", [("0.0",), ("1.0", "2.0")])
def test_a_value_without_meaning_and_two_of_one_kind_are_refused(tmp_path, monkeypatch, values):
    path = tmp_path / "measured.csv"
    with path.open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(MEASURED.read_text().splitlines()[0].split(","))
        for value in values:
            writer.writerow(["train", "x", "cpu", value, "MP", "here", "2026-01-01", "so"])
    monkeypatch.setattr(throughputs, "MEASURED", path)

    with pytest.raises(ValueError, match="not positive or is there twice"):
        measured_throughputs.__wrapped__()
