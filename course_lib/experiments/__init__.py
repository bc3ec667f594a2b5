"""What a lab can run, one file each, and what one can ask of what it made.

Begin with ``next_item.py``, the experiment that most lessons run, and ``circular.py``, one that answers at once.
``catalogue.py`` says what such a file declares and finds it by walking, ``config.py`` names a run by its hash, and
``events.py`` is what an experiment tells while it runs.
"""
