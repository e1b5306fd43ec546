import pytest

from pipelines.data.kinetics import KineticsOptions, list_videos, required_paths
from pipelines.data.manifest import Video
from pipelines.io.errors import DatasetError

OPTIONS = KineticsOptions(adapter="kinetics", root=".", num_shards=1)
HEADER = "label,youtube_id,time_start,time_end,split\n"
CLIP = "0347ZoDXyP0_000095_000105"


def touch(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def annotate(root, train, val=""):
    (root / "annotations").mkdir()
    (root / "annotations" / "train.csv").write_text(HEADER + train)
    (root / "annotations" / "val.csv").write_text(HEADER + val)


def kinds(listing):
    return [(item.video_id, item.kind) for item in listing.problems]


def test_folders_per_class(tmp_path):
    touch(tmp_path / "train" / "air drumming" / f"{CLIP}.mp4")
    touch(tmp_path / "val" / "air drumming" / "x.mp4")
    touch(tmp_path / "train" / "stray.mp4")
    touch(tmp_path / "test" / "y.mp4")

    listing = list_videos(tmp_path, OPTIONS)

    assert listing.videos == [
        Video(
            f"train/air drumming/{CLIP}",
            f"train/air drumming/{CLIP}.mp4",
            "air drumming",
            "0347ZoDXyP0",
            {"split1": "train"},
        ),
        Video(
            "val/air drumming/x", "val/air drumming/x.mp4", "air drumming", None, {"split1": "test"}
        ),
    ]
    assert kinds(listing) == [("train/stray", "mislabelled"), ("test/y", "unlisted")]


@pytest.mark.parametrize("folder", ["train/air_drumming", "train", "videos", ""])
def test_annotation_files(tmp_path, folder):
    annotate(tmp_path, '"air drumming",0347ZoDXyP0,95,105,train\n')
    touch(tmp_path / folder / f"{CLIP}.mp4")

    (video,) = list_videos(tmp_path, OPTIONS).videos

    assert (video.video_id, video.label, video.group) == (CLIP, "air drumming", "0347ZoDXyP0")
    assert video.roles == {"split1": "train"}


@pytest.mark.parametrize(
    ("train", "val"), [("train.txt", "val.txt"), ("train.csv", "validate.csv")]
)
def test_the_official_files_of_kinetics_600_are_read(tmp_path, train, val):
    # CVDF's names, then DeepMind's, whose table of Kinetics-600 has a column more.
    folder = tmp_path / "annotations"
    folder.mkdir()
    header = HEADER.replace("split", "split,is_cc")
    (folder / train).write_text(f"{header}abseiling,0347ZoDXyP0,95,105,train,0\n")
    (folder / val).write_text(f"{header}zumba,3E7Jib8Yq5M,118.0,128.0,val,1\n")
    touch(tmp_path / "train" / "abseiling" / f"{CLIP}.mp4")
    touch(tmp_path / "val" / "3E7Jib8Yq5M_000118_000128.mp4")

    listing = list_videos(tmp_path, OPTIONS)

    assert listing.problems == []
    assert [(video.label, video.roles["split1"]) for video in listing.videos] == [
        ("abseiling", "train"),
        ("zumba", "test"),
    ]
    assert required_paths(tmp_path, OPTIONS) == [folder / train, folder / val]


def test_files_may_be_called_by_their_youtube_id(tmp_path):
    annotate(tmp_path, "", "jump,3E7Jib8Yq5M,118,128,val\n")
    touch(tmp_path / "val" / "3E7Jib8Yq5M.webm")

    (video,) = list_videos(tmp_path, OPTIONS).videos

    assert (video.video_id, video.path) == ("3E7Jib8Yq5M", "val/3E7Jib8Yq5M.webm")
    assert video.roles == {"split1": "test"}


def test_one_file_for_two_clips_with_different_labels_is_mislabelled(tmp_path):
    annotate(tmp_path, "jump,0347ZoDXyP0,95,105,train\nrun,0347ZoDXyP0,5,15,train\n")
    touch(tmp_path / "0347ZoDXyP0.mp4")

    assert kinds(list_videos(tmp_path, OPTIONS)) == [("0347ZoDXyP0", "mislabelled")]


def test_absent_clips_are_missing_and_others_unlisted(tmp_path):
    annotate(tmp_path, "jump,0347ZoDXyP0,95,105,train\n")
    touch(tmp_path / "train" / "other.mp4")

    assert kinds(list_videos(tmp_path, OPTIONS)) == [(CLIP, "missing"), ("train/other", "unlisted")]


def test_a_file_in_another_class_folder_is_mislabelled(tmp_path):
    annotate(tmp_path, "jump,0347ZoDXyP0,95,105,train\nrun,3E7Jib8Yq5M,1,2,train\n")
    touch(tmp_path / "train" / "run" / f"{CLIP}.mp4")

    assert (CLIP, "mislabelled") in kinds(list_videos(tmp_path, OPTIONS))


def test_times_must_be_numbers(tmp_path):
    annotate(tmp_path, "jump,0347ZoDXyP0,soon,105,train\n")

    with pytest.raises(DatasetError, match=r"line 2: expected times in seconds .* 'soon'"):
        list_videos(tmp_path, OPTIONS)


def test_requires_annotations_only_where_there_are_some(tmp_path):
    assert required_paths(tmp_path, OPTIONS) == [tmp_path / "train"]

    touch(tmp_path / "annotations" / "val.csv")
    names = [path.name for path in required_paths(tmp_path, OPTIONS)]
    assert names == ["train.csv", "val.csv"]
