"""Marketing: who gets the coupon, what that earns, and what a log of chosen shoppers can say."""

from course_lib.ui import lesson

page = lesson.open_lesson("marketing")

lesson.why(page)
lesson.try_it(page)
lesson.predict(page)
lesson.train(page)
lesson.look(page)
lesson.idea(page)
lesson.check(page)
lesson.so_what(page)
