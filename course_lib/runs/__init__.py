"""Runs: folders that hold a training from its configuration to its result, and what starts, watches and stops them.

Begin with ``interface.py``, what a page may ask for, and ``execute.py``, which carries out one run. ``view.py`` is a
run as a page sees it. Nothing here imports torch; a worker process does the training.
"""
