"""The checkpoints on this machine: in `<data folder>/models` and in the Hugging Face cache.

    find -> read -> Checkpoint         what it can do is told by its config.json, never by its folder's name
    choice.choose                      which of them serves a request

Loads no torch.
"""

import functools
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, cast

from pydantic import BaseModel, ValidationError

from koe.core.languages import ENGLISH_NAMES
from koe.engine.qwen.manifest import FILE, Manifest, read_manifest
from koe.engine.qwen.published import DOWNLOAD, PUBLISHED, VERIFY, Ability, Published, Size, published
from koe.engine.qwen.weights import read_weights

CODEC_FOLDER = "speech_tokenizer"

_ABILITIES = {"custom_voice": Ability.NAMED, "voice_design": Ability.DESIGN, "base": Ability.CLONE}
_SIZES: Mapping[str, Size] = {"0b6": "0.6B", "1b7": "1.7B"}
_CODEC = "qwen3_tts_tokenizer_12hz"
_TALKER_FILES = ("generation_config.json", "tokenizer_config.json")
_WORD_FILES = ("vocab.json", "merges.txt")
_CODEC_FILES = ("config.json", "preprocessor_config.json")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    name: str
    """Its folder's; in the hub's cache its repository's, without the owner."""

    folder: Path

    ability: Ability
    """A guess where it isn't `told`."""

    size: Size | None
    """None: neither of the published sizes."""

    speakers: Mapping[str, str | None] = field(default_factory=dict)
    """As the model knows them, with the dialect that each speaks when it speaks Chinese."""

    languages: Mapping[str, str] = field(default_factory=dict)
    """BCP-47 tag (where Koe knows it) -> the model's word: `de` -> `german`."""

    parameters: int = 0
    """Of the talker and the code predictor, as they are stored; of the codec for a codec."""

    bytes: int = 0
    """On disk."""

    origin: Literal["models", "cache"] = "models"

    problem: str | None = None
    """Why it can't be used, naming the file."""

    manifest: Manifest | None = None
    """None: Koe didn't download it."""

    told: bool = True
    """Whether its config.json could be read and says what it is."""

    @property
    def instruct(self) -> bool:
        """Whether a named voice can be told how to speak: the 0.6B one would ignore it without a word."""
        return self.ability is Ability.NAMED and self.size != "0.6B"

    @property
    def remedy(self) -> str:
        """What to do when it can't be used."""
        source = self.manifest.repo if self.manifest else self.name if published(self.name) else None
        again = f"get it again with {DOWNLOAD} {source}" if source else "copy it here again"
        return f"see {VERIFY} {self.name}, or {again}"

    @property
    def codec_folder(self) -> Path:
        return self.folder if self.ability is Ability.CODEC else self.folder / CODEC_FOLDER


class _TalkerConfig(BaseModel):
    spk_id: dict[str, int] = {}
    spk_is_dialect: dict[str, str | bool] = {}
    codec_language_id: dict[str, int] = {}
    vocab_size: int = 3072


class _Config(BaseModel):
    model_type: str
    tts_model_type: str | None = None
    tts_model_size: str | None = None
    tokenizer_type: str = _CODEC
    talker_config: _TalkerConfig = _TalkerConfig()


def find(data_dir: Path, environ: Mapping[str, str] = os.environ) -> list[Checkpoint]:
    """All there are, also those with a problem; what is in `models` hides its namesake in the cache."""
    found = {each.name.lower(): each for each in _in_models(data_dir / "models")}
    for each in _in_cache(hub_cache(environ)):
        found.setdefault(each.name.lower(), each)
    return list(found.values())


def read(folder: Path, name: str | None = None) -> Checkpoint | None:
    """What the folder holds; None where it is no checkpoint of Qwen3-TTS at all.

    Looks at small files and at the headers of large ones. A checkpoint that isn't whole has a `problem`.
    """
    name = name or folder.name
    try:
        config = _Config.model_validate_json((folder / "config.json").read_bytes())
    except (OSError, ValidationError):
        broken = (folder / FILE).is_file() or (folder / CODEC_FOLDER).is_dir()
        return _untold(name, folder) if broken else None
    if config.model_type not in ("qwen3_tts", _CODEC):
        return None
    return _described(name, folder, config)


def hub_cache(environ: Mapping[str, str]) -> Path:
    """Where huggingface_hub keeps what others have downloaded."""
    if folder := environ.get("HF_HUB_CACHE") or environ.get("HUGGINGFACE_HUB_CACHE"):
        return Path(folder).expanduser()
    if home := environ.get("HF_HOME"):
        return Path(home).expanduser() / "hub"
    cache = environ.get("XDG_CACHE_HOME") or Path(environ.get("HOME") or Path.home()) / ".cache"
    return Path(cache).expanduser() / "huggingface" / "hub"


def _in_models(folder: Path) -> Iterator[Checkpoint]:
    if not folder.is_dir():
        return
    for each in sorted(folder.iterdir()):
        # A leading dot marks what is still being downloaded or removed.
        if each.is_dir() and not each.name.startswith(".") and (checkpoint := read(each)):
            yield checkpoint


