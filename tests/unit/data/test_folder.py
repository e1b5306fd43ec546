from pipelines.data.folder import FolderOptions, list_videos, split_names
from pipelines.data.manifest import Video

PLAIN = FolderOptions(adapter="folder", root=".", num_shards=1)
LABELLED = FolderOptions(adapter="folder", root=".", num_shards=1, labels_from_folders=True)


def make_files(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def test_all_videos_are_unlabelled(tmp_path):
    make_files(tmp_path, "x.mp4", "deep/er/y.avi", "notes.txt")

    listing = list_videos(tmp_path, PLAIN)

    assert listing.problems == []
    assert listing.videos == [
        Video("deep/er/y", "deep/er/y.avi", None, None, {"all": "unlabelled"}),
        Video("x", "x.mp4", None, None, {"all": "unlabelled"}),
    ]


def test_a_link_that_leads_to_nothing_is_a_missing_video(tmp_path):
    make_files(tmp_path, "x.mp4")
    (tmp_path / "y.mp4").symlink_to(tmp_path / "unmounted/y.mp4")

    listing = list_videos(tmp_path, PLAIN)

    assert [video.video_id for video in listing.videos] == ["x"]
    assert [(item.video_id, item.kind, item.detail) for item in listing.problems] == [
        ("y", "missing", "link y.mp4 leads to no file; mend or remove it")
    ]


def test_the_first_folder_is_the_class(tmp_path):
    make_files(tmp_path, "x.mp4", "jump/monday/y.avi")

    listing = list_videos(tmp_path, LABELLED)

    assert listing.videos == [
        Video("jump/monday/y", "jump/monday/y.avi", "jump", None, {"all": "train"})
    ]
    assert [(item.video_id, item.kind) for item in listing.problems] == [("x", "mislabelled")]


def test_files_that_differ_in_extension_only_are_one_video(tmp_path):
    make_files(tmp_path, "x.mp4", "x.avi")

    listing = list_videos(tmp_path, PLAIN)

    assert [video.path for video in listing.videos] == ["x.avi"]
    assert [(item.video_id, item.kind) for item in listing.problems] == [("x", "duplicate")]


def test_split_names():
    assert split_names(PLAIN) == ("all",)


def test_real_clips(shared_data):
    listing = list_videos(shared_data / "unlabelled", PLAIN)

    assert (len(listing.videos), len(listing.problems)) == (398, 0)
