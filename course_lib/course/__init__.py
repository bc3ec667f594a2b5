"""Lessons, questions, grading, learners and progress; the only room that knows the database.

``lessons.py`` finds the folders in lessons/ and reads them, ``markdown.py`` and ``quiz.py`` read their texts, and
``check.py`` says what is wrong with them. ``store.py`` keeps what a learner has done, ``progress.py`` says how far they
have come.
"""
