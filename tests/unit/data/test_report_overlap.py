import json

import pytest

from pipelines.data.manifest import ProbedVideo, write_manifest
from pipelines.data.overlap_store import TRAINING
from pipelines.data.report_overlap import OVERLAP_SCHEMA, build_parser, main
from pipelines.io.errors import ConfigError
from pipelines.io.parquet import read_table


def manifest(path, rows):
    videos = [
        # Named like its class.
        ProbedVideo(video_id, "x.avi", video_id, None, roles, 0, 1.0, 12.0, 24, 32, 12, 9, checksum)
        for video_id, checksum, roles in rows
    ]
    write_manifest(path, videos, {})
    return str(path)


@pytest.fixture
def run(tmp_path):
    target = manifest(
        tmp_path / "target.parquet",
        [
            ("t", "1", {"split1": "test"}),
            ("u", "3", {"split1": "test"}),
            ("v", "3", {"split1": "train"}),
        ],
    )
    same = manifest(tmp_path / "same.parquet", [("x", "1", {"all": "unlabelled"})])
    other = manifest(tmp_path / "other.parquet", [("y", "2", {"all": "unlabelled"})])

    def call(names, **more):
        config = json.dumps({"splits": ["split1"], "sources": names, **more})
        arguments = ["--config", config, "--target", target, "--sources", other, same]
        arguments += ["--out", str(tmp_path / "out.parquet")]
        main(build_parser().parse_args(arguments))
        return read_table(tmp_path / "out.parquet", OVERLAP_SCHEMA, "report_overlap")

    return call


def test_shared_test_videos_are_written_and_logged(run, caplog):
    own, *rows = run(["other", "same:all"]).to_dict("records")

    assert own == {
        "split": "split1",
        "target_video_id": "u",
        "source": TRAINING,
        "source_video_id": "v",
        "checksum": "3",
    }
    assert rows == [
        {
            "split": "split1",
            "target_video_id": "t",
            "source": "same:all",
            "source_video_id": "x",
            "checksum": "1",
        }
    ]
    assert "1 test videos (counted per split) are also offered by a source" in caplog.text
    assert "1 test videos (counted per split) are also training videos" in caplog.text


def test_videos_of_classes_that_a_source_leaves_out_are_not_offered(run):
    assert list(run(["other", "same:all"], excluded=[["x"], ["w"]])["source_video_id"]) == [
        "v",
        "x",
    ]
    assert list(run(["other", "same:all"], excluded=[[], ["x"]])["source_video_id"]) == ["v"]


def test_every_manifest_needs_a_name(run):
    with pytest.raises(ConfigError, match="found 2, with 1 lists of classes"):
        run(["other", "same:all"], excluded=[["x"]])
    with pytest.raises(ConfigError, match="expected a name for each of 2 manifests, found 1"):
        run(["other"])
