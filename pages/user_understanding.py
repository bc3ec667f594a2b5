"""User understanding: a transformer that reads purchases in order, trained in front of the learner."""

from course_lib.ui import lesson

lab = lesson.open_lesson("user_understanding")

lesson.prose(lab, "why")
lesson.prose(lab, "idea")

lesson.prose(lab, "predict")
ready = lesson.predict(lab)

lesson.prose(lab, "train")
lesson.train(lab, ready)

lesson.prose(lab, "look")
lesson.look(lab)

lesson.prose(lab, "check")
lesson.check(lab)

lesson.prose(lab, "so-what")
lesson.close(lab)
