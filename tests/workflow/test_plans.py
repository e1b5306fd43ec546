"""A plan says of every rule as many jobs as Snakemake counts."""

import json
import re
from collections import Counter

import pytest

from pipelines.io.config import canonical, decode_config
from pipelines.tables.plan import plan_rows, volumes
from pipelines.tables.plan_config import PlanConfig

# Done when a plan is made.
MANIFESTS = ("generate_demo", "probe_videos", "build_manifest", "select_split")
SPLITS = ["split1", "split2"]


def planned(work, target):
    """Rows of a target's plan, without its videos: the numbers of jobs do not depend on them."""
    answer = work.snakemake(f"results/{target}_plan.csv", "-n", "-p")
    assert answer.returncode == 0, answer.stdout
    text = re.search(r"build_plan --config '(.*)' --manifests", answer.stdout)[1]
    config = decode_config(canonical(json.loads(text)), PlanConfig)
    nothing = {name: [] for name in config.num_shards}
    return plan_rows(volumes(config, nothing), {}, config.others)


def check(work, target):
    """Compare a plan with a dry run of Table 5, rule by rule, and its labels with each other."""
    *rows, total = planned(work, target)
    counts = Counter()
    for row in rows:
        counts[row["stage"]] += row["jobs"]
    expected = work.counts(f"results/{target}_table5.csv")
    kept = {rule: jobs for rule, jobs in expected.items() if rule not in MANIFESTS}
    assert {rule: jobs for rule, jobs in counts.items() if jobs} == kept
    assert total["jobs"] == sum(kept.values())
    labels = [(row["stage"], row["rows"], row["videos"]) for row in rows]
    assert len(set(labels)) == len(labels)
    return labels


@pytest.mark.parametrize("target", ["smoke", "demo", "demo_3seeds"])
def test_jobs_of_generated_targets(workspace, target):
    labels = check(workspace(), target)

    if target == "smoke":
        trained = "demo_smoke.split1"
        assert ("finetune", "random appearance mers motionfit", trained) in labels
        assert ("finetune", "mars", trained) in labels
        assert ("train_generator", "appearance", trained) in labels
        assert ("train_generator", "mers mars motionfit", trained) in labels
        assert ("extract_features", "appearance motionfit", "demo_smoke") in labels


def test_jobs_where_frames_have_several_sizes(workspace):
    preset = {
        "training": {"self_training": {"clips": {"frame_size": [40, 50]}}},
        "evaluation": {"clips": {"frame_size": [64, 80]}},
    }
    smoke = {"methods": ["random", "appearance", "motionfit", "mers"]}

    labels = check(workspace(presets={"smoke": preset}, targets={"smoke": smoke}), "smoke")

    assert [videos for rule, _, videos in labels if rule == "decode_frames"] == [
        "demo_smoke at 64 x 80",
        "demo_smoke at 32 x 40",
        "demo_smoke at 40 x 50",
    ]


@pytest.mark.parametrize(
    "own",
    [
        {},
        {"methods": ["random"]},
        {"methods": ["random", "supervised"]},
        {"methods": ["appearance"]},
        {"methods": ["mars"]},
        {"methods": ["mers", "motionfit"], "generator": {"dataset": "few", "split": "split1"}},
        {"source": ["few", "many@50%"], "generator": {"dataset": "demo_smoke", "split": "split1"}},
    ],
)
def test_jobs_where_splits_and_rows_share_work(workspace, make_video, own):
    few = {"adapter": "csv", "root": "few", "num_shards": 1, "splits": SPLITS}
    many = {"adapter": "folder", "root": "many", "num_shards": 3}
    target = {"preset": "smoke", "dataset": "few", "splits": SPLITS, "source": ["many", "few"]}
    work = workspace(datasets={"few": few, "many": many}, targets={"mine": target | own})
    for path in ("few/a.avi", "few/b.avi", "many/c.avi"):
        make_video(work.folder / path, num_frames=4)
    (work.folder / "few/annotations.csv").write_text(
        "video,label,group,split1,split2\na.avi,jump,g1,train,test\nb.avi,jump,g2,test,train\n"
    )

    check(work, "mine")
