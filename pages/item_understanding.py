"""Item understanding: what a product is to a model, and what helps one that nobody has bought yet."""

from course_lib.ui import lesson

page = lesson.open_lesson("item_understanding")

lesson.why(page)
lesson.try_it(page)
lesson.predict(page)
lesson.train(page)
lesson.look(page)
lesson.idea(page)
lesson.check(page)
lesson.so_what(page)
