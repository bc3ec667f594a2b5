"""Batches, loss and loop: events come out, no screen inside."""
