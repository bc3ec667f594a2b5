"""The command line, ``python -m course_lib``. One file a command (or a group of them), found by walking this folder.

``main.py`` finds them and gives every one ``--lang``; ``console.py`` prints for people and for programs.
"""
