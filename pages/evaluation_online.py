"""From the log to live: what a log says of another page, when a test may be looked at, and who is content."""

from course_lib.ui import lesson

page = lesson.open_lesson("evaluation_online")

lesson.why(page)
lesson.try_it(page)
lesson.predict(page)
lesson.train(page)
lesson.look(page)
lesson.idea(page)
lesson.check(page)
lesson.so_what(page)
