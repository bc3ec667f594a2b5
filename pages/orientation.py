"""What a large model buys: a race of models, then one of them in several sizes and on several amounts of data."""

from course_lib.ui import lesson

page = lesson.open_lesson("orientation")

lesson.why(page)
lesson.try_it(page)
lesson.predict(page)
lesson.train(page)
lesson.look(page)
lesson.idea(page)
lesson.check(page)
lesson.so_what(page)
