import math

import msgspec
import pytest

from pipelines.data.manifest import ProbedVideo
from pipelines.tables.plan import chosen_videos, clips_of, plan_rows, stored_frames, volumes
from pipelines.tables.plan_config import (
    ClipsConfig,
    FramesConfig,
    PartConfig,
    PlanConfig,
    WorkConfig,
)
from pipelines.tables.throughputs import Throughput


def video(number, role="train", num_frames=100, fps=30.0):
    return ProbedVideo(
        video_id=f"mine/v{number}",
        path="v.avi",
        label="a",
        group=None,
        roles={"split1": role},
        shard=0,
        duration_seconds=num_frames / fps,
        fps=fps,
        height=240,
        width=320,
        num_frames=num_frames,
        size_bytes=1,
        checksum="0" * 64,
    )


TRAIN = PartConfig("mine", "split1", ("train",))
CLIPS = ClipsConfig(num_frames=8, stride=2, crop_px=50)
SIZE = (100, 200)
FINETUNE = WorkConfig(
    "finetune",
    ("random", "mers"),
    3,
    "net",
    (TRAIN,),
    CLIPS,
    "train",
    2,
    length=4,
    unit="epochs",
    videos_per_step=3,
)


def config(*works, target_fps=None, max_frames=None, flow=("mine",)):
    return PlanConfig(
        frames=(FramesConfig(SIZE, ("mine",)),),
        target_fps=target_fps,
        max_frames=max_frames,
        flow=FramesConfig(SIZE, flow),
        flow_source="tvl1",
        feature_step=None,
        num_shards={"mine": 5},
        works=works,
        others={"build_table5": 1},
    )


def measurement(work, variant, device, value):
    entry = Throughput(work, variant, device, value, "MP", "here", "2026-01-01", "so")
    return {(work, variant, device): entry}


MEASURED = (
    measurement("decode", "", "cpu", 100.0)
    | measurement("flow", "tvl1", "cpu", 10.0)
    | measurement("train", "net", "cpu", 2.0)
    | measurement("evaluate", "net", "cpu", 8.0)
    | measurement("frames", "", "disk", 1e6)
    | measurement("flow", "", "disk", 2e6)
    | measurement("model", "net", "disk", 5e7)
    | measurement("feature", "", "disk", 1000.0)
)


@pytest.mark.parametrize("num_frames", [1, 2, 7, 100])
@pytest.mark.parametrize("target_fps", [None, 60.0, 15.0, 7.0])
@pytest.mark.parametrize("max_frames", [None, 5])
def test_stored_frames_are_every_so_many_th(num_frames, target_fps, max_frames):
    step = 1 if target_fps is None else max(1, round(30.0 / target_fps))
    literal = len(list(range(num_frames))[::step][:max_frames])

    assert stored_frames(video(0, num_frames=num_frames), target_fps, max_frames) == literal


def test_videos_are_those_of_the_roles():
    videos = [video(0), video(1, "test"), video(2, "unlabelled")]
    part = PartConfig("mine", "split1", ("train", "unlabelled"))

    found = chosen_videos([part], {"mine": videos})

    assert [each.video_id for each in found] == ["mine/v0", "mine/v2"]


def test_without_a_split_all_videos_are_chosen():
    videos = [video(0), video(1, "test"), video(2, "unlabelled")]

    assert chosen_videos([PartConfig("mine")], {"mine": videos}) == videos


def test_rows_and_videos_tell_stages_of_one_name_apart():
    part = PartConfig("mine", "split1", ("train",), 50)
    works = (
        WorkConfig("finetune", ("random", "mers"), 1, "net", (TRAIN, part), CLIPS, "train", 1),
        WorkConfig("finetune", ("mars",), 1, "net", (PartConfig("mine"),), CLIPS, "train", 1),
    )

    _, flow, *rows, total = plan_rows(volumes(config(*works), {"mine": [video(0)]}), MEASURED)

    assert (flow["rows"], flow["videos"]) == ("", "mine")
    assert [row["rows"] for row in rows] == ["random mers", "mars"]
    assert [row["videos"] for row in rows] == ["mine.split1+mine.split1@50%", "mine"]
    assert (total["rows"], total["videos"]) == ("", "")


def test_shards_are_jobs_and_no_more_work():
    work = WorkConfig("extract_features", (), 2, "net", (PartConfig("mine"),), CLIPS, "evaluate", 1)
    manifests = {"mine": [video(0), video(1)]}

    whole, divided = (
        plan_rows(volumes(config(each), manifests), MEASURED)[2]
        for each in (work, msgspec.structs.replace(work, num_shards=5))
    )

    assert (whole["jobs"], divided["jobs"]) == (2, 10)
    assert whole | {"jobs": 10} == divided


def test_other_rules_have_their_jobs_alone():
    *_, other, total = plan_rows([], MEASURED, {"index_frames": 3})

    assert (other["stage"], other["jobs"], other["cpu_hours"]) == ("index_frames", 3, "")
    assert other["remark"] == "time and disk not estimated"
    assert total["jobs"] == 3
    assert total["remark"] == "Table 5; nothing of index_frames but their jobs"


