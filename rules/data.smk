rule generate_demo:
    output:
        annotations="results/data/{dataset}/annotations.csv",
    log:
        "logs/data/generate_demo/{dataset}.log",
    benchmark:
        "benchmarks/data/generate_demo/{dataset}.tsv"
    conda:
        "../envs/pipeline.yaml"
    threads: 2
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        config=lambda wildcards: canonical(SETTINGS.datasets[wildcards.dataset]["generator"]),
        code=source_digest("pipelines.data.generate_demo"),
    shell:
        "python -m pipelines.data.generate_demo"
        " --config {params.config:q}"
        " --out results/data/{wildcards.dataset}/videos"
        " --annotations {output.annotations}"
        " --threads {threads}"
        " > {log} 2>&1"


rule generate_action_demo:
    output:
        report="results/data/{dataset}/action_demo.md",
    log:
        "logs/data/generate_action_demo/{dataset}.log",
    benchmark:
        "benchmarks/data/generate_action_demo/{dataset}.tsv"
    conda:
        "../envs/pipeline.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        config=lambda wildcards: canonical(SETTINGS.datasets[wildcards.dataset]["scenes"]),
        code=source_digest("pipelines.data.generate_action_demo"),
    shell:
        "python -m pipelines.data.generate_action_demo"
        " --config {params.config:q}"
        " --out results/data/{wildcards.dataset}/videos"
        " --report {output.report}"
        " > {log} 2>&1"


rule list_action_boxes:
    input:
        annotations=generated_annotations,
    output:
        boxes="results/data/{dataset}/action_boxes.parquet",
    log:
        "logs/data/list_action_boxes/{dataset}.log",
    benchmark:
        "benchmarks/data/list_action_boxes/{dataset}.tsv"
    conda:
        "../envs/pipeline.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        config=lambda wildcards: canonical(SETTINGS.datasets[wildcards.dataset]),
        listed=lambda wildcards: listed_boxes(wildcards.dataset),
        code=source_digest("pipelines.data.list_action_boxes"),
    shell:
        "python -m pipelines.data.list_action_boxes"
        " --config {params.config:q}"
        " --dataset {wildcards.dataset}"
        " --out {output.boxes}"
        " > {log} 2>&1"


rule probe_videos:
    input:
        annotations=shard_annotations,
    output:
        probed="results/data/{dataset}/probed/shard-{shard}.parquet",
        problems="results/data/{dataset}/problems/shard-{shard}.parquet",
    log:
        "logs/data/probe_videos/{dataset}-{shard}.log",
    benchmark:
        "benchmarks/data/probe_videos/{dataset}-{shard}.tsv"
    conda:
        "../envs/pipeline.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(720),
    params:
        config=probe_config,
        root=lambda wildcards: SETTINGS.datasets[wildcards.dataset]["root"],
        files=lambda wildcards: listing(wildcards.dataset).files[int(wildcards.shard[:4])],
        code=source_digest("pipelines.data.probe_videos"),
    shell:
        "python -m pipelines.data.probe_videos"
        " --config {params.config:q}"
        " --root {params.root:q}"
        " --files {params.files}"
        " --shard {wildcards.shard}"
        " --out {output.probed}"
        " --problems {output.problems}"
        " > {log} 2>&1"


rule build_manifest:
    input:
        annotations=generated_annotations,
        probed=lambda wildcards: probed_shards(wildcards.dataset),
        problems=lambda wildcards: problem_shards(wildcards.dataset),
    output:
        manifest="results/data/{dataset}/manifest.parquet",
        problems="results/data/{dataset}/problems.parquet",
        report="results/data/{dataset}/report.md",
    log:
        "logs/data/build_manifest/{dataset}.log",
    benchmark:
        "benchmarks/data/build_manifest/{dataset}.tsv"
    conda:
        "../envs/pipeline.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        config=lambda wildcards: canonical(SETTINGS.datasets[wildcards.dataset]),
        listed=lambda wildcards: listing(wildcards.dataset).digest,
        probed=lambda wildcards: listed(probed_shards(wildcards.dataset)),
        problems=lambda wildcards: listed(problem_shards(wildcards.dataset)),
        code=source_digest("pipelines.data.build_manifest"),
    shell:
        "python -m pipelines.data.build_manifest"
        " --config {params.config:q}"
        " --dataset {wildcards.dataset}"
        " --probed-list {params.probed}"
        " --problems-list {params.problems}"
        " --out {output.manifest}"
        " --problems {output.problems}"
        " --report {output.report}"
        " > {log} 2>&1"


rule select_split:
    input:
        probed=lambda wildcards: probed_shards(wildcards.dataset),
        problems=lambda wildcards: problem_shards(wildcards.dataset),
    output:
        manifest="results/data/{dataset}/splits/{split}.parquet",
    log:
        "logs/data/select_split/{dataset}.{split}.log",
    benchmark:
        "benchmarks/data/select_split/{dataset}.{split}.tsv"
    conda:
        "../envs/pipeline.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        videos=listed_split,
        probed=lambda wildcards: listed(probed_shards(wildcards.dataset)),
        problems=lambda wildcards: listed(problem_shards(wildcards.dataset)),
        code=source_digest("pipelines.data.select_split"),
    shell:
        "python -m pipelines.data.select_split"
        " --videos {params.videos}"
        " --split {wildcards.split}"
        " --probed-list {params.probed}"
        " --problems-list {params.problems}"
        " --out {output.manifest}"
        " > {log} 2>&1"


rule select_source:
    input:
        manifests=part_manifests,
    output:
        videos="results/data/sources/{source}.parquet",
    log:
        "logs/data/select_source/{source}.log",
    benchmark:
        "benchmarks/data/select_source/{source}.tsv"
    conda:
        "../envs/pipeline.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        config=lambda wildcards: canonical({"parts": source_parts(wildcards.source)}),
        code=source_digest("pipelines.data.select_source"),
    shell:
        "python -m pipelines.data.select_source"
        " --config {params.config:q}"
        " --manifests {input.manifests}"
        " --out {output.videos}"
        " > {log} 2>&1"


rule report_overlap:
    input:
        target=lambda wildcards: manifest(SETTINGS.targets[wildcards.target]["dataset"]),
        sources=lambda wildcards: [manifest(d) for d in source_datasets(wildcards.target)],
    output:
        overlap="results/data/overlap/{target}.parquet",
    log:
        "logs/data/report_overlap/{target}.log",
    benchmark:
        "benchmarks/data/report_overlap/{target}.tsv"
    conda:
        "../envs/pipeline.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        config=lambda wildcards: canonical(
            {
                "splits": SETTINGS.targets[wildcards.target]["splits"],
                "sources": SETTINGS.targets[wildcards.target]["source"],
                "excluded": [
                    excluded_classes(parse_entry(entry).name)
                    for entry in SETTINGS.targets[wildcards.target]["source"]
                ],
            }
        ),
        code=source_digest("pipelines.data.report_overlap"),
    shell:
        "python -m pipelines.data.report_overlap"
        " --config {params.config:q}"
        " --target {input.target}"
        " --sources {input.sources}"
        " --out {output.overlap}"
        " > {log} 2>&1"
