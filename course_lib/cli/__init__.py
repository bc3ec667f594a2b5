"""The command line, ``python -m course_lib``. One file a command (or a group of them), found by walking this folder."""
