from dataclasses import replace
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.data.manifest import (
    ProbedFile,
    ProbedVideo,
    Problem,
    read_manifest,
    read_probed,
    read_problems,
    shard_name,
    shard_of,
    video_id_of,
    write_manifest,
    write_probed,
    write_problems,
)
from pipelines.io.errors import ContractError

STAMP = {"module": "test"}
PROBED = ProbedVideo(
    "a/ö", "a/ö.avi", None, "g01", {"all": "unlabelled"}, 3, 0.5, 24.0, 24, 32, 12, 999, "ab" * 32
)


def test_shards_are_pinned():
    # From sha256sum, first 16 digits: da7afeca8044977f, a89d1a2c48beadda, 4a99557e4033c353.
    # Another value would recompute every user's artifacts.
    assert shard_of("ApplyEyeMakeup/v_ApplyEyeMakeup_g01_c01", 52) == 0xDA7AFECA8044977F % 52 == 47
    assert shard_of("videos/set1_0_1_4", 4) == 0xA89D1A2C48BEADDA % 4 == 2
    assert shard_of("é", 1000) == 0x4A99557E4033C353 % 1000 == 51


def test_all_shards_are_used_about_equally():
    counts = [0] * 8
    for number in range(8000):
        counts[shard_of(f"video{number}", 8)] += 1

    # Binomial standard deviation is 30.
    assert max(abs(count - 1000) for count in counts) < 150


def test_shard_of_refuses_no_shards():
    with pytest.raises(ValueError, match="num_shards"):
        shard_of("a", 0)


def test_shard_names_are_padded():
    assert shard_name(7, 64) == "shard-0007-of-0064"


@pytest.mark.parametrize(
    ("path", "video_id"),
    [
        ("Jump/v_Jump_g01_c01.avi", "Jump/v_Jump_g01_c01"),
        ("/absolute/a.b.mp4", "absolute/a.b"),
        ("a,b.avi", "a%2Cb"),
        ("a%2Cb.avi", "a%252Cb"),
        ("two\nlines.avi", "two%0Alines"),
    ],
)
def test_video_id(path, video_id):
    assert video_id_of(path) == video_id


@given(st.text("a./ ü", min_size=1, max_size=12))
def test_video_ids_are_paths_without_their_suffix(path):
    expected = PurePosixPath(path.lstrip("/"))

    if expected.name:
        assert video_id_of(path) == str(expected.with_suffix(""))


def test_equal_manifests_have_equal_bytes(tmp_path):
    roles = {"split2": "test", "split1": "train"}
    write_manifest(tmp_path / "x.parquet", [replace(PROBED, roles=roles)], STAMP)
    reordered = dict(reversed(roles.items()))
    write_manifest(tmp_path / "y.parquet", [replace(PROBED, roles=reordered)], STAMP)

    assert (tmp_path / "x.parquet").read_bytes() == (tmp_path / "y.parquet").read_bytes()


def test_an_empty_manifest_round_trip(tmp_path):
    write_manifest(tmp_path / "x.parquet", [], STAMP)

    assert read_manifest(tmp_path / "x.parquet") == []


def test_manifest_round_trip(tmp_path):
    bare = replace(PROBED, video_id="b", label=None, group=None, roles={})
    full = replace(PROBED, label="jump", roles={"split1": "train", "split2": "test"})
    write_manifest(tmp_path / "x.parquet", [bare, PROBED, full], STAMP)

    read = read_manifest(tmp_path / "x.parquet")
    assert read == [bare, PROBED, full]
    assert isinstance(read[0].num_frames, int)


@pytest.mark.parametrize(
    ("read", "rule"), [(read_manifest, "build_manifest"), (read_probed, "probe_videos")]
)
def test_another_table_is_refused(tmp_path, read, rule):
    write_problems(tmp_path / "x.parquet", [], STAMP)

    with pytest.raises(ContractError, match=f"rule {rule}"):
        read(tmp_path / "x.parquet")


def test_a_probed_shard_holds_the_file_and_nothing_of_annotations(tmp_path):
    file = ProbedFile("a/ö", "a/ö.avi", 3, 0.5, 24.0, 24, 32, 12, 999, "ab" * 32)
    write_probed(tmp_path / "x.parquet", [file], STAMP)
    write_probed(tmp_path / "y.parquet", [replace(PROBED, label="jump", roles={})], STAMP)

    assert read_probed(tmp_path / "x.parquet") == [file]
    assert (tmp_path / "x.parquet").read_bytes() == (tmp_path / "y.parquet").read_bytes()
    write_probed(tmp_path / "x.parquet", [], STAMP)
    assert read_probed(tmp_path / "x.parquet") == []


def test_problems_round_trip_sorted(tmp_path):
    problems = [
        Problem("b", "probe_videos", "empty", "0 bytes"),
        Problem("a", "list_videos", "missing", "no file"),
    ]
    write_problems(tmp_path / "x.parquet", problems, STAMP)

    assert read_problems(tmp_path / "x.parquet", "probe_videos") == problems[::-1]


def test_unknown_problem_kind_is_refused(tmp_path):
    with pytest.raises(ValueError, match="'odd'; choices: missing"):
        write_problems(tmp_path / "x.parquet", [Problem("a", "s", "odd", "")], STAMP)


def test_only_duplicates_and_unlisted_are_harmless():
    harmless = {
        kind
        for kind in ("missing", "truncated", "mislabelled", "duplicate", "unlisted")
        if not Problem("a", "s", kind, "").is_harmful
    }

    assert harmless == {"duplicate", "unlisted"}
