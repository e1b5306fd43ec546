"""Fine-tuning on the target's labels and testing on its held-out videos."""
