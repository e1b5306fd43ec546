# One label each: of several, Snakemake's report makes switches, and fails where a choice is missing.
rule draw_motion:
    input:
        people_file,
        videos=shown_shard,
    output:
        sheet=report(
            "results/figures/motion/{preset}/{dataset}/{video}.png",
            caption="../workflow/report/motion.rst",
            category="Motion of a video",
            labels={"figure": "{dataset}/{video}, preset {preset}"},
        ),
    log:
        "logs/figures/draw_motion/{preset}/{dataset}/{video}.log",
    benchmark:
        "benchmarks/figures/draw_motion/{preset}/{dataset}/{video}.tsv"
    conda:
        "../envs/pipeline.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        config=lambda wildcards: section(
            wildcards.preset,
            "figures.motion",
            "frames.target_fps",
            "frames.max_frames",
            "motion.flow.source",
            "motion.flow.tvl1",
            "motion.raft",
            "motion.edges",
            "trajectories.max_height_px",
            "trajectories.people",
            "trajectories.tracks",
            frame_size=SETTINGS.presets[wildcards.preset]["frames"]["size"],
        ),
        root=lambda wildcards: SETTINGS.datasets[wildcards.dataset]["root"],
        weights=shown_weights,
        code=source_digest("pipelines.figures.draw_motion"),
    shell:
        "python -m pipelines.figures.draw_motion"
        " --config {params.config:q}"
        " --root {params.root:q}"
        " --videos {input.videos}"
        " --video-id {wildcards.dataset}/{wildcards.video:q}"
        " --out {output.sheet:q}"
        " > {log:q} 2>&1"


rule draw_training:
    input:
        history="results/{run}/history.parquet",
    output:
        png=report(
            "results/figures/training/{run}.png",
            caption="../workflow/report/training.rst",
            category="Training curves",
            labels={"figure": "{run}"},
        ),
        svg="results/figures/training/{run}.svg",
    log:
        "logs/figures/draw_training/{run}.log",
    benchmark:
        "benchmarks/figures/draw_training/{run}.tsv"
    conda:
        "../envs/pipeline.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        code=source_digest("pipelines.figures.draw_training"),
    shell:
        "python -m pipelines.figures.draw_training"
        " --history {input.history}"
        " --title {wildcards.run:q}"
        " --png {output.png}"
        " --svg {output.svg}"
        " > {log} 2>&1"


rule draw_classes:
    input:
        predictions=row_predictions,
    output:
        png=report(
            "results/figures/classes/{target}/{row}.png",
            caption="../workflow/report/classes.rst",
            category="Accuracy per class",
            labels={"figure": "{target}: {row}"},
        ),
        svg="results/figures/classes/{target}/{row}.svg",
    log:
        "logs/figures/draw_classes/{target}/{row}.log",
    benchmark:
        "benchmarks/figures/draw_classes/{target}/{row}.tsv"
    conda:
        "../envs/pipeline.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        predictions=lambda wildcards: listed(row_predictions(wildcards)),
        code=source_digest("pipelines.figures.draw_classes"),
    shell:
        "python -m pipelines.figures.draw_classes"
        " --predictions-list {params.predictions}"
        " --title '{wildcards.target}, {wildcards.row}'"
        " --png {output.png}"
        " --svg {output.svg}"
        " > {log} 2>&1"


rule draw_clusters:
    input:
        unpack(shown_source),
        model=shown_model,
    output:
        png=report(
            "results/figures/clusters/{preset}/{recipe}/{source}/seed{seed}/k{num_clusters}.png",
            caption="../workflow/report/clusters.rst",
            category="Clusters",
            labels={"figure": "{recipe} on {source}, seed {seed}, {num_clusters} clusters"},
        ),
        svg="results/figures/clusters/{preset}/{recipe}/{source}/seed{seed}/k{num_clusters}.svg",
    log:
        "logs/figures/draw_clusters/{preset}-{recipe}-{source}-seed{seed}-k{num_clusters}.log",
    benchmark:
        "benchmarks/figures/draw_clusters/{preset}-{recipe}-{source}-seed{seed}-k{num_clusters}.tsv"
    conda:
        "../envs/pipeline.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        config=lambda wildcards: section(wildcards.preset, "clips"),
        stores=lambda wildcards: store_options(
            wildcards.preset, datasets_of(wildcards.source), ["rgb"]
        ),
        code=source_digest("pipelines.figures.draw_clusters"),
    shell:
        "python -m pipelines.figures.draw_clusters"
        " --config {params.config:q}"
        " --source {input.source}"
        " --model {input.model}"
        " {params.stores}"
        " --num-clusters {wildcards.num_clusters}"
        " --seed {wildcards.seed}"
        " --title '{wildcards.recipe}, pretrained on {wildcards.source}'"
        " --png {output.png}"
        " --svg {output.svg}"
        " > {log} 2>&1"


