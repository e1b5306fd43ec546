import pytest

from pipelines.io.errors import ContractError
from pipelines.io.variant_store import StoredVariant, read_variants, write_variant

PRESET = StoredVariant("paper", {"clips.num_frames": 8})
TARGET = StoredVariant("paper", {}, "full", "ucf101", ["kinetics400:val"])


def test_what_is_kept_comes_back(tmp_path):
    write_variant(tmp_path / "kept", "paper-0123abcd", PRESET)
    write_variant(tmp_path / "kept", "ucf101-0123abcd", TARGET)

    assert read_variants(tmp_path / "kept") == {
        "paper-0123abcd": PRESET,
        "ucf101-0123abcd": TARGET,
    }


def test_nothing_kept_is_nothing(tmp_path):
    assert read_variants(tmp_path / "none") == {}


def test_a_file_that_is_there_is_left_alone(tmp_path):
    write_variant(tmp_path, "paper-0123abcd", PRESET)
    before = (tmp_path / "paper-0123abcd.json").stat().st_mtime_ns

    write_variant(tmp_path, "paper-0123abcd", PRESET)

    assert (tmp_path / "paper-0123abcd.json").stat().st_mtime_ns == before


def test_a_damaged_file_is_named(tmp_path):
    (tmp_path / "paper-0123abcd.json").write_text('{"root": "pap')

    with pytest.raises(ContractError, match=r"paper-0123abcd\.json is damaged"):
        read_variants(tmp_path)
