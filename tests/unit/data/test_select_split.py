import pytest

from pipelines.data.manifest import (
    ProbedFile,
    ProbedVideo,
    Problem,
    read_manifest,
    write_probed,
    write_problems,
)
from pipelines.data.planned_lists import ListedVideo, encode_list
from pipelines.data.select_split import build_parser, main
from pipelines.io.errors import DatasetError, TooManySkippedError

FACTS = (0, 1.0, 12.0, 24, 32, 12, 9, "0" * 64)


@pytest.fixture
def select(tmp_path, monkeypatch):
    """Run the command on a list of videos; b and c cannot be used, a, d and e can."""
    for number, names in enumerate(("ad", "e")):
        files = [ProbedFile(name, f"{name}.avi", *FACTS) for name in names]
        write_probed(tmp_path / f"probed-{number}.parquet", files, {})
        problems = [Problem(name, "probe_videos", "empty", "0 bytes") for name in "bc"[number]]
        write_problems(tmp_path / f"problems-{number}.parquet", problems, {})
    for kind in ("probed", "problems"):
        names = "".join(f"{tmp_path}/{kind}-{number}.parquet\n" for number in range(2))
        (tmp_path / f"{kind}.txt").write_text(names)

    def run(videos, limit=0.5):
        monkeypatch.setenv("PIPELINE_MAX_SKIPPED_FRACTION", str(limit))
        (tmp_path / "videos.json").write_text(encode_list(videos))
        options = ["--videos", f"{tmp_path}/videos.json", "--split", "few"]
        options += ["--probed-list", f"{tmp_path}/probed.txt"]
        options += ["--problems-list", f"{tmp_path}/problems.txt"]
        options += ["--out", f"{tmp_path}/out/few.parquet"]
        main(build_parser().parse_args(options))
        return read_manifest(tmp_path / "out/few.parquet")

    return run


def test_usable_videos_of_the_split_are_listed_with_their_role_in_it(select):
    found = select(
        [
            ListedVideo("a", "jump", "g1", "train"),
            ListedVideo("b", "jump", None, "train"),
            ListedVideo("e", None, None, "unlabelled"),
        ]
    )

    assert found == [
        ProbedVideo("a", "a.avi", "jump", "g1", {"few": "train"}, *FACTS),
        ProbedVideo("e", "e.avi", None, None, {"few": "unlabelled"}, *FACTS),
    ]


def test_problems_of_other_videos_do_not_count(select):
    assert len(select([ListedVideo("a", "jump", None, "train")], limit=0.0)) == 1


def test_too_many_that_cannot_be_used_stop_it(select, tmp_path):
    listed = [ListedVideo(name, "jump", None, "train") for name in "abcd"]

    with pytest.raises(TooManySkippedError, match=r"2 of 4 videos .*b \(empty: 0 bytes\); c"):
        select(listed, limit=0.4)
    assert not (tmp_path / "out").exists()


def test_a_video_that_was_not_probed_stops_it(select):
    with pytest.raises(DatasetError, match=r"1 videos have come .* first: new"):
        select([ListedVideo("new", "jump", None, "train")])