rule draw_table_curves:
    input:
        table=curves_table,
    output:
        png=report(
            "results/figures/curves/{target}/{table}.png",
            caption="../workflow/report/curves.rst",
            category="Curves",
            labels={"figure": "{target}: {table}"},
        ),
        svg="results/figures/curves/{target}/{table}.svg",
    log:
        "logs/figures/draw_table_curves/{target}-{table}.log",
    benchmark:
        "benchmarks/figures/draw_table_curves/{target}-{table}.tsv"
    conda:
        "../envs/pipeline.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        config=curves_config,
        code=source_digest("pipelines.figures.draw_table_curves"),
    shell:
        "python -m pipelines.figures.draw_table_curves"
        " --config {params.config:q}"
        " --table {input.table}"
        " --png {output.png}"
        " --svg {output.svg}"
        " > {log} 2>&1"


rule draw_attention:
    input:
        unpack(attention_input),
    output:
        png=report(
            "results/figures/attention/{target}/{protocol}/{row}-{other}.png",
            caption="../workflow/report/attention.rst",
            category="Where networks look",
            labels={"figure": "{target}, {protocol}: {row} and {other}"},
        ),
        svg="results/figures/attention/{target}/{protocol}/{row}-{other}.svg",
    log:
        "logs/figures/draw_attention/{target}-{protocol}-{row}-{other}.log",
    benchmark:
        "benchmarks/figures/draw_attention/{target}-{protocol}-{row}-{other}.tsv"
    conda:
        "../envs/pipeline.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        config=attention_config,
        stores=attention_stores,
        code=source_digest("pipelines.figures.draw_attention"),
    shell:
        "python -m pipelines.figures.draw_attention"
        " --config {params.config:q}"
        " --models {input.models}"
        " --predictions {input.predictions}"
        " {params.stores}"
        " --title '{wildcards.target}, {wildcards.protocol}: where networks see what they predict'"
        " --png {output.png}"
        " --svg {output.svg}"
        " > {log} 2>&1"


rule draw_pretext:
    input:
        unpack(pretext_source),
        model=shown_model,
    output:
        png=report(
            "results/figures/pretext/{preset}/{recipe}/{source}/seed{seed}.png",
            caption="../workflow/report/pretext.rst",
            category="Where networks look",
            labels={"figure": "{recipe} on {source}, seed {seed}, not fine-tuned"},
        ),
        svg="results/figures/pretext/{preset}/{recipe}/{source}/seed{seed}.svg",
    log:
        "logs/figures/draw_pretext/{preset}-{recipe}-{source}-seed{seed}.log",
    benchmark:
        "benchmarks/figures/draw_pretext/{preset}-{recipe}-{source}-seed{seed}.tsv"
    conda:
        "../envs/pipeline.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        config=pretext_config,
        stores=lambda wildcards: store_options(
            wildcards.preset, datasets_of(wildcards.source), ["rgb", "flow"]
        ),
        code=source_digest("pipelines.figures.draw_pretext"),
    shell:
        "python -m pipelines.figures.draw_pretext"
        " --config {params.config:q}"
        " --source {input.source}"
        " --model {input.model}"
        " {params.stores}"
        " --title '{wildcards.recipe}, pretrained on {wildcards.source}, not fine-tuned'"
        " --png {output.png}"
        " --svg {output.svg}"
        " > {log} 2>&1"


rule draw_retrieval:
    input:
        unpack(shown_retrieval),
    output:
        png=report(
            "results/figures/retrieval/{target}/{row}/{split}/seed{seed}.png",
            caption="../workflow/report/retrieval.rst",
            category="Retrieval",
            labels={"figure": "{target}: {row}, {split}, seed {seed}"},
        ),
        svg="results/figures/retrieval/{target}/{row}/{split}/seed{seed}.svg",
    log:
        "logs/figures/draw_retrieval/{target}-{row}-{split}-seed{seed}.log",
    benchmark:
        "benchmarks/figures/draw_retrieval/{target}-{row}-{split}-seed{seed}.tsv"
    conda:
        "../envs/pipeline.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        stores=lambda wildcards: store_options(
            target_preset(wildcards), [target_dataset(wildcards)], ["rgb"], JUDGED_CLIPS
        ),
        code=source_digest("pipelines.figures.draw_retrieval"),
    shell:
        "python -m pipelines.figures.draw_retrieval"
        " --retrieved {input.retrieved}"
        " {params.stores}"
        " --title '{wildcards.target}, {wildcards.row} as pretrained, {wildcards.split}'"
        " --png {output.png}"
        " --svg {output.svg}"
        " > {log} 2>&1"
