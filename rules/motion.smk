rule extract_flow:
    input:
        frames=frame_shard,
    output:
        flow="results/motion/flow/{preset}/{dataset}/shard-{shard}.h5",
    log:
        "logs/motion/extract_flow/{preset}-{dataset}-{shard}.log",
    benchmark:
        "benchmarks/motion/extract_flow/{preset}-{dataset}-{shard}.tsv"
    conda:
        "../envs/pipeline.yaml"
    threads: 1
    resources:
        mem_mb=2000,
    params:
        config=lambda wildcards: canonical(SETTINGS.presets[wildcards.preset]["motion"]["flow"]),
        code=source_digest("pipelines.motion.extract_flow"),
    shell:
        "python -m pipelines.motion.extract_flow"
        " --config {params.config:q}"
        " --frames {input.frames}"
        " --out {output.flow}"
        " > {log} 2>&1"


rule export_flow:
    input:
        flow=flow_shard,
    output:
        images="results/motion/images/{preset}/{dataset}/shard-{shard}.zip",
    log:
        "logs/motion/export_flow/{preset}-{dataset}-{shard}.log",
    benchmark:
        "benchmarks/motion/export_flow/{preset}-{dataset}-{shard}.tsv"
    conda:
        "../envs/pipeline.yaml"
    threads: 1
    resources:
        mem_mb=2000,
    params:
        config=lambda wildcards: canonical(SETTINGS.presets[wildcards.preset]["motion"]["export"]),
        code=source_digest("pipelines.motion.export_flow"),
    shell:
        "python -m pipelines.motion.export_flow"
        " --config {params.config:q}"
        " --flow {input.flow}"
        " --out {output.images}"
        " > {log} 2>&1"
