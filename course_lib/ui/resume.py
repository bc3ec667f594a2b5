"""``/resume``: a personal code (course_lib/course/resume_codes.py), typed in, makes this browser its learner.

The page says what the button does before it is pressed, and the code travels in the body of a POST: no address, no
history and no log holds it.
"""

from __future__ import annotations

import asyncio
import html
import logging

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from course_lib.course import resume_codes
from course_lib.errors import CourseError
from course_lib.text import text
from course_lib.ui import services
from course_lib.ui.identity_cookie import browser_known_as
from course_lib.ui.plain_page import address_of, become, field, own_page, page_language, plain_page

LOG = logging.getLogger(__name__)
# How an answer that is no success is told to programs; 422: read, and not a code.
STATUS = {"too_many_tries": 429, "resume_code_form": 422, "resume_code_unknown": 422}


async def ask(request: Request) -> Response:
    """``GET /resume``: a field for the code, and what the button does."""
    return _page(request)


async def resume(request: Request) -> Response:
    """``POST /resume``: this browser is the code's learner from now on, and goes home."""
    if not own_page(request):
        return _page(request, CourseError("resume_code_origin"), 403)
    given = await field(request, "code")
    if given is None:
        return _page(request, CourseError("resume_code_form", digits=resume_codes.DIGITS), 413)
    client = request.client.host if request.client else None
    try:
        learner = await asyncio.to_thread(lambda: resume_codes.whose(services.store(), given, address_of(client)))
        browser = browser_known_as(learner)
        if browser is None:
            raise CourseError("resume_code_unknown")
        return become(request, browser)
    except CourseError as error:
        if error.key not in STATUS:
            LOG.error("no browser can be resumed: %s", error)
        return _page(request, error, STATUS.get(error.key, 503))


def _page(request: Request, error: CourseError | None = None, status: int = 200) -> Response:
    language = page_language(request)
    told = f'<p role="alert">{html.escape(error.text(language))}</p>' if error is not None else ""
    parts = (
        f"{told}<p>{text('resume.ask', language)}</p><p>{text('join.kept', language)}</p>"
        f'<form method="post" action="./resume"><p><label>{text("resume.code", language)}<br>'
        '<input name="code" required autofocus autocomplete="off" inputmode="numeric" maxlength="40" size="24"></label>'
        f'</p><button type="submit">{text("join.do", language)}</button></form>'
        f'<p><a href="./">{text("join.home", language)}</a></p>'
    )
    return plain_page(request, text("resume.title", language), parts, status)


def routes() -> list[Route]:
    """The course's addresses for it."""
    return [Route("/resume", ask, methods=["GET"]), Route("/resume", resume, methods=["POST"])]
