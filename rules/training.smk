rule train_generator:
    input:
        unpack(generator_input),
    output:
        model="results/training/generator/{preset}/{labels}.{modality}.seed{seed}/model.pt",
        history="results/training/generator/{preset}/{labels}.{modality}.seed{seed}/history.parquet",
    log:
        "logs/training/train_generator/{preset}-{labels}.{modality}.seed{seed}.log",
    benchmark:
        "benchmarks/training/train_generator/{preset}-{labels}.{modality}.seed{seed}.tsv"
    priority: 10
    conda:
        "../envs/pipeline.yaml"
    threads: TRAINING_THREADS
    resources:
        mem_mb=growing(8000),
        runtime=growing(2880),
        gpu=COMPUTE["num_processes"],
    params:
        config=generator_recipe,
        split=lambda wildcards: split_of(wildcards.labels),
        stores=lambda wildcards: store_options(
            wildcards.preset, [dataset_of(wildcards.labels)], [wildcards.modality]
        ),
        initial=generator_initial_option,
        code=source_digest("pipelines.training.train_generator"),
    shell:
        "python $PIPELINE_TORCHRUN -m pipelines.training.train_generator"
        " --config {params.config:q}"
        " --manifest {input.manifest}"
        " --split {params.split}"
        " --modality {wildcards.modality}"
        " {params.initial}"
        " {params.stores}"
        " --seed {wildcards.seed}"
        " --state scratch/training"
        " --out {output.model}"
        " --history {output.history}"
        " > {log} 2>&1"


rule self_train:
    input:
        unpack(self_training_input),
    output:
        model="results/training/self_training/{preset}/{generator}/{source}/model.pt",
        history="results/training/self_training/{preset}/{generator}/{source}/history.parquet",
    log:
        "logs/training/self_train/{preset}-{generator}-{source}.log",
    benchmark:
        "benchmarks/training/self_train/{preset}-{generator}-{source}.tsv"
    priority: 10
    conda:
        "../envs/pipeline.yaml"
    threads: TRAINING_THREADS
    resources:
        mem_mb=growing(8000),
        runtime=growing(2880),
        gpu=COMPUTE["num_processes"],
    params:
        config=lambda wildcards: training_config(
            wildcards.preset, "training.self_training", "rgb", STUDENT_CLIPS
        ),
        seed=lambda wildcards: parts_of(wildcards.generator)[2],
        stores=lambda wildcards: store_options(
            wildcards.preset, datasets_of(wildcards.source), ["rgb"], STUDENT_CLIPS
        ),
        code=source_digest("pipelines.training.self_train"),
    shell:
        "python $PIPELINE_TORCHRUN -m pipelines.training.self_train"
        " --config {params.config:q}"
        " --pseudolabels {input.pseudolabels}"
        " {params.stores}"
        " --seed {params.seed}"
        " --state scratch/training"
        " --out {output.model}"
        " --history {output.history}"
        " > {log} 2>&1"


rule distill_motion:
    input:
        unpack(distillation_input),
    output:
        model="results/training/distillation/{preset}/{generator}/{source}/model.pt",
        history="results/training/distillation/{preset}/{generator}/{source}/history.parquet",
    log:
        "logs/training/distill_motion/{preset}-{generator}-{source}.log",
    benchmark:
        "benchmarks/training/distill_motion/{preset}-{generator}-{source}.tsv"
    priority: 10
    conda:
        "../envs/pipeline.yaml"
    threads: TRAINING_THREADS
    resources:
        mem_mb=growing(8000),
        runtime=growing(2880),
        gpu=COMPUTE["num_processes"],
    params:
        config=lambda wildcards: training_config(wildcards.preset, "training.distillation", "rgb"),
        seed=lambda wildcards: parts_of(wildcards.generator)[2],
        stores=lambda wildcards: store_options(
            wildcards.preset, datasets_of(wildcards.source), ["rgb", "flow"]
        ),
        code=source_digest("pipelines.training.distill_motion"),
    shell:
        "python $PIPELINE_TORCHRUN -m pipelines.training.distill_motion"
        " --config {params.config:q}"
        " --source {input.source}"
        " --teacher {input.teacher}"
        " {params.stores}"
        " --seed {params.seed}"
        " --state scratch/training"
        " --out {output.model}"
        " --history {output.history}"
        " > {log} 2>&1"


rule train_supervised:
    input:
        unpack(supervised_input),
    output:
        model="results/training/supervised/{preset}/{source}/seed{seed}/model.pt",
        history="results/training/supervised/{preset}/{source}/seed{seed}/history.parquet",
    log:
        "logs/training/train_supervised/{preset}-{source}-seed{seed}.log",
    benchmark:
        "benchmarks/training/train_supervised/{preset}-{source}-seed{seed}.tsv"
    priority: 10
    conda:
        "../envs/pipeline.yaml"
    threads: TRAINING_THREADS
    resources:
        mem_mb=growing(8000),
        runtime=growing(2880),
        gpu=COMPUTE["num_processes"],
    params:
        config=lambda wildcards: training_config(wildcards.preset, "training.supervised", "rgb"),
        stores=lambda wildcards: store_options(
            wildcards.preset, datasets_of(wildcards.source), ["rgb"]
        ),
        code=source_digest("pipelines.training.train_supervised"),
    shell:
        "python $PIPELINE_TORCHRUN -m pipelines.training.train_supervised"
        " --config {params.config:q}"
        " --source {input.source}"
        " {params.stores}"
        " --seed {wildcards.seed}"
        " --state scratch/training"
        " --out {output.model}"
        " --history {output.history}"
        " > {log} 2>&1"
