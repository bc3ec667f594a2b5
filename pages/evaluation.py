"""Evaluation: what a score is made of, what it competes with, what was known before, and chance."""

from course_lib.ui import lesson

page = lesson.open_lesson("evaluation")

lesson.why(page)
lesson.try_it(page)
lesson.predict(page)
lesson.train(page)
lesson.look(page)
lesson.idea(page)
lesson.check(page)
lesson.so_what(page)
