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
