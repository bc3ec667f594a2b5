"""Metrics, intervals and the one way to evaluate every model."""
