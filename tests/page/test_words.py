"""The page's words: the same ones in every language, and all that the modules ask for."""

import json
import re
from collections.abc import Iterator
from typing import get_args

import pytest

from koe.adapters.http.page_files import FOLDER
from koe.core.errors import UsualProblem
from koe.settings import names

LANGUAGES = ("en", "de")
MODULES = [path for path in FOLDER.rglob("*.js") if "vendor" not in path.parts]


def words(language: str) -> dict[str, str]:
    sections = json.loads((FOLDER / "i18n" / f"{language}.json").read_text(encoding="utf-8"))
    return {f"{section}.{name}": text for section, named in sections.items() for name, text in named.items()}


def asked() -> Iterator[tuple[str, str]]:
    """Every name of a word in a module, wherever it stands; one that is put together ends with `*`, where its variable
    begins."""
    settings = names.fields()
    sections = "|".join({name.partition(".")[0] for name in words("en")})
    for path in MODULES:
        source = path.read_text(encoding="utf-8")
        for name, more in re.findall(rf"['`]((?:{sections})\.\w*)(['`]|\$\{{)", source):
            # Settings have names of the same form.
            if name not in settings:
                yield path.name, f"{name}*" if more == "${" else name


def test_the_languages_are_those_that_the_page_offers() -> None:
    offered = re.search(r"LANGUAGES = \{([^}]*)\}", (FOLDER / "lib" / "words.js").read_text(encoding="utf-8"))
    assert offered is not None
    assert tuple(re.findall(r"(\w+):", offered[1])) == LANGUAGES
    assert {path.stem for path in (FOLDER / "i18n").iterdir()} == set(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_every_language_says_everything(language: str) -> None:
    english, others = words("en"), words(language)
    assert list(others) == list(english)
    for name, text in english.items():
        assert text.strip() and others[name].strip(), name
        assert set(re.findall(r"\{\w+\}", text)) == set(re.findall(r"\{\w+\}", others[name])), name


def test_every_usual_problem_has_its_words() -> None:
    named = {name.removeprefix("problem.") for name in words("en") if name.startswith("problem.")}
    assert named == set(get_args(UsualProblem))


def test_every_word_that_is_asked_for_is_there() -> None:
    known = {re.sub(r"_(one|other)$", "", name) for name in words("en")} | set(words("en"))
    for module, name in asked():
        found = any(each.startswith(name[:-1]) for each in known) if name.endswith("*") else name in known
        assert found, f"{module} asks for {name}"


def test_every_word_is_asked_for() -> None:
    wanted = [name for _, name in asked()]
    for name in words("en"):
        plain = re.sub(r"_(one|other)$", "", name)
        assert any(plain == each or (each.endswith("*") and plain.startswith(each[:-1])) for each in wanted), name
