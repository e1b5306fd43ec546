"""From a trained generator to pseudo-labels: features, temporal units, K-means, labels."""
