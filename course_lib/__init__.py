"""LiveRec: small recommenders trained live, and the course around them.

The rooms of this house, from the ground up (a room may use only rooms below it; tests/test_floor_plan.py):
text, settings, errors -> data, shop -> models, evaluation -> training, explain -> runs -> course -> figures -> ui.
"""

__version__ = "0.1.0"
