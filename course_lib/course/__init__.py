"""Lessons, questions, grading, learners and progress; the only room that knows the database."""