def _in_cache(cache: Path) -> Iterator[Checkpoint]:
    for each in PUBLISHED:
        repository = cache / f"models--{each.repo.replace('/', '--')}"
        if (snapshot := _snapshot(repository)) and (checkpoint := _read_cached(snapshot, each)):
            yield checkpoint


def _read_cached(snapshot: Path, expected: Published) -> Checkpoint | None:
    """A program that looked for a file or two leaves a snapshot without weights behind: nobody means to use that."""
    if not any(file.suffix == ".safetensors" for file in snapshot.iterdir()):
        return None
    checkpoint = read(snapshot, expected.name)
    return replace(checkpoint, origin="cache") if checkpoint else None


def _snapshot(repository: Path) -> Path | None:
    main = repository / "refs" / "main"
    if main.is_file() and (named := repository / "snapshots" / main.read_text().strip()).is_dir():
        return named
    snapshots = (repository / "snapshots").glob("*/")
    return max(snapshots, key=lambda folder: folder.stat().st_mtime, default=None)


def _untold(name: str, folder: Path) -> Checkpoint:
    try:
        manifest = read_manifest(folder)
    except (ValueError, OSError):
        manifest = None
    known = published(manifest.repo if manifest else name)
    ability, size = (known.ability, known.size) if known else (Ability.NAMED, None)
    problem = f"{folder / 'config.json'} is missing or damaged"
    return Checkpoint(name, folder, ability, size, problem=problem, manifest=manifest, told=False)


def _described(name: str, folder: Path, config: _Config) -> Checkpoint:
    codec = config.model_type == _CODEC
    ability = Ability.CODEC if codec else _ABILITIES.get(config.tts_model_type or "", Ability.NAMED)
    talker = config.talker_config
    dialects = talker.spk_is_dialect
    problem: str | None = None
    parameters = size = 0
    manifest = None
    try:
        manifest = read_manifest(folder)
        _check_config(folder, config)
        parameters, size = _check_files(folder, codec=codec)
    except (ValueError, OSError) as error:
        problem = str(error)
    return Checkpoint(
        name=name,
        folder=folder,
        ability=ability,
        size=_SIZES.get(config.tts_model_size or ""),
        speakers={name: cast("str | None", dialects.get(name) or None) for name in talker.spk_id},
        languages=_languages(talker.codec_language_id),
        parameters=parameters,
        bytes=size,
        problem=problem,
        manifest=manifest,
    )


def _check_config(folder: Path, config: _Config) -> None:
    if config.tokenizer_type != _CODEC:
        raise ValueError(f"{folder / 'config.json'} asks for the codec {config.tokenizer_type}, which isn't supported")
    if config.model_type != _CODEC and config.tts_model_type not in _ABILITIES:
        raise ValueError(f"{folder / 'config.json'} has the unknown tts_model_type {config.tts_model_type!r}")
    _check_numbers(folder, "speaker", config.talker_config.spk_id, config.talker_config.vocab_size)
    _check_numbers(folder, "language", config.talker_config.codec_language_id, config.talker_config.vocab_size)


def _check_numbers(folder: Path, what: str, numbers: Mapping[str, int], limit: int) -> None:
    for name, number in numbers.items():
        if not 0 <= number < limit:
            where = folder / "config.json"
            raise ValueError(f"{where} gives the {what} {name!r} the number {number}; it must be below {limit}")


def _check_files(folder: Path, *, codec: bool) -> tuple[int, int]:
    """The parameters of the model itself, and the bytes of everything."""
    codec_folder = folder if codec else folder / CODEC_FOLDER
    needed = [codec_folder / name for name in _CODEC_FILES]
    if not codec:
        words = ("tokenizer.json",) if (folder / "tokenizer.json").is_file() else _WORD_FILES
        needed += [folder / name for name in (*_TALKER_FILES, *words)]
    if missing := next((file for file in needed if not file.is_file()), None):
        raise ValueError(f"{missing} is missing")
    for file in needed:
        state = file.stat()
        if complaint := _complaint(file, state.st_size, state.st_mtime_ns):
            raise ValueError(complaint)
    weights = read_weights(folder)
    all_weights = {*weights.files, *read_weights(codec_folder).files}
    return weights.parameters, sum(file.stat().st_size for file in [*needed, *all_weights])


@functools.lru_cache(maxsize=256)
def _complaint(file: Path, _size: int, _changed: int) -> str:
    """What is wrong with a small file; it is read again only after it was changed."""
    try:
        text = file.read_text(encoding="utf-8")
        if file.suffix == ".json":
            return "" if isinstance(json.loads(text), dict) else f"{file} is damaged: it is no JSON object"
    except ValueError:
        kind = "JSON" if file.suffix == ".json" else "text"
        return f"{file} is damaged: it can't be read as {kind}"
    for number, line in enumerate(text.splitlines(), 1):
        if line and not line.startswith("#version") and len(line.split(" ")) != 2:
            return f"{file} is damaged: line {number} is no pair"
    return ""


def _languages(identifiers: Mapping[str, int]) -> Mapping[str, str]:
    tags = {name.lower(): tag for tag, name in ENGLISH_NAMES.items()}
    return {tags.get(word, word): word for word in identifiers if "dialect" not in word}
