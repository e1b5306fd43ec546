import hashlib
import json
import math

import pytest

from pipelines.data.manifest import ProbedVideo, write_manifest
from pipelines.data.select_source import build_parser, main
from pipelines.data.source_store import read_source
from pipelines.io.errors import ConfigError, DatasetError
from pipelines.io.parquet import read_stamp


def manifest(path, rows):
    videos = [
        ProbedVideo(video_id, "x.avi", label, None, roles, 0, 1.0, 12.0, 24, 32, 12, 9, video_id)
        for video_id, label, roles in rows
    ]
    write_manifest(path, videos, {})
    return path


@pytest.fixture
def select(tmp_path):
    manifests = [
        manifest(
            tmp_path / "a.parquet",
            [
                ("a/1", "jump", {"split1": "train", "split2": "test"}),
                ("a/2", "run", {"split1": "test", "split2": "train"}),
                ("a/3", None, {"split1": "unlabelled"}),
                ("a/4", "run", {"split3": "test"}),
            ],
        ),
        manifest(tmp_path / "b.parquet", [("b/1", None, {"all": "unlabelled"})]),
    ]

    def run(*splits, exclude=(), percent=100):
        parts = [
            {"split": split, "exclude_classes": list(exclude), "percent": percent}
            for split in splits
        ]
        options = ["--config", json.dumps({"parts": parts})]
        options += ["--manifests", *map(str, manifests[: len(splits)])]
        main(build_parser().parse_args([*options, "--out", str(tmp_path / "out.parquet")]))
        return tmp_path / "out.parquet"

    return run


def test_training_and_unlabelled_videos_of_all_datasets_are_joined(select):
    assert read_source(select("split1", "all")) == {"a/1": "jump", "a/3": None, "b/1": None}


def test_test_videos_of_a_split_never_enter(select):
    assert read_source(select("split2")) == {"a/2": "run"}


def test_the_manifests_are_on_record(select, tmp_path):
    stamp = read_stamp(select("split1", "all"))

    assert [part["split"] for part in json.loads(stamp["config"])["parts"]] == ["split1", "all"]
    assert json.loads(stamp["inputs"]) == [
        str(tmp_path / name) for name in ("a.parquet", "b.parquet")
    ]


def test_a_split_with_test_videos_only_is_refused(select, tmp_path):
    with pytest.raises(
        DatasetError, match=r"a\.parquet: split split3 has no training or unlabelled"
    ):
        select("split3")
    assert not (tmp_path / "out.parquet").exists()


def test_an_unknown_split_is_refused(select):
    with pytest.raises(DatasetError, match="no split 'split9'; splits of this dataset: split1"):
        select("split9")


def test_listed_classes_stay_out_and_are_on_record(select):
    path = select("split1", exclude=["jump"])

    assert read_source(path) == {"a/3": None}
    assert json.loads(read_stamp(path)["config"])["parts"][0]["exclude_classes"] == ["jump"]


def test_a_class_is_known_from_any_video_of_the_dataset(select):
    # "run" has no training video in split1.
    assert read_source(select("split1", exclude=["run"])) == {"a/1": "jump", "a/3": None}


def test_an_unknown_class_is_refused_with_what_was_meant(select, tmp_path):
    with pytest.raises(
        DatasetError, match=r"a\.parquet: exclude_classes: .*'Jump' \(did you mean 'jum"
    ):
        select("split1", exclude=["Jump"])
    assert not (tmp_path / "out.parquet").exists()


def test_nothing_left_is_refused(select):
    with pytest.raises(DatasetError, match="no training or unlabelled video of another class"):
        select("split2", exclude=["run"])


def test_every_manifest_needs_a_split(tmp_path, select):
    path = manifest(tmp_path / "c.parquet", [("c/1", None, {"all": "unlabelled"})])
    parts = [{"split": "all"}, {"split": "all"}]
    options = ["--config", json.dumps({"parts": parts}), "--manifests", str(path)]

    with pytest.raises(ConfigError, match="expected one for each of 1 manifests, found 2"):
        main(build_parser().parse_args([*options, "--out", str(tmp_path / "out.parquet")]))


def test_a_share_of_the_videos_is_that_of_their_ids(select):
    def place(video_id):
        return int.from_bytes(hashlib.sha256(video_id.encode()).digest()[8:16], "big") / 2**64

    first, other = sorted(("a/1", "a/3"), key=place)
    percent = math.ceil(100 * place(first))
    assert percent < 100 * place(other)

    assert list(read_source(select("split1", percent=percent))) == [first]


def test_a_share_without_a_video_is_refused(select):
    with pytest.raises(DatasetError, match="no training or unlabelled video in its 1 % to use"):
        select("split1", percent=1)
