"""Looking inside a trained model: lists, attention, maps.

``reading.py`` follows one history through a model, ``projection.py`` lays the products out on a map, and
``followed.py`` does both for the five shoppers of a run's frames.
"""
