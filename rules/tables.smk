def table_runs(target, role="test"):
    """One record per run behind a table: what it is and which files hold it."""
    chosen = SETTINGS.targets[target]
    runs = []
    for method in chosen["methods"]:
        if unavailable(target, method):
            continue
        for split in chosen["splits"]:
            for seed in chosen["seeds"]:
                folder = f"results/evaluation/{target}/{method}/{split}/seed{seed}"
                runs.append(
                    {
                        "method": method,
                        "split": split,
                        "seed": seed,
                        "predictions": f"{folder}/{role}.parquet",
                        "model": f"{folder}/model.pt",
                        "initial": initial_model(target, method, split, seed) or "",
                        "generator": generator_labels(target, method, split, seed),
                        "source": source_of(target, split),
                    }
                )
    return runs


def generator_labels(target, method, split, seed):
    """Whose labels trained the pseudo-label generator or teacher of a row; "" for none."""
    if method in ("random", "supervised"):
        return ""
    modality = "rgb" if method == "appearance" else "flow"
    return parts_of(generator_of(target, split, seed, modality))[0]


def table_config(target):
    """What the table says beside the measured numbers."""
    chosen = SETTINGS.targets[target]
    preset = SETTINGS.presets[chosen["preset"]]
    return canonical(
        {
            "target": target,
            "dataset": chosen["dataset"],
            "source": "+".join(chosen["source"]),
            "backbone": preset["backbones"]["appearance"],
            "num_frames": preset["clips"]["num_frames"],
            "resolution": preset["clips"]["crop_px"],
            "is_smoke": "smoke" in (chosen["preset"], *bases_of(chosen["preset"])),
            "methods": chosen["methods"],
            "unavailable": {m: unavailable(target, m) or "" for m in chosen["methods"]},
            "runs": table_runs(target),
        }
    )


def bases_of(preset):
    while preset in SETTINGS.bases:
        preset = SETTINGS.bases[preset]
        yield preset


def table_input(wildcards):
    runs = table_runs(wildcards.target)
    return {
        "predictions": [run["predictions"] for run in runs],
        "models": [run["model"] for run in runs],
        "overlap": f"results/data/overlap/{wildcards.target}.parquet",
    }


rule build_table5:
    input:
        unpack(table_input),
    output:
        table=report("results/{target}_table5.csv", caption="../workflow/report/table5.rst"),
        runs="results/{target}_table5_runs.parquet",
        markdown="results/{target}_table5.md",
    log:
        "logs/tables/build_table5/{target}.log",
    benchmark:
        "benchmarks/tables/build_table5/{target}.tsv"
    conda:
        "../envs/pipeline.yaml"
    threads: 1
    resources:
        mem_mb=2000,
    params:
        config=lambda wildcards: table_config(wildcards.target),
        code=source_digest("pipelines.tables.build_table5"),
    shell:
        "python -m pipelines.tables.build_table5"
        " --config {params.config:q}"
        " --overlap {input.overlap}"
        " --out {output.table}"
        " --runs {output.runs}"
        " --markdown {output.markdown}"
        " > {log} 2>&1"


def sweep_trials(sweep):
    """Every trial with its runs on validation videos."""
    if sweep not in SETTINGS.trials:
        raise WorkflowError(
            f"sweeps: no sweep {sweep!r}; choices: {', '.join(SETTINGS.trials) or 'none defined'}"
        )
    return [
        {
            "method": trial.method,
            "trial": trial.target,
            "overrides": canonical(trial.overrides),
            "runs": table_runs(trial.target, "validation"),
        }
        for trial in SETTINGS.trials[sweep]
    ]


rule build_sweep:
    input:
        lambda wildcards: [
            run["predictions"]
            for trial in sweep_trials(wildcards.sweep)
            for run in trial["runs"]
        ],
    output:
        table="results/{sweep}_sweep.csv",
    log:
        "logs/tables/build_sweep/{sweep}.log",
    benchmark:
        "benchmarks/tables/build_sweep/{sweep}.tsv"
    conda:
        "../envs/pipeline.yaml"
    threads: 1
    resources:
        mem_mb=2000,
    params:
        config=lambda wildcards: canonical({"trials": sweep_trials(wildcards.sweep)}),
        code=source_digest("pipelines.tables.build_sweep"),
    shell:
        "python -m pipelines.tables.build_sweep"
        " --config {params.config:q}"
        " --out {output.table}"
        " > {log} 2>&1"
