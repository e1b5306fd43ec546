import pytest

from pipelines.data.manifest import Video
from pipelines.data.ucf101 import Ucf101Options, list_videos, required_paths, split_names
from pipelines.io.errors import DatasetError

OPTIONS = Ucf101Options(adapter="ucf101", root=".", num_shards=1)
JUMP1, JUMP2 = "v_JumpRope_g01_c01.avi", "v_JumpRope_g08_c02.avi"


@pytest.fixture
def root(tmp_path):
    """Two classes; JUMP1 is test in split 1, JUMP2 is train; the other splits swap them."""
    lists = tmp_path / "ucfTrainTestlist"
    lists.mkdir()
    # The official files have Windows line ends.
    (lists / "classInd.txt").write_text("1 JumpRope\r\n2 Punch\r\n")
    for number, (train, test) in enumerate([(JUMP2, JUMP1), (JUMP1, JUMP2), (JUMP1, JUMP2)], 1):
        (lists / f"trainlist0{number}.txt").write_text(f"JumpRope/{train} 1\r\n")
        (lists / f"testlist0{number}.txt").write_text(f"JumpRope/{test}\r\n")
    return tmp_path


def touch(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def edit_list(root, name, text):
    (root / "ucfTrainTestlist" / name).write_text(text)


def problems_of(root):
    return [(item.video_id, item.kind, item.detail) for item in list_videos(root, OPTIONS).problems]


@pytest.mark.parametrize("layout", ["UCF-101/JumpRope", "JumpRope", "videos", ""])
def test_reads_lists_in_every_layout(root, layout):
    touch(root / layout / JUMP1)
    touch(root / layout / JUMP2)

    listing = list_videos(root, OPTIONS)

    prefix = f"{layout}/" if layout else ""
    assert list(listing.problems) == []
    assert listing.videos == [
        Video(
            "JumpRope/v_JumpRope_g01_c01",
            prefix + JUMP1,
            "JumpRope",
            "g01",
            {"split1": "test", "split2": "train", "split3": "train"},
        ),
        Video(
            "JumpRope/v_JumpRope_g08_c02",
            prefix + JUMP2,
            "JumpRope",
            "g08",
            {"split1": "train", "split2": "test", "split3": "test"},
        ),
    ]


def test_absent_and_unlisted_videos_are_reported(root):
    touch(root / "videos" / JUMP1)
    touch(root / "videos" / "v_Punch_g01_c01.avi")

    listing = list_videos(root, OPTIONS)

    assert [video.video_id for video in listing.videos] == ["JumpRope/v_JumpRope_g01_c01"]
    assert [(item.video_id, item.kind) for item in listing.problems] == [
        ("JumpRope/v_JumpRope_g08_c02", "missing"),
        ("videos/v_Punch_g01_c01", "unlisted"),
    ]


def test_a_file_in_another_class_folder_is_mislabelled(root):
    touch(root / "Punch" / JUMP1)
    touch(root / "JumpRope" / JUMP2)

    assert problems_of(root) == [
        (
            "JumpRope/v_JumpRope_g01_c01",
            "mislabelled",
            "listed as JumpRope but the file stands in folder Punch",
        )
    ]


def test_a_file_named_after_another_class_is_mislabelled(root):
    touch(root / JUMP1)
    touch(root / JUMP2)
    touch(root / "v_Punch_g02_c01.avi")
    edit_list(root, "trainlist01.txt", f"JumpRope/{JUMP2} 1\nJumpRope/v_Punch_g02_c01.avi 1\n")

    assert problems_of(root) == [
        (
            "JumpRope/v_Punch_g02_c01",
            "mislabelled",
            "listed as JumpRope but the file is called v_Punch_g02_c01.avi",
        )
    ]


def test_a_wrong_class_number_is_mislabelled(root):
    touch(root / JUMP1)
    touch(root / JUMP2)
    edit_list(root, "trainlist01.txt", f"JumpRope/{JUMP2} 2\n")

    assert problems_of(root) == [
        (
            "JumpRope/v_JumpRope_g08_c02",
            "mislabelled",
            "listed as JumpRope but with the class number of Punch",
        )
    ]


def test_a_video_trained_and_tested_on_in_one_split_is_mislabelled(root):
    touch(root / JUMP1)
    touch(root / JUMP2)
    edit_list(root, "trainlist01.txt", f"JumpRope/{JUMP1} 1\nJumpRope/{JUMP2} 1\n")

    assert problems_of(root) == [
        (
            "JumpRope/v_JumpRope_g01_c01",
            "mislabelled",
            "listed with different roles in split1: test, train",
        )
    ]


@pytest.mark.parametrize(
    ("name", "line"), [("trainlist02.txt", "no class.avi 1"), ("classInd.txt", "JumpRope")]
)
def test_malformed_lines_are_named(root, name, line):
    edit_list(root, name, f"\n{line}\n")

    with pytest.raises(DatasetError, match=rf"{name} line 2: expected .*'{line}'"):
        list_videos(root, OPTIONS)


def test_official_lists_and_real_clips(shared_data):
    listing = list_videos(shared_data / "ucf101", OPTIONS)

    # UCF101 has 13,320 videos; six of them are at hand.
    assert len(listing.videos) == 6
    assert {item.kind for item in listing.problems} == {"missing"}
    assert len(listing.problems) == 13_314
    expected = {"split1": "test", "split2": "train", "split3": "train"}
    assert all(video.roles == expected for video in listing.videos)
    assert {video.group for video in listing.videos} == {"g01", "g03", "g05"}
    assert all(path.is_file() for path in required_paths(shared_data / "ucf101", OPTIONS))


def test_split_names():
    assert split_names(OPTIONS) == ("split1", "split2", "split3")
