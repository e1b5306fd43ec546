"""Improved dense trajectories: points tracked through a video, and descriptors along them."""
