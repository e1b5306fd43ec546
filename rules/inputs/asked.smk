"""What is asked for on the command line, which Snakemake's own errors tell no choices of."""

from snakemake.cli import get_argument_parser
from snakemake.io import strip_wildcard_constraints


def asked_files():
    """Targets of the command line that are no rules, as Snakemake looks them up."""
    options, _ = get_argument_parser().parse_known_args(sys.argv[1:])
    known = {each.name for each in workflow.rules}
    return [os.path.normpath(path) for path in options.targets or () if path not in known]


def check_asked_files():
    """Stop before the DAG is built where no rule makes what is asked for."""
    for path in asked_files():
        if Path(path).is_file() or any(each.is_producer(path) for each in workflow.rules):
            continue
        patterns = {
            strip_wildcard_constraints(output) for each in workflow.rules for output in each.output
        }
        targets = [name for name in SETTINGS.targets if "-" not in name]
        names = {"table": list(TABLES), "page": PAGES, "role": ["test", "validation"]}
        stop(explain(path, patterns, names, targets))


# The jobs' own processes are asked for what the first one has planned.
if workflow.is_main_process:
    check_asked_files()
