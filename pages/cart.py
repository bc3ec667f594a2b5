"""The basket: what completes it, what replaces what is in it, and what a transformer adds to counting."""

from course_lib.ui import lesson

page = lesson.open_lesson("cart")

lesson.why(page)
lesson.try_it(page)
lesson.predict(page)
lesson.train(page)
lesson.look(page)
lesson.idea(page)
lesson.check(page)
lesson.so_what(page)
