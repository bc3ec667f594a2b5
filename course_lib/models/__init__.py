"""Recommenders, one file each; a file here is a model of the course.

Begin with ``base.py``, what a model is, and ``markov.py``, the shortest that is worth training against. ``neural.py``
has what the trained ones share, ``sasrec.py`` is the one that the first lesson reads.
"""
