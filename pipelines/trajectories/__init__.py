"""Improved dense trajectories: tracked points with their appearance and motion histograms."""