def test_every_size_of_frames_is_decoded_for_itself():
    larger = FramesConfig((200, 400), ("mine",))
    settings = config()
    settings = msgspec.structs.replace(settings, frames=(*settings.frames, larger))

    small, large, flow = volumes(settings, {"mine": [video(0)]})

    assert (small.stage, large.stage, flow.stage) == (*["decode_frames"] * 2, "extract_flow")
    assert (small.videos, large.videos) == ("mine at 100 x 200", "mine at 200 x 400")
    assert (small.jobs, small.amount) == (large.jobs, large.amount)
    assert (small.kept_units, large.kept_units) == (100 * 0.02, 100 * 0.08)
    assert flow.kept_units == small.kept_units


def test_clips_of_a_work_are_its_own():
    long = msgspec.structs.replace(CLIPS, num_frames=16, crop_px=100)
    works = [WorkConfig("x", (), 1, "net", (TRAIN,), clips, "train", 1) for clips in (CLIPS, long)]

    _, _, short, longer = volumes(config(*works), {"mine": [video(0)]})

    assert longer.amount == pytest.approx(8 * short.amount)


def test_epochs_count_whole_steps():
    videos = [video(number) for number in range(7)]

    # 7 videos in steps of 3 are 3 steps; 4 epochs; 3 videos of 2 clips.
    assert clips_of(FINETUNE, config(), videos) == 4 * 3 * 3 * 2


def test_steps_do_not_depend_on_the_videos():
    work = WorkConfig("pretrain", (), 1, "net", (TRAIN,), CLIPS, "train", 1, 10, "steps", 4)

    assert clips_of(work, config(), []) == 40


@pytest.mark.parametrize("num_frames", [4, 15, 29, 30, 100])
def test_clips_side_by_side_are_those_of_a_literal_loop(num_frames):
    work = WorkConfig("extract_features", (), 1, "net", (TRAIN,), CLIPS, "evaluate", None)
    starts = [start for start in range(0, num_frames, 15) if start + 15 <= num_frames]

    found = clips_of(work, config(), [video(0, num_frames=num_frames)])

    assert found == max(1, len(starts))


def test_hours_and_disk_are_amounts_times_what_was_measured():
    videos = [video(number) for number in range(6)]
    settings = config(FINETUNE)

    rows = {row["stage"]: row for row in plan_rows(volumes(settings, {"mine": videos}), MEASURED)}

    assert rows["decode_frames"]["jobs"] == 5
    assert rows["decode_frames"]["cpu_hours"] == pytest.approx(6 * 100 * 0.0768 / 100, rel=1e-2)
    assert rows["decode_frames"]["disk_gb"] == pytest.approx(6 * 100 * 0.02 * 1e6 / 1e9)
    assert rows["extract_flow"]["cpu_hours"] == pytest.approx(6 * 100 * 0.02 / 10)
    clips = 3 * (4 * 2 * 3 * 2)
    assert rows["finetune"]["cpu_hours"] == pytest.approx(clips * 8 * 2500 / 1e6 / 2, rel=1e-2)
    assert rows["finetune"]["disk_gb"] == pytest.approx(0.15)
    assert rows["total"]["cpu_hours"] == pytest.approx(
        math.fsum(rows[name]["cpu_hours"] for name in rows if name != "total"), rel=1e-2
    )


def test_a_teacher_looks_at_every_clip_too():
    alone = WorkConfig("distill", (), 1, "net", (TRAIN,), CLIPS, "train", 1, 1, "steps", 100)
    taught = msgspec.structs.replace(alone, has_teacher=True)

    rows = plan_rows(volumes(config(alone, taught), {"mine": []}), MEASURED)

    assert rows[3]["cpu_hours"] / rows[2]["cpu_hours"] == pytest.approx(1.25, rel=1e-2)


def test_what_was_not_measured_stays_empty_and_is_said():
    work = WorkConfig("finetune", (), 1, "other", (TRAIN,), CLIPS, "train", 1, 1, "steps", 1)

    *_, row, total = plan_rows(volumes(config(work), {"mine": [video(0)]}), MEASURED)

    assert (row["cpu_hours"], row["gpu_hours"], row["disk_gb"]) == ("", "", "")
    assert "train other not measured on a CPU" in row["remark"]
    assert "size of model other not measured" in row["remark"]
    assert total["remark"].split("; ") == [
        "Table 5",
        "cpu_hours without finetune, which was not measured",
        "gpu_hours without finetune, which was not measured",
        "disk_gb without finetune, which was not measured",
    ]
    assert total["gpu_hours"] == ""


def test_nothing_without_flow():
    rows = plan_rows(volumes(config(flow=()), {"mine": [video(0)]}), MEASURED)

    assert (rows[1]["jobs"], rows[1]["cpu_hours"], rows[1]["disk_gb"]) == (0, 0.0, 0.0)
