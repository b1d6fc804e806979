"""Starts Koe as a Home Assistant add-on: the options become settings, voices and productions lie where people reach
them, and the Supervisor is told of the server as soon as it listens, at every start."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

import aiohttp

WYOMING_PORT, HTTP_PORT = 10210, 8099

OPTIONS = {
    "engine": "engine.default",
    "remote_servers": "engine.remote.servers",
    "voice": "voice.default",
    "language": "voice.language",
    "espeak_rate": "engine.espeak.rate",
    "qwen_size": "engine.qwen.size",
    "transcription_server": "transcription.server",
    "keep_days": "outputs.max_age_days",
    "log_level": "log.level",
}
"""The add-on's options, and the settings that they are. An option that isn't given leaves its setting to the page."""

PLACES = {"voices": "config/voices", "outputs": "media/koe"}
"""Where folders of the data folder really lie: in the add-on's own folder and in the media folder of Home Assistant."""

_SUPERVISOR = "http://supervisor"
_AGAIN_SECONDS = (1.0, 2.0, 5.0, 15.0, 60.0)
_LISTENS_SECONDS = 0.2
_POST_SECONDS = 30.0
_GET_SECONDS = 5.0


def settings(options: Mapping[str, object], root: Path, token: str) -> dict[str, str]:
    """By dotted name. `token`: the Supervisor's; empty where there is none."""
    fixed = {
        "wyoming.listen": f"tcp://*:{WYOMING_PORT}",
        "http.listen": f"tcp://*:{HTTP_PORT}",
        "http.ingress": "true",
        "http.token_file": str(root / "config" / "token"),
        # The add-on's network hears nothing of the LAN's multicast, and the LAN nothing of its own.
        "discovery.enabled": "false",
        "announce.satellites": "false",
        # Whoever stops an add-on waits ten seconds for it.
        "stop.grace": "4",
    }
    if token:
        fixed |= {"home_assistant.url": f"{_SUPERVISOR}/core", "home_assistant.token": token}
    given = {OPTIONS[name]: _as_text(value) for name, value in options.items() if value not in (None, "", [])}
    return fixed | given


def environment(
    own: Mapping[str, str], options: Mapping[str, object], root: Path, language: str = ""
) -> dict[str, str]:
    """For Koe: nobody but the announcements needs the Supervisor's token. `language`: Home Assistant's; empty where it
    isn't known."""
    kept = {name: value for name, value in own.items() if name not in ("SUPERVISOR_TOKEN", "HASSIO_TOKEN")}
    chosen = settings(options, root, own.get("SUPERVISOR_TOKEN", ""))
    variables = {f"KOE_{name.upper().replace('.', '_')}": value for name, value in chosen.items()}
    places = {"KOE_DATA_DIR": str(root / "data")}
    if language:
        # As a system's own: whatever is set in Koe wins.
        places["LC_MESSAGES"] = language
    if (file := root / "config" / "koe.yaml").exists():
        places["KOE_CONFIG"] = str(file)
    return kept | places | variables


def _as_text(value: object) -> str:
    """As a variable holds it."""
    return json.dumps(value) if isinstance(value, list) else str(value)


def lay_out(root: Path) -> None:
    """What people look for lies where they reach it; the data folder has links to it."""
    for name, place in PLACES.items():
        target, link = root / place, root / "data" / name
        target.mkdir(parents=True, exist_ok=True)
        link.parent.mkdir(parents=True, exist_ok=True)
        if not link.exists():
            link.unlink(missing_ok=True)
            link.symlink_to(target)


async def home_language(token: str) -> str:
    """Such as `de` or `pt-BR`; empty where Home Assistant doesn't tell."""
    headers, timeout = {"Authorization": f"Bearer {token}"}, aiohttp.ClientTimeout(_GET_SECONDS)
    try:
        async with (
            aiohttp.ClientSession(headers=headers, timeout=timeout) as session,
            session.get(f"{_SUPERVISOR}/core/api/config") as answer,
        ):
            answer.raise_for_status()
            return str((await answer.json()).get("language") or "")
    except (aiohttp.ClientError, TimeoutError, ValueError, AttributeError) as error:
        log(f"Home Assistant doesn't tell its language ({error}): English, unless an option says otherwise")
        return ""


async def tell_supervisor(token: str) -> None:
    """Once the server listens; again and again where the Supervisor isn't ready."""
    await listens(WYOMING_PORT)
    found = {"service": "wyoming", "config": {"uri": f"tcp://{socket.gethostname()}:{WYOMING_PORT}"}}
    timeout = aiohttp.ClientTimeout(_POST_SECONDS)
    async with aiohttp.ClientSession(timeout=timeout, headers={"Authorization": f"Bearer {token}"}) as session:
        for attempt in range(sys.maxsize):
            try:
                async with session.post(f"{_SUPERVISOR}/discovery", json=found) as answer:
                    answer.raise_for_status()
                log(f"Home Assistant is told of {found['config']}")
                return
            except (aiohttp.ClientError, TimeoutError) as error:
                wait = _AGAIN_SECONDS[min(attempt, len(_AGAIN_SECONDS) - 1)]
                log(f"the Supervisor doesn't take the discovery ({error}); next try in {wait:g} s")
                await asyncio.sleep(wait)


async def listens(port: int) -> None:
    """Return as soon as it does."""
    while True:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            await writer.wait_closed()
            return
        await asyncio.sleep(_LISTENS_SECONDS)


def log(words: str) -> None:
    print(f"add-on: {words}", file=sys.stderr, flush=True)


async def main(root: Path) -> int:
    """Koe's exit code."""
    lay_out(root)
    options = json.loads((root / "data" / "options.json").read_text(encoding="utf-8"))
    token, telling = os.environ.get("SUPERVISOR_TOKEN", ""), None
    language = await home_language(token) if token else ""
    # What it prints on stdout is for people who start it by hand.
    server = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "koe", "serve"),
        env=environment(os.environ, options, root, language),
        stdout=asyncio.subprocess.DEVNULL,
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop, server)
    if token:
        telling = asyncio.create_task(tell_supervisor(token))
    else:
        log("there is no SUPERVISOR_TOKEN: Home Assistant is not told of Koe, and announcements don't go through it")
    try:
        code = await server.wait()
    finally:
        if telling is not None:
            telling.cancel()
            await asyncio.wait([telling])
    return code if code >= 0 else 128 - code


def stop(server: asyncio.subprocess.Process) -> None:
    # It may just have ended by itself.
    with contextlib.suppress(ProcessLookupError):
        server.terminate()


if __name__ == "__main__":
    sys.exit(asyncio.run(main(Path(os.environ.get("ADDON_ROOT", "/")))))
