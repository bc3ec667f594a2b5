"""The process that reads an upload: what it leaves, what stops or kills it, and who comes next."""

from __future__ import annotations

import io
import os
import signal
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import streamlit

from course_lib.data import registry
from course_lib.data.intake import store, upload
from course_lib.data.intake.limits import UPLOAD_BYTES, UPLOAD_MEMORY
from course_lib.data.intake.upload import Asked
from course_lib.errors import CourseError
from course_lib.settings import PROJECT, load_settings
from course_lib.ui import uploads as module
from course_lib.ui.uploads import Upload, Uploads

PATIENCE_S = 60.0
ROWS = [f"u{user},i{(user + n) % 5},2024-01-{n + 1:02d} 10:00" for user in range(6) for n in range(4)]
SHOP = ("user_id,item_id,timestamp\n" + "\n".join(ROWS) + "\n").encode()


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("LIVEREC_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def make(home: Path) -> Iterator[Callable[..., Uploads]]:
    """Uploads that end with the test; ``program`` stands in for the reader."""
    made = []

    def uploads(program: str = "") -> Uploads:
        command = (sys.executable, "-c", textwrap.dedent(program)) if program else module.READER
        made.append(Uploads(load_settings(), command))
        return made[-1]

    yield uploads
    for one in made:
        one.close()


def wait(
    uploads: Uploads, owner: str = "anna", until: Callable[[Upload], bool] = lambda found: not found.live
) -> Upload:
    end = time.monotonic() + PATIENCE_S
    while not until(found := uploads.view(owner)):
        assert time.monotonic() < end, found
        time.sleep(0.01)
    return found


def pid(uploads: Uploads) -> int:
    assert uploads._job is not None
    return uploads._job.child.pid


# It tells a share and then goes on for ever.
ENDLESS = """
    import json, time
    print(json.dumps({"share": 0.5}), flush=True)
    time.sleep(600)
"""


def test_a_file_becomes_the_learners_own(make: Callable[..., Uploads], home: Path) -> None:
    uploads = make()
    assert uploads.view("anna") == Upload()
    uploads.receive("anna", "../shop 1.csv", io.BytesIO(SHOP), "Asia/Shanghai")
    found = wait(uploads)
    assert found.state == "ready"
    assert (found.file, found.bytes) == ("shop 1.csv", len(SHOP))
    assert found.seen is not None
    assert found.seen.guesses == {"user": "user_id", "item": "item_id", "time": "timestamp"}
    assert found.seen.rows[0] == {"user_id": "u0", "item_id": "i0", "timestamp": "2024-01-01 10:00"}
    assert found.card is not None
    assert found.card.told().rows_kept == 24
    assert not set(registry.sources("anna")) - set(registry.sources())  # nobody has accepted it
    card = uploads.accept("anna", "cups", "€")
    assert (card.name, card.owner, card.currency) == ("cups", "anna", "€")
    assert card.roles["zone"] == "Asia/Shanghai"
    assert card.key in registry.sources("anna")
    assert card.key not in registry.sources("bert")
    assert registry.load(registry.resolve(card.key)).num_users == 6
    assert registry.currency(card.key) == "€"
    assert uploads.view("anna") == Upload()
    assert list((home / "uploads").iterdir()) == []


def test_another_server_finds_what_was_read(make: Callable[..., Uploads]) -> None:
    first = make()
    first.receive("anna", "shop.csv", io.BytesIO(SHOP))
    wait(first)
    first.close()
    assert make().accept("anna", "cups").counts["events"] == 24


def test_other_choices_are_read_again(make: Callable[..., Uploads]) -> None:
    uploads = make()
    uploads.receive("anna", "shop.csv", io.BytesIO(SHOP.replace(b"item_id", b"where").replace(b"user_id", b"what")))
    found = wait(uploads)
    assert found.error is not None
    assert found.error.key == "intake_unsure_user"
    number = found.asked.number
    wrong = Asked({"user": "what", "item": "where", "time": "where"})
    uploads.again("anna", wrong)
    found = wait(uploads)
    assert found.error is not None
    assert found.error.key == "intake_column_twice"
    uploads.again("anna", replace(wrong, columns={"user": "where", "item": "timestamp", "time": "what"}))
    found = wait(uploads)
    assert found.error is not None
    assert (found.error.key, found.error.params["column"]) == ("intake_not_times", "what")
    uploads.again("anna", Asked({"user": "what", "item": "where", "time": "timestamp"}, minimum=4))
    found = wait(uploads)
    assert found.state == "ready"
    assert found.asked.number == number
    assert uploads.accept("anna", "cups").roles["columns"]["user"] == "what"


def test_a_stopped_reading_can_be_taken_up_again(make: Callable[..., Uploads]) -> None:
    uploads = make(ENDLESS)
    uploads.receive("anna", "shop.csv", io.BytesIO(SHOP))
    found = wait(uploads, until=lambda found: found.share > 0)
    assert found.state == "reading"
    assert found.left_s is not None
    worker = pid(uploads)
    uploads.stop("anna")
    found = uploads.view("anna")
    assert (found.state, found.error and found.error.key) == ("failed", "upload_stopped")
    with pytest.raises(ProcessLookupError):
        os.kill(worker, 0)
    uploads._command = module.READER
    uploads.again("anna", found.asked)
    assert wait(uploads).state == "ready"


def test_a_killed_reader_costs_one_upload(make: Callable[..., Uploads]) -> None:
    uploads = make(ENDLESS)
    uploads.receive("anna", "shop.csv", io.BytesIO(SHOP))
    wait(uploads, until=lambda found: found.share > 0)
    os.kill(pid(uploads), signal.SIGKILL)
    found = wait(uploads)
    assert found.error is not None
    assert found.error.key in (
        "upload_died",
        "upload_memory",
    )  # the second where the machine has killed another just now
    uploads._command = module.READER
    uploads.receive("bert", "shop.csv", io.BytesIO(SHOP))
    assert wait(uploads, "bert").state == "ready"


@pytest.mark.parametrize(
    "program",
    ["raise SystemExit(3)", "import os; os.abort()", "print('no JSON')", "import sys; sys.stdout.write('{')"],
)
def test_a_crash_is_a_sentence(make: Callable[..., Uploads], program: str) -> None:
    uploads = make(program)
    uploads.receive("anna", "shop.csv", io.BytesIO(SHOP))
    found = wait(uploads)
    assert found.error is not None
    assert found.error.key == "upload_died"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux holds a process to its memory")
def test_a_reader_takes_no_more_memory_than_it_may(make: Callable[..., Uploads]) -> None:
    uploads = make("""
        import sys
        import numpy as np
        from course_lib.data.intake import reader

        def greedy(*args, **more):
            return [np.ones(2**24) for _ in range(40)]  # 5 GiB

        reader.look = greedy
        from pathlib import Path
        sys.exit(reader.main(Path(sys.argv[1])))
    """)
    uploads.receive("anna", "shop.csv", io.BytesIO(SHOP))
    found = wait(uploads)
    assert found.error is not None
    assert found.error.key == "upload_memory"
    assert f"{UPLOAD_MEMORY // 2**20:,}" in found.error.text("zh")


def test_one_is_read_at_a_time_and_the_others_see_their_place(make: Callable[..., Uploads]) -> None:
    uploads = make(ENDLESS)
    for owner in ("anna", "bert", "cleo"):
        uploads.receive(owner, "shop.csv", io.BytesIO(SHOP))
    assert [(uploads.view(owner).state, uploads.view(owner).place) for owner in ("anna", "bert", "cleo")] == [
        ("reading", 0),
        ("queued", 1),
        ("queued", 2),
    ]
    uploads.stop("bert")
    assert uploads.view("cleo").place == 1
    uploads.stop("anna")
    assert wait(uploads, "cleo", lambda found: found.state == "reading").place == 0
    uploads.discard("cleo")
    assert uploads.view("cleo") == Upload()


def test_a_restart_leaves_the_file_and_says_so(make: Callable[..., Uploads]) -> None:
    first = make(ENDLESS)
    first.receive("anna", "shop.csv", io.BytesIO(SHOP))
    wait(first, until=lambda found: found.share > 0)
    os.kill(pid(first), signal.SIGSTOP)  # so that this server does not see it end
    second = make()
    found = second.view("anna")
    assert (found.state, found.error and found.error.key) == ("failed", "upload_interrupted")
    second.again("anna", found.asked)
    assert wait(second).state == "ready"


def test_what_nobody_accepts_is_deleted_after_a_day(
    make: Callable[..., Uploads], monkeypatch: pytest.MonkeyPatch
) -> None:
    uploads = make()
    uploads.receive("anna", "shop.csv", io.BytesIO(SHOP))
    wait(uploads)
    folder = uploads.folder("anna")
    left = folder.with_name(".bert-0123")
    left.mkdir()
    now = time.time() - module.KEPT_S - 60
    for path in (folder / upload.ASKED, left):
        os.utime(path, (now, now))
    uploads.receive("cleo", "shop.csv", io.BytesIO(SHOP))
    assert not folder.exists()
    assert not left.exists()
    assert uploads.view("cleo").state != "none"


def test_a_file_that_is_too_large_is_refused(make: Callable[..., Uploads], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "UPLOAD_BYTES", len(SHOP) - 1)
    uploads = make()
    with pytest.raises(CourseError) as caught:
        uploads.receive("anna", "shop.csv", io.BytesIO(SHOP))
    assert caught.value.key == "upload_large"
    assert uploads.view("anna") == Upload()
    assert list(uploads.root.iterdir()) == []


@pytest.mark.parametrize("owner", ["", "..", "a/b"])
def test_an_owner_is_a_plain_word(make: Callable[..., Uploads], owner: str) -> None:
    with pytest.raises(CourseError) as caught:
        make().receive(owner, "shop.csv", io.BytesIO(SHOP))
    assert caught.value.key == "intake_owner"


def test_a_taken_name_keeps_the_upload(make: Callable[..., Uploads]) -> None:
    uploads = make()
    for _ in range(2):
        uploads.receive("anna", "shop.csv", io.BytesIO(SHOP))
        wait(uploads)
        if not list(store.added("anna")):
            uploads.accept("anna", "cups")
    with pytest.raises(CourseError) as caught:
        uploads.accept("anna", "cups")
    assert caught.value.key == "intake_name_taken"
    uploads.accept("anna", "mugs")
    assert [card.name for card in store.added("anna")] == ["cups", "mugs"]
    with pytest.raises(CourseError) as caught:
        uploads.accept("anna", "more")
    assert caught.value.key == "upload_gone"


def test_the_server_takes_as_much_as_the_intake() -> None:
    streamlit.config.get_config_options(force_reparse=True)
    assert (PROJECT / ".streamlit" / "config.toml").is_file()
    assert streamlit.get_option("server.maxUploadSize") * 2**20 == UPLOAD_BYTES
