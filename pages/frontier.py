"""Where it is going: real time, channels, transfer to a new department, and how far personal goes, each measured."""

from course_lib.ui import lesson

page = lesson.open_lesson("frontier")

lesson.why(page)
lesson.try_it(page)
lesson.predict(page)
lesson.train(page)
lesson.look(page)
lesson.idea(page)
lesson.check(page)
lesson.so_what(page)
