"""The code, line by line: section 5's project in PyTorch, what its accuracy hides, and edits of it to compare."""

from course_lib.ui import lesson

page = lesson.open_lesson("practice")

lesson.why(page)
lesson.try_it(page)
lesson.predict(page)
lesson.train(page)
lesson.look(page)
lesson.idea(page)
lesson.check(page)
lesson.so_what(page)
