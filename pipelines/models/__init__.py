"""Networks: video backbones, the classifier on top, and their weights on disk."""
