rule pretrain:
    input:
        unpack(pretraining_input),
    output:
        model="results/pretraining/{preset}/{recipe}/{source}/seed{seed}/model.pt",
        history="results/pretraining/{preset}/{recipe}/{source}/seed{seed}/history.parquet",
    log:
        "logs/pretraining/pretrain/{preset}-{recipe}-{source}-seed{seed}.log",
    benchmark:
        "benchmarks/pretraining/pretrain/{preset}-{recipe}-{source}-seed{seed}.tsv"
    priority: 10
    conda:
        "../envs/pipeline.yaml"
    threads: TRAINING_THREADS
    resources:
        mem_mb=growing(8000),
        runtime=growing(2880),
        gpu=COMPUTE["num_processes"],
    params:
        module=pretraining_module,
        config=pretraining_config,
        inputs=pretraining_options,
        code=lambda wildcards: source_digest(pretraining_module(wildcards)),
    shell:
        "python $PIPELINE_TORCHRUN -m {params.module}"
        " --config {params.config:q}"
        " --source {input.source}"
        " {params.inputs}"
        " --seed {wildcards.seed}"
        " --state scratch/pretraining"
        " --out {output.model}"
        " --history {output.history}"
        " > {log} 2>&1"


rule import_weights:
    output:
        model="results/pretraining/weights/{preset}/{weights}.pt",
    log:
        "logs/pretraining/import_weights/{preset}-{weights}.log",
    benchmark:
        "benchmarks/pretraining/import_weights/{preset}-{weights}.tsv"
    conda:
        "../envs/pipeline.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        config=weights_config,
        path=weights_path,
        file=lambda wildcards: file_digest(weights_path(wildcards)),
        code=source_digest("pipelines.pretraining.import_weights"),
    shell:
        "python -m pipelines.pretraining.import_weights"
        " --config {params.config:q}"
        " --weights {params.path:q}"
        " --out {output.model}"
        " > {log} 2>&1"
