def target_dataset(wildcards):
    return SETTINGS.targets[wildcards.target]["dataset"]


def target_preset(wildcards):
    return SETTINGS.targets[wildcards.target]["preset"]


def finetuning_modalities(wildcards):
    """MARS alone looks at flow while it fine-tunes: its teacher does."""
    return ["rgb", "flow"] if wildcards.method == "mars" else ["rgb"]


def finetuning_input(wildcards):
    """The target's training videos and the weights that the row starts from."""
    dataset, preset = target_dataset(wildcards), target_preset(wildcards)
    found = stores(preset, [dataset], finetuning_modalities(wildcards))
    found["manifest"] = manifest(dataset)
    if initial := finetuning_model(wildcards, "initial"):
        found["initial"] = initial
    if teacher := finetuning_model(wildcards, "teacher"):
        found["teacher"] = teacher
    return found


def finetuning_model(wildcards, part):
    """Path of the model that fine-tuning starts from or is taught by, or None."""
    split, seed = wildcards.split, wildcards.seed
    if part == "initial":
        return initial_model(wildcards.target, wildcards.method, split, seed)
    if wildcards.method != "mars":
        return None
    generator = generator_of(wildcards.target, split, seed, "flow")
    return generator_model(target_preset(wildcards), generator)


def finetuning_models(wildcards):
    """Command-line options for the models that a row needs."""
    found = {part: finetuning_model(wildcards, part) for part in ("initial", "teacher")}
    return " ".join(f"--{part} {path}" for part, path in found.items() if path)


rule finetune:
    input:
        unpack(finetuning_input),
    output:
        model="results/evaluation/{target}/{method}/{split}/seed{seed}/model.pt",
        history="results/evaluation/{target}/{method}/{split}/seed{seed}/history.parquet",
    log:
        "logs/evaluation/finetune/{target}-{method}-{split}-seed{seed}.log",
    benchmark:
        "benchmarks/evaluation/finetune/{target}-{method}-{split}-seed{seed}.tsv"
    conda:
        "../envs/pipeline.yaml"
    threads: COMPUTE["num_threads"]
    resources:
        mem_mb=8000,
        gpu=1,
    params:
        config=lambda wildcards: training_config(
            target_preset(wildcards), f"evaluation.methods.{wildcards.method}", "rgb"
        ),
        models=finetuning_models,
        stores=lambda wildcards: store_options(
            target_preset(wildcards),
            [target_dataset(wildcards)],
            finetuning_modalities(wildcards),
        ),
        code=source_digest("pipelines.evaluation.finetune"),
    shell:
        "python -m pipelines.evaluation.finetune"
        " --config {params.config:q}"
        " --manifest {input.manifest}"
        " --split {wildcards.split}"
        " {params.models}"
        " {params.stores}"
        " --seed {wildcards.seed}"
        " --state scratch/evaluation"
        " --out {output.model}"
        " --history {output.history}"
        " > {log} 2>&1"


def test_input(wildcards):
    found = stores(target_preset(wildcards), [target_dataset(wildcards)], ["rgb"])
    return found | {"manifest": manifest(target_dataset(wildcards))}


rule test_model:
    input:
        unpack(test_input),
        model="results/evaluation/{target}/{method}/{split}/seed{seed}/model.pt",
    output:
        predictions="results/evaluation/{target}/{method}/{split}/seed{seed}/{role}.parquet",
    log:
        "logs/evaluation/test_model/{target}-{method}-{split}-seed{seed}-{role}.log",
    benchmark:
        "benchmarks/evaluation/test_model/{target}-{method}-{split}-seed{seed}-{role}.tsv"
    conda:
        "../envs/pipeline.yaml"
    threads: COMPUTE["num_threads"]
    resources:
        mem_mb=8000,
        gpu=1,
    params:
        config=lambda wildcards: section(
            target_preset(wildcards), "clips", "validation", "evaluation.test"
        ),
        stores=lambda wildcards: store_options(
            target_preset(wildcards), [target_dataset(wildcards)], ["rgb"]
        ),
        code=source_digest("pipelines.evaluation.test_model"),
    shell:
        "python -m pipelines.evaluation.test_model"
        " --config {params.config:q}"
        " --manifest {input.manifest}"
        " --split {wildcards.split}"
        " --role {wildcards.role}"
        " --model {input.model}"
        " {params.stores}"
        " --seed {wildcards.seed}"
        " --out {output.predictions}"
        " > {log} 2>&1"
