"""The front door: ``streamlit run app.py`` or ``python app.py`` serves the course.

The server finds ``app`` here. What it draws is course_lib/ui/front/page.py; what it adds to Streamlit's own server,
from fonts to compression, is course_lib/ui/server.py. No torch is imported here or anywhere below.
"""

from __future__ import annotations

from streamlit.starlette import App

from course_lib.ui import server, trouble
from course_lib.ui.shell import FRONT

app = App(
    FRONT,
    routes=server.routes(),
    middleware=server.middleware(),
    lifespan=server.lifespan,
    on_script_error=trouble.show,
)

if __name__ == "__main__":
    app.run()
