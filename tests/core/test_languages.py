import pytest

from koe.core.languages import ENGLISH_NAMES, LANGUAGES, base, best_match, canonical, matches


def test_the_ten_languages_of_the_model() -> None:
    assert LANGUAGES == ("zh", "en", "ja", "ko", "de", "fr", "ru", "pt", "es", "it")
    assert ENGLISH_NAMES["pt"] == "Portuguese"


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("de", "de"),
        ("DE", "de"),
        ("de_DE", "de-DE"),
        ("de_DE.UTF-8", "de-DE"),
        ("de_DE@euro", "de-DE"),
        ("en-us", "en-US"),
        ("zh-hans-cn", "zh-Hans-CN"),
        ("zh-cmn-Hans", "zh-Hans"),
        ("cmn", "zh"),
        ("deu", "de"),
        ("es-419", "es-419"),
        ("en-GB-scotland", "en-GB"),
        ("de-DE-u-co-phonebk", "de-DE"),
        ("nl-BE", "nl-BE"),
    ],
)
def test_canonical_tags(tag: str, expected: str) -> None:
    assert canonical(tag) == expected
    assert canonical(expected) == expected
    assert base(tag) == expected.partition("-")[0]


@pytest.mark.parametrize("tag", ["", "d", "german", "de DE", "de--DE", "12", "de-", "дe", "de" + "-latn" * 20])
def test_what_is_no_tag_is_refused_by_name(tag: str) -> None:
    with pytest.raises(ValueError, match="is no language tag"):
        canonical(tag)


def test_regions_do_not_part_a_language() -> None:
    assert matches("de", "de-AT")
    assert matches("pt-PT", "pt_BR")
    assert not matches("de", "nl")


@pytest.mark.parametrize(
    ("wanted", "offered", "expected"),
    [
        ("de", ["en", "de-AT", "de-DE"], "de-DE"),
        ("de-AT", ["de-DE", "de-AT"], "de-AT"),
        ("de-CH", ["de-AT", "de-DE"], "de-DE"),
        ("de-CH", ["de-DE", "de"], "de"),
        ("pt", ["pt-PT", "pt_BR"], "pt_BR"),
        ("en", ["en-GB"], "en-GB"),
        ("zh-TW", ["zh-CN", "zh-HK"], "zh-HK"),
        ("nl", ["nl-BE", "nl-NL"], "nl-BE"),
        ("fr", ["en", "de"], None),
        ("fr", [], None),
    ],
)
def test_best_match(wanted: str, offered: list[str], expected: str | None) -> None:
    assert best_match(wanted, offered) == expected
