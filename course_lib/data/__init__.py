"""One schema for every dataset; where the datasets come from, how they are split, and what is known about each.

Begin with ``columns.py``, the schema, and ``registry.py``, which loads a dataset by name. ``splits.py`` holds back what
a model is tested on. ``intake`` reads, checks and stores outside files.
"""
