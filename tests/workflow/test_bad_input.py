"""Bad videos are listed with their reasons, and damaged artifacts named by whoever reads them."""

import pandas as pd

from pipelines.data.manifest import shard_of
from tests.workflow.conftest import GOOD, MINE_STAGES

PROBED = {
    "mine/corrupt": "unreadable",
    "mine/empty": "empty",
    "mine/garbage": "unreadable",
    "mine/one-frame": "one-frame",
    "mine/truncated": "truncated",
}
DECODED = {"mine/undecodable": "truncated"}
FRAMES = "results/frames/smoke/mine/shard-0000-of-0002.h5"
FLOW = "results/motion/flow/smoke/mine/shard-0000-of-0002.h5"
ROW = "results/evaluation/smoke/motionfit/split1/seed0"


def test_bad_videos_are_listed_with_their_reasons(mine):
    probed = pd.read_parquet(mine.folder / "results/data/mine/problems.parquet")
    decoded = pd.read_parquet(mine.folder / "results/frames/smoke/mine/skipped.parquet")

    assert dict(zip(probed["video_id"], probed["kind"], strict=True)) == PROBED
    assert dict(zip(decoded["video_id"], decoded["kind"], strict=True)) == DECODED
    assert (probed["detail"].str.len() > 0).all()
    assert decoded["detail"].tolist() == ["videos/undecodable.avi: 1 of 40 frames decode"]


def test_bad_videos_are_left_out_and_not_replaced(mine):
    index = pd.read_parquet(mine.folder / "results/frames/smoke/mine/index.parquet")

    assert sorted(index["video_id"]) == [f"mine/{name}" for name in GOOD]


def test_too_many_bad_videos_stop_the_stage_and_five_are_named(mine, tmp_path):
    work = mine.copy(tmp_path / "work")
    (work.folder / MINE_STAGES[0]).unlink()

    strict = {"limits": {"max_skipped_fraction": 0.05}}
    answer = work.snakemake(MINE_STAGES[0], "--cores", "1", overlay=strict)

    assert answer.returncode != 0
    # The failed job's log is shown with it: no need to open a file.
    assert "5 of 12 videos cannot be used" in answer.stdout
    assert "limits.max_skipped_fraction 0.05" in answer.stdout
    assert [name for name in PROBED if f"{name} ({PROBED[name]}: " not in answer.stdout] == []
    assert "Traceback" not in answer.stdout


def test_a_run_ends_with_a_line_for_every_job_that_failed(workspace):
    names = ("one", "two")
    stanza = {"adapter": "folder", "num_shards": 1}
    work = workspace(datasets={name: stanza | {"root": name} for name in names})
    for name in names:
        (work.folder / name).mkdir()
        (work.folder / name / "corrupt.avi").write_bytes(b"no video " * 50)

    files = [f"results/data/{name}/manifest.parquet" for name in names]
    answer = work.snakemake(*files, "--cores", "1")

    assert answer.returncode != 0
    end = answer.stdout.partition("2 jobs failed:\n")[2].splitlines()
    for name, line in zip(names, end[:2], strict=True):
        log = f"logs/data/build_manifest/{name}.log"
        assert line.startswith(f"  build_manifest (dataset={name}), {log}: ")
        assert "TooManySkippedError: 1 of 1 videos cannot be used (1 unreadable)" in line
    assert len(end) < 10


def test_too_many_annotated_videos_without_a_file_stop_while_planning(workspace, make_video):
    few = {"adapter": "csv", "root": "few", "num_shards": 1}
    work = workspace(datasets={"few": few}, targets={"smoke": {"dataset": "few"}})
    make_video(work.folder / "few/a.avi", num_frames=4)
    rows = ("video,label,group,split1", "a.avi,jump,,train", "b.avi,jump,,test")
    (work.folder / "few/annotations.csv").write_text("\n".join(rows) + "\n")

    answer = work.snakemake("results/smoke_table5.csv", "-n")

    assert answer.returncode != 0
    assert "datasets.few: 1 of 2 videos cannot be used (1 missing), more than" in answer.stdout
    assert "First: few/b (missing: no file b.avi)" in answer.stdout
    assert "Traceback" not in answer.stdout


def test_a_video_repaired_to_its_old_size_is_looked_at_as_the_message_says(mine, tmp_path):
    work = mine.copy(tmp_path / "work")
    strict = {"limits": {"max_skipped_fraction": 0.05}}
    manifest = MINE_STAGES[0]
    (work.folder / manifest).unlink()
    answer = work.snakemake(manifest, "--cores", "1", overlay=strict)
    shard = f"shard-{shard_of('mine/garbage', 2):04d}-of-0002.parquet"
    table = f"results/data/mine/problems/{shard}"
    assert table in answer.stdout.partition("delete what names the video: ")[2]

    garbage = work.folder / "videos/garbage.mp4"
    garbage.write_bytes(garbage.read_bytes()[::-1])
    assert [rule for rule, _ in work.plan(manifest)] == ["build_manifest"]

    (work.folder / table).unlink()
    assert sorted(work.plan(manifest)) == [
        ("build_manifest", manifest),
        ("probe_videos", f"results/data/mine/probed/{shard}"),
    ]


def test_an_added_video_touches_its_own_shard_only(mine, tmp_path, make_video):
    work = mine.copy(tmp_path / "work")
    assert work.plan(*MINE_STAGES) == []

    make_video(work.folder / "videos/added.avi", num_frames=8, seed=20)

    assert shard_of("mine/added", 2) == 0
    assert sorted(work.plan(*MINE_STAGES)) == [
        ("build_manifest", "results/data/mine/manifest.parquet"),
        ("decode_frames", FRAMES),
        ("extract_flow", FLOW),
        ("index_frames", "results/frames/smoke/mine/index.parquet"),
        ("probe_videos", "results/data/mine/probed/shard-0000-of-0002.parquet"),
    ]


def test_flipped_bytes_are_named_with_the_rule_that_remakes_the_file(mine, tmp_path):
    work = mine.copy(tmp_path / "work")
    before = (work.folder / FLOW).read_bytes()
    flip_bytes(work.folder / FRAMES)

    answer = work.snakemake(FLOW, "--cores", "1")

    assert answer.returncode != 0
    assert f"{FRAMES} is damaged" in answer.stdout
    assert "rule decode_frames remakes it" in answer.stdout
    assert "Traceback" not in answer.stdout

    # The message's advice.
    (work.folder / FRAMES).unlink()
    work.make(FLOW)
    assert len((work.folder / FLOW).read_bytes()) == len(before)


def test_truncated_weights_are_named_with_the_rule_that_remakes_them(smoke, tmp_path):
    work = smoke.copy(tmp_path / "work")
    model = work.folder / ROW / "model.pt"
    model.write_bytes(model.read_bytes()[:-1000])

    answer = work.snakemake(f"{ROW}/test.parquet", "--cores", "1")

    assert answer.returncode != 0
    assert f"{ROW}/model.pt" in answer.stdout
    assert "rule finetune remakes it" in answer.stdout
    assert "Traceback" not in answer.stdout


def flip_bytes(path):
    """Invert 64 bytes in the middle of the largest part of a file, the data."""
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 64] = bytes(255 - value for value in content[middle : middle + 64])
    path.write_bytes(content)
