rule build_table5:
    input:
        unpack(lambda wildcards: table_input(wildcards.target, "table5")),
    output:
        table=report(
            "results/{target}_table5.csv",
            caption="../workflow/report/table5.rst",
            category="Tables",
            labels={"table": "{target}: table5, as CSV"},
        ),
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
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        config=lambda wildcards: table_config(wildcards.target, "table5"),
        code=source_digest("pipelines.tables.build_table5"),
    shell:
        "python -m pipelines.tables.build_table5"
        " --config {params.config:q}"
        " --overlap {input.overlap}"
        " --out {output.table}"
        " --runs {output.runs}"
        " --markdown {output.markdown}"
        " > {log} 2>&1"


rule build_leaderboard:
    input:
        unpack(lambda wildcards: table_input(wildcards.target, "leaderboard")),
    output:
        table=report(
            "results/{target}_leaderboard.csv",
            caption="../workflow/report/leaderboard.rst",
            category="Tables",
            labels={"table": "{target}: leaderboard, as CSV"},
        ),
        runs="results/{target}_leaderboard_runs.parquet",
        markdown="results/{target}_leaderboard.md",
    log:
        "logs/tables/build_leaderboard/{target}.log",
    benchmark:
        "benchmarks/tables/build_leaderboard/{target}.tsv"
    conda:
        "../envs/pipeline.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        config=lambda wildcards: table_config(wildcards.target, "leaderboard"),
        code=source_digest("pipelines.tables.build_leaderboard"),
    shell:
        "python -m pipelines.tables.build_leaderboard"
        " --config {params.config:q}"
        " --overlap {input.overlap}"
        " --out {output.table}"
        " --runs {output.runs}"
        " --markdown {output.markdown}"
        " > {log} 2>&1"


rule build_table:
    input:
        unpack(data_table_input),
    output:
        table=report(
            "results/{target}_{table}.csv",
            caption="../workflow/report/table.rst",
            category="Tables",
            labels={"table": "{target}: {table}, as CSV"},
        ),
        runs="results/{target}_{table}_runs.parquet",
        markdown="results/{target}_{table}.md",
    log:
        "logs/tables/build_table/{target}-{table}.log",
    benchmark:
        "benchmarks/tables/build_table/{target}-{table}.tsv"
    conda:
        "../envs/pipeline.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        config=lambda wildcards: data_table_config(wildcards.target, wildcards.table),
        code=source_digest("pipelines.tables.build_table"),
    shell:
        "python -m pipelines.tables.build_table"
        " --config {params.config:q}"
        " --overlap {input.overlap}"
        " --out {output.table}"
        " --runs {output.runs}"
        " --markdown {output.markdown}"
        " > {log} 2>&1"


rule build_summary:
    input:
        table5="results/{target}_table5.csv",
        leaderboard="results/{target}_leaderboard.csv",
    output:
        page=report(
            "results/{target}_summary.md",
            caption="../workflow/report/summary.rst",
            category="Tables",
            labels={"table": "{target}: summary, as Markdown"},
        ),
    log:
        "logs/tables/build_summary/{target}.log",
    benchmark:
        "benchmarks/tables/build_summary/{target}.tsv"
    conda:
        "../envs/pipeline.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        code=source_digest("pipelines.tables.build_summary"),
    shell:
        "python -m pipelines.tables.build_summary"
        " --target {wildcards.target}"
        " --table5 {input.table5}"
        " --leaderboard {input.leaderboard}"
        " --out {output.page}"
        " > {log} 2>&1"


rule render_page:
    input:
        page="results/{target}_{page}.md",
    output:
        html=report(
            "results/{target}_{page}.html",
            caption="../workflow/report/page.rst",
            category="Tables",
            labels={"table": "{target}: {page}"},
        ),
    log:
        "logs/tables/render_page/{target}-{page}.log",
    benchmark:
        "benchmarks/tables/render_page/{target}-{page}.tsv"
    conda:
        "../envs/pipeline.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        code=source_digest("pipelines.tables.render_page"),
    shell:
        "python -m pipelines.tables.render_page"
        " --markdown {input.page}"
        " --out {output.html}"
        " > {log} 2>&1"


rule build_sweep:
    input:
        lambda wildcards: [
            run["predictions"] for trial in sweep_trials(wildcards.sweep) for run in trial["runs"]
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
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        config=lambda wildcards: canonical({"trials": sweep_trials(wildcards.sweep)}),
        code=source_digest("pipelines.tables.build_sweep"),
    shell:
        "python -m pipelines.tables.build_sweep"
        " --config {params.config:q}"
        " --out {output.table}"
        " > {log} 2>&1"


rule build_plan:
    input:
        manifests=plan_manifests,
    output:
        plan="results/{target}_plan.csv",
    log:
        "logs/tables/build_plan/{target}.log",
    benchmark:
        "benchmarks/tables/build_plan/{target}.tsv"
    conda:
        "../envs/pipeline.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        config=plan_config,
        code=source_digest("pipelines.tables.build_plan"),
    shell:
        "python -m pipelines.tables.build_plan"
        " --config {params.config:q}"
        " --manifests {input.manifests}"
        " --out {output.plan}"
        " > {log} 2>&1"
