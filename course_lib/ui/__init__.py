"""The pages' parts: the only room, with app.py and pages/, that knows Streamlit.

Begin with ``lesson.py``, a lesson's page from top to bottom, and ``shell.py``, what every page has around it.
"""
