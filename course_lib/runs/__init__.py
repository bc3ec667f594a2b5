"""Runs: folders that hold a training from its configuration to its result, and what starts, watches and stops them."""
