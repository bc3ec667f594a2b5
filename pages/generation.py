"""Generation: the cascade and what each stage of it loses, and models that write the list."""

from course_lib.ui import lesson

page = lesson.open_lesson("generation")

lesson.why(page)
lesson.try_it(page)
lesson.predict(page)
lesson.train(page)
lesson.look(page)
lesson.idea(page)
lesson.check(page)
lesson.so_what(page)
