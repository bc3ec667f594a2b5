"""The instructor's page: what a class is doing, and what its instructor can do about it. pages/teach.py draws it."""
