"""`koe announce` and `koe rooms`, against a Home Assistant that runs beside the command."""

import asyncio
import json
import threading
from collections.abc import Iterator

import pytest

from tests.cli.conftest import Run, Start
from tests.cli.test_serve import LOCAL, welcome
from tests.support.home_assistant import TOKEN, FakeHomeAssistant, home_assistant


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHomeAssistant]:
    """In a thread of its own, for the command runs an event loop itself."""
    loop, found = asyncio.new_event_loop(), threading.Event()
    fakes: list[FakeHomeAssistant] = []
    stopping = asyncio.Event()

    async def run() -> None:
        async with home_assistant() as it:
            fakes.append(it)
            found.set()
            await stopping.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(run()))
    thread.start()
    found.wait()
    monkeypatch.setenv("KOE_HOME_ASSISTANT_URL", fakes[0].url)
    monkeypatch.setenv("KOE_HOME_ASSISTANT_TOKEN", TOKEN)
    monkeypatch.setenv("KOE_ANNOUNCE_SATELLITES", "false")
    yield fakes[0]
    loop.call_soon_threadsafe(stopping.set)
    thread.join()
    loop.close()


def test_rooms_are_listed(koe: Run, fake: FakeHomeAssistant) -> None:
    listed = koe("rooms")
    assert listed.exit_code == 0
    assert "Kitchen" in listed.output and "home assistant" in listed.output
    assert json.loads(koe("rooms", "--json").stdout)["rooms"][0]["id"] == "assist_satellite.kitchen"


def test_an_announcement_is_made(koe: Run, fake: FakeHomeAssistant) -> None:
    ran = koe("announce", "Dinner is ready.", "--room", "kitchen", "-r", "bath")
    assert (ran.exit_code, ran.stdout) == (0, "Announced: Kitchen\nAnnounced: Bath\n")
    assert [each["entity_id"] for each in fake.announced] == ["assist_satellite.kitchen", "assist_satellite.bath"]


def test_one_room_that_failed_makes_the_command_fail(koe: Run, fake: FakeHomeAssistant) -> None:
    fake.failing.add("assist_satellite.hall")
    ran = koe("announce", "Dinner is ready.", "--everywhere")
    assert ran.exit_code == 1
    assert "Announced: Kitchen" in ran.stdout and "Hall: " in ran.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ((), 2, "say where"),
        (("--everywhere", "--room", "kitchen"), 2, "say where"),
        (("--room", "kitchen", "--style", "calm"), 2, "name it with --voice"),
        (("--room", "attic"), 1, "there is no room 'attic'"),
        (("--room", "kitchen", "--voice", "nobody"), 1, "nobody"),
        (("--room", "kitchen", "--server", "nonsense"), 2, "is no address"),
    ],
)
def test_what_is_wrong_is_said(
    arguments: tuple[str, ...], code: int, words: str, koe: Run, fake: FakeHomeAssistant
) -> None:
    ran = koe("announce", "Dinner is ready.", *arguments)
    assert ran.exit_code == code
    assert words in " ".join(ran.stderr.replace("│", " ").split())
    assert not fake.announced


def test_a_running_server_does_it_where_it_is_named(
    koe: Run, start_koe: Start, fake: FakeHomeAssistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = welcome(start_koe("serve", *LOCAL))
    url = next(line.split()[1] for line in lines if line.startswith("HTTP"))
    # The server alone knows of it.
    monkeypatch.delenv("KOE_HOME_ASSISTANT_URL")
    monkeypatch.delenv("KOE_HOME_ASSISTANT_TOKEN")
    assert "Kitchen" in koe("rooms", "--server", url).stdout
    ran = koe("announce", "Dinner is ready.", "--room", "kitchen", "--server", url)
    assert (ran.exit_code, ran.stdout) == (0, "Announced: Kitchen\n")
    assert fake.announced == [{"entity_id": "assist_satellite.kitchen", "message": "Dinner is ready."}]
    refused = koe("announce", "Dinner is ready.", "--room", "attic", "--server", url)
    assert refused.exit_code == 1 and "no room 'attic'" in refused.stderr


def test_the_doctor_tells_whether_it_goes_through_home_assistant(
    koe: Run, fake: FakeHomeAssistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KOE_DISCOVERY_ENABLED", "false")
    assert "Home Assistant: it announces in Kitchen, Hall, Bath" in koe("doctor").stdout
    fake.rooms = "[]"
    assert "Home Assistant: it answers, and has no device" in koe("doctor").stdout
    monkeypatch.setenv("KOE_HOME_ASSISTANT_TOKEN", "of earlier days")
    assert "warning  Home Assistant: " in (told := koe("doctor").stdout) and "doesn't take the token" in told


def test_the_token_is_shown_to_nobody(koe: Run, fake: FakeHomeAssistant) -> None:
    for arguments in (["config"], ["config", "--json"]):
        shown = koe(*arguments).output
        assert fake.url in shown and TOKEN not in shown


def test_where_nothing_can_be_announced_the_remedy_is_told(koe: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KOE_ANNOUNCE_SATELLITES", "false")
    ran = koe("rooms")
    assert "home_assistant.url" in ran.stderr and "No room was found" in ran.stderr
