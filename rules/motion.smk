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
        mem_mb=growing(2000),
        runtime=growing(720),
    params:
        config=flow_config,
        weights=flow_weights,
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
        mem_mb=growing(2000),
        runtime=growing(720),
    params:
        config=lambda wildcards: canonical(SETTINGS.presets[wildcards.preset]["motion"]["export"]),
        code=source_digest("pipelines.motion.export_flow"),
    shell:
        "python -m pipelines.motion.export_flow"
        " --config {params.config:q}"
        " --flow {input.flow}"
        " --out {output.images}"
        " > {log} 2>&1"


rule extract_edges:
    input:
        unpack(edges_input),
    output:
        edges="results/motion/edges/{preset}/{dataset}/shard-{shard}.h5",
        skipped="results/motion/edges/{preset}/{dataset}/skipped/shard-{shard}.parquet",
    log:
        "logs/motion/extract_edges/{preset}-{dataset}-{shard}.log",
    benchmark:
        "benchmarks/motion/extract_edges/{preset}-{dataset}-{shard}.tsv"
    conda:
        "../envs/pipeline.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(720),
    params:
        config=edges_config,
        options=edges_options,
        weights=edges_weights,
        code=source_digest("pipelines.motion.extract_edges"),
    shell:
        "python -m pipelines.motion.extract_edges"
        " --config {params.config:q}"
        " {params.options}"
        " --out {output.edges}"
        " --skipped {output.skipped}"
        " > {log} 2>&1"


rule index_edges:
    input:
        edges=lambda wildcards: edge_shards(wildcards.preset, wildcards.dataset),
        skipped=skipped_edges,
    output:
        index="results/motion/edges/{preset}/{dataset}/index.parquet",
        skipped="results/motion/edges/{preset}/{dataset}/skipped.parquet",
    log:
        "logs/motion/index_edges/{preset}-{dataset}.log",
    benchmark:
        "benchmarks/motion/index_edges/{preset}-{dataset}.tsv"
    conda:
        "../envs/pipeline.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        edges=lambda wildcards: listed(edge_shards(wildcards.preset, wildcards.dataset)),
        skipped=lambda wildcards: listed(skipped_edges(wildcards)),
        code=source_digest("pipelines.motion.index_edges"),
    shell:
        "python -m pipelines.motion.index_edges"
        " --shards-list {params.edges}"
        " --skipped-list {params.skipped}"
        " --out {output.index}"
        " --skipped {output.skipped}"
        " > {log} 2>&1"
