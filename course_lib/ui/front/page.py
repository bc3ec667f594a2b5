"""The script that Streamlit runs for every page: the frame, and in it the page that the learner is on.

It has a folder of its own because Streamlit takes a ``pages`` folder beside its script for a menu of its own making,
and shows those pages without the frame until somebody has opened home.
"""

from course_lib.ui import shell

if __name__ == "__main__":  # as Streamlit runs it
    shell.frame()
