"""Batches, loss and loop: events come out, no screen inside.

Begin with ``loop.py``, the training loop that every trained model goes through. ``settings.py`` has its settings,
without torch; ``references.py`` the lines that a run is drawn against.
"""
