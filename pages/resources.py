"""Sources and glossary: search, review, terms, papers, corrections, questions and answers, licences."""

from course_lib.ui import lesson, shell
from course_lib.ui import resources_parts as parts

page = lesson.open_lesson("resources")

lesson.why(page)
lesson.try_it(page)
with shell.boundary():
    parts.search()
lesson.predict(page)
with shell.boundary():
    parts.review()
lesson.train(page)
with shell.boundary():
    parts.glossary()
lesson.look(page)
with shell.boundary():
    parts.sources()
lesson.idea(page)
lesson.check(page)
with shell.boundary():
    parts.answers()
lesson.so_what(page)
with shell.boundary():
    parts.licences()
