"""Every rule: one module of its stage, a log, a benchmark, an environment, a code digest."""

import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RULE_FILES = sorted(path for path in (ROOT / "rules").glob("*.smk") if path.stem != "common")

# Rules whose command is `<rule>_<objective>`, chosen by the recipe.
ONE_COMMAND_PER_OBJECTIVE = {"pretrain"}


@cache
def rules() -> dict[str, tuple[str, str]]:
    """Stage and text of each rule, by name; the text ends where indentation does."""
    found = {}
    for path in RULE_FILES:
        pattern = r"^rule (\w+):\n((?:[ \t].*\n|\n)*)"
        for name, body in re.findall(pattern, path.read_text() + "\n", re.MULTILINE):
            found[name] = (path.stem, body)
    return found


def directive(body: str, name: str) -> str:
    """Text of one directive of a rule, "" if it has none."""
    match = re.search(rf"^    {name}:(.*\n(?:(?:        .*)?\n)*)", body, re.MULTILINE)
    return match.group(1) if match else ""


def each_rule() -> list[pytest.param]:
    return [pytest.param(stage, name, body, id=name) for name, (stage, body) in rules().items()]


def test_every_rule_is_found():
    # Guards the tests below against a pattern that matches nothing.
    text = "".join(path.read_text() for path in RULE_FILES)
    assert len(rules()) == len(re.findall(r"^(?:rule|checkpoint) ", text, re.MULTILINE)) > 0
    assert directive(rules()["generate_demo"][1], "threads").strip() == "2"


@pytest.mark.parametrize(("stage", "name", "body"), each_rule())
def test_rule_runs_the_module_of_its_name(stage, name, body):
    module = f"pipelines.{stage}.{name}"
    if name in ONE_COMMAND_PER_OBJECTIVE:
        assert "python $PIPELINE_TORCHRUN -m {params.module}" in directive(body, "shell")
        assert "source_digest(pretraining_module(wildcards))" in directive(body, "params")
        assert list((ROOT / "pipelines" / stage).glob(f"{name}_*.py"))
        return

    assert re.findall(r"python (?:\$PIPELINE_TORCHRUN )?-m ([\w.]+)", directive(body, "shell")) == [
        module
    ]
    assert f'code=source_digest("{module}")' in directive(body, "params")
    assert (ROOT / "pipelines" / stage / f"{name}.py").is_file()


@pytest.mark.parametrize(("stage", "name", "body"), each_rule())
def test_rule_logs_benchmarks_and_names_its_environment(stage, name, body):
    assert f'"logs/{stage}/{name}/' in directive(body, "log")
    assert f'"benchmarks/{stage}/{name}/' in directive(body, "benchmark")
    assert directive(body, "conda").strip() == '"../envs/pipeline.yaml"'
    assert re.search(r"> \{log(:q)?\} 2>&1", directive(body, "shell"))


@pytest.mark.parametrize(("stage", "name", "body"), each_rule())
def test_params_depend_on_wildcards_only(stage, name, body):
    # Snakemake tracks a params function's value only if it takes nothing but wildcards.
    params = directive(body, "params")
    wide = [found for found in re.findall(r"lambda ([^:]*):", params) if "," in found]
    named = re.findall(r"^        \w+=(\w+),$", params, re.MULTILINE)
    text = "".join(path.read_text() for path in (ROOT / "rules").glob("*.smk"))
    wide += [
        f"{function}({arguments})"
        for function in named
        for arguments in re.findall(rf"^def {function}\((.*)\):", text, re.MULTILINE)
        if "," in arguments
    ]
    assert wide == []


@pytest.mark.parametrize(("stage", "name", "body"), each_rule())
def test_memory_and_time_grow_with_every_attempt(stage, name, body):
    resources = directive(body, "resources")

    for resource in ("mem_mb", "runtime"):
        assert re.search(rf"^        {resource}=growing\(\d+\),$", resources, re.MULTILINE)


@pytest.mark.parametrize(("stage", "name", "body"), each_rule())
def test_trainings_and_they_alone_run_in_several_processes(stage, name, body):
    is_training = "history=" in directive(body, "output")

    assert ("$PIPELINE_TORCHRUN" in directive(body, "shell")) == is_training
    assert ("TRAINING_THREADS" in directive(body, "threads")) == is_training
    assert ('COMPUTE["num_processes"]' in directive(body, "resources")) == is_training


@pytest.mark.parametrize(("stage", "name", "body"), each_rule())
def test_outputs_stand_below_results(stage, name, body):
    text = re.sub(r"labels=\{.*\}", "", directive(body, "output"))
    quoted = re.findall(r'(\w+=)?"([^"]+)"', text)
    paths = [path for keyword, path in quoted if keyword not in ("caption=", "category=")]

    assert paths
    assert [path for path in paths if not path.startswith("results/")] == []


def test_snakefile_includes_every_rule_file():
    text = (ROOT / "workflow/Snakefile").read_text()
    included = re.findall(r'include: "\.\./rules/(\w+)\.smk"', text)

    assert sorted(included) == sorted([path.stem for path in RULE_FILES] + ["common"])


def test_every_caption_is_there_and_used_and_every_result_has_one_name():
    text = "".join(path.read_text() for path in RULE_FILES)
    captions = set(re.findall(r'caption="\.\./workflow/report/(\w+\.rst)"', text))
    files = {path.name for path in (ROOT / "workflow/report").glob("*.rst")}

    assert captions == files - {"workflow.rst"}
    # Of several labels the report makes switches, and fails where a combination is missing.
    assert text.count("report(") == len(re.findall(r'labels=\{"\w+": "[^"]+"\}', text))
