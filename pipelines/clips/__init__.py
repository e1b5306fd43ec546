"""Clips for training and testing, read from frame and flow shards."""
