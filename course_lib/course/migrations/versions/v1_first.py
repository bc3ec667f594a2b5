"""Version 1, the first that was released: learners, what they have given in lessons, steps and preferences.

The chain begins here. Nobody comes to it from an older version, so there is nothing to do.
"""

from __future__ import annotations

revision = "1"
down_revision = None
