"""Datasets: which videos there are, their labels, groups and splits."""
