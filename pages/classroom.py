"""Class: a learner joins one by its code, and sees where it is, what it has found out, and what it answered."""

from __future__ import annotations

from course_lib.ui import class_page

class_page.page()
