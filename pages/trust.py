"""Trust: what a model remembers of people, whether its reasons are true, and what it does to a shop over weeks."""

from course_lib.ui import lesson

page = lesson.open_lesson("trust")

lesson.why(page)
lesson.try_it(page)
lesson.predict(page)
lesson.train(page)
lesson.look(page)
lesson.idea(page)
lesson.check(page)
lesson.so_what(page)
