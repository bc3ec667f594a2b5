"""Speed and size of the course, measured on this machine: ``make bench``. See README.md beside this file."""
