"""User understanding: a transformer that reads purchases in order, trained in front of the learner."""

from course_lib.ui import lesson

page = lesson.open_lesson("user_understanding")

lesson.why(page)
lesson.try_it(page)
lesson.predict(page)
lesson.train(page)
lesson.look(page)
lesson.idea(page)
lesson.check(page)
lesson.so_what(page)
