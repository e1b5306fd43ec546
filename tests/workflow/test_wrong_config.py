"""A wrong value in an overlay is refused with one message: key, value, choices."""

import pytest

ANNOUNCEMENTS = ("Using workflow specific profile", "Config file config.yaml is extended")
LENGTH = "presets: {smoke: {training: {generator: {schedule: {length: %s}}}}}"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        pytest.param(
            "presets: {smoke: {clustering: {kmeans: {num_cluster: 8}}}}",
            ["presets.smoke.clustering.kmeans", "'num_cluster'", "did you mean 'num_clusters'"],
            id="misspelt key",
        ),
        pytest.param(
            LENGTH % "[4]",
            ["presets.smoke.training.generator.schedule.length", "a whole number", "[4]"],
            id="wrong type",
        ),
        pytest.param(
            # YAML 1.1 reads a number only with a point in it.
            "presets: {smoke: {training: {generator: {optimizer: {learning_rate: 1e-1}}}}}",
            ["generator.optimizer.learning_rate", "the text '1e-1'", "write 0.1"],
            id="number as text",
        ),
        pytest.param(
            "targets: {smoke: {preset: smok}}",
            ["targets.smoke.preset", "'smok'", "choices: paper, demo, smoke"],
            id="unknown preset",
        ),
        pytest.param(
            "targets: {smoke: {source: [kinetic400]}}",
            ["targets.smoke.source", "'kinetic400'", "did you mean 'kinetics400'"],
            id="unknown dataset",
        ),
        pytest.param(
            "targets: {smoke: {source: ['demo_smoke@0%']}}",
            ["targets.smoke.source", "DATASET:SPLIT", "@57% (1 to 99)", "'demo_smoke@0%'"],
            id="no share",
        ),
        pytest.param(
            "datasets: {demo_smoke: {adapter: csw}}",
            ["datasets.demo_smoke.adapter", "'csw'", "'ucf101', 'hmdb51', 'kinetics', 'ssv2'"],
            id="unknown adapter",
        ),
    ],
)
def test_refused_with_key_value_and_choices(workspace, text, parts):
    work = workspace()
    (work.folder / "mine.yaml").write_text(text)

    answer = work.execute(
        [
            *("snakemake", "-n", "results/smoke_table5.csv", "--configfile", "mine.yaml"),
            *("--snakefile", str(work.code / "workflow/Snakefile")),
        ]
    )

    assert answer.returncode != 0
    said = [line for line in answer.stdout.splitlines() if not line.startswith(ANNOUNCEMENTS)]
    assert len(said) == 1, answer.stdout
    assert [part for part in parts if part not in said[0]] == []


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ('limits={"max_skipped_fraction": 0.5}', "limits.max_skipped_fraction: expected a number"),
        ("targets={smoke: {seeds: [1]}}", "targets.smoke.seeds.0: expected a whole number"),
        ("compute={tensorboard: true}", "compute.tensorboard: expected true or false"),
    ],
)
def test_values_within_braces_on_the_command_line_belong_into_a_file(workspace, value, place):
    answer = workspace().snakemake("results/smoke_table5.csv", "-n", "--config", value)

    assert answer.returncode != 0
    assert place in answer.stdout
    assert "put it into a file and name that by --configfile" in answer.stdout
    assert "Traceback" not in answer.stdout


SCALES = {"clips": {"crop_scales": [0.9, 0.7]}}
VCOP = "results/pretraining/smoke/vcop/demo_smoke.split1/seed0/model.pt"


@pytest.mark.parametrize(
    ("preset", "row", "file", "place"),
    [
        (SCALES, "motionfit", "results/smoke_table5.csv", ""),
        (SCALES, "mers", "results/smoke_table5.csv", ""),
        ({"evaluation": SCALES}, "mars", "results/smoke_table5.csv", "evaluation."),
        (
            {"pretraining": {"vcop": SCALES | {"reads": ["rgb", "flow"]}}},
            "random",
            VCOP,
            "pretraining.vcop.",
        ),
    ],
)
def test_clips_of_flow_have_windows_of_one_size(workspace, preset, row, file, place):
    work = workspace(presets={"smoke": preset}, targets={"smoke": {"methods": [row]}})

    answer = work.snakemake(file, "-n")

    assert answer.returncode != 0
    message = f"presets.smoke.{place}clips.crop_scales: found [0.9, 0.7], expected [] where"
    assert message in answer.stdout
    assert "Traceback" not in answer.stdout


def test_clips_of_frames_have_windows_of_several_sizes(workspace):
    work = workspace(presets={"smoke": SCALES}, targets={"smoke": {"methods": ["appearance"]}})

    assert work.counts("results/smoke_table5.csv")["finetune"] == 1


SIZE = {"clips": {"frame_size": [40, 50]}}


@pytest.mark.parametrize(
    ("preset", "file", "place"),
    [
        ({"evaluation": SIZE}, "results/smoke_table5.csv", "evaluation."),
        ({"pretraining": {"vcop": SIZE | {"reads": ["rgb", "flow"]}}}, VCOP, "pretraining.vcop."),
    ],
)
def test_frames_beside_flow_have_its_size(workspace, preset, file, place):
    work = workspace(presets={"smoke": preset}, targets={"smoke": {"methods": ["mars"]}})

    answer = work.snakemake(file, "-n")

    assert answer.returncode != 0
    message = f"presets.smoke.{place}clips.frame_size: found [40, 50], expected null where"
    assert message in answer.stdout
    assert "Traceback" not in answer.stdout


def test_a_sweep_of_frames_has_one_size_of_them(workspace):
    overrides = {"validation.fraction": 0.5, "frames.size": [40, 50]}
    overrides["evaluation.clips.frame_size"] = [64, 80]
    grids = {"random": {"evaluation.methods.random.dropout": [0.1, 0.2]}}
    sweep = {"target": "smoke", "overrides": overrides, "grids": grids}

    answer = workspace(sweeps={"sizes": sweep}).snakemake("results/sizes_sweep.csv", "-n")

    assert answer.returncode != 0
    assert "evaluation.clips.frame_size: found [64, 80] beside a sweep of frames" in answer.stdout
    assert "Traceback" not in answer.stdout
