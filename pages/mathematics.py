"""The numbers in the equations: the printed layers as a circle, a training step in slow motion, the basketball case."""

from course_lib.ui import lesson

page = lesson.open_lesson("mathematics")

lesson.why(page)
lesson.try_it(page)
lesson.predict(page)
lesson.train(page)
lesson.look(page)
lesson.idea(page)
lesson.check(page)
lesson.so_what(page)
