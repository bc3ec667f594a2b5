"""Certificate: what a learner has finished, under a name, as page and PDF; and the check of anybody's by its code."""

from course_lib.ui import certificate_page

certificate_page.page()
