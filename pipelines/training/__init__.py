"""Pretraining: the pseudo-label generator, self-training, distillation, supervised control."""
