"""Metrics, intervals and the one way to evaluate every model.

Begin with ``protocol.py``, which asks a model for all its lists; ``metrics.py`` scores them and ``intervals.py`` says
how sure a score is.
"""
