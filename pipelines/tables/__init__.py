"""Measured rows beside published numbers."""
