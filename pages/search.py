"""Search: words, meaning and their sum; an encoder that learns from clicks; and what clicks do not say."""

from course_lib.ui import lesson

page = lesson.open_lesson("search")

lesson.why(page)
lesson.try_it(page)
lesson.predict(page)
lesson.train(page)
lesson.look(page)
lesson.idea(page)
lesson.check(page)
lesson.so_what(page)
