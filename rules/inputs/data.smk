"""What the rules of `data` read."""


def generated_annotations(wildcards):
    """Only demos' videos are made by a rule; all others are the user's."""
    made = {"demo": "annotations.csv", "ava_demo": "action_demo.md"}
    name = made.get(SETTINGS.datasets[wildcards.dataset]["adapter"])
    return f"results/data/{wildcards.dataset}/{name}" if name else []


def part_manifests(wildcards):
    """One manifest per part of a source; two parts may be splits of one dataset."""
    return [manifest(shown_dataset(part.name)) for part in parts_in(wildcards.source)]
