"""Teaching: an instructor's class, for whoever has given the instructor's secret; drawn by course_lib/ui/teach."""

from course_lib.ui.teach.page import page

page()
