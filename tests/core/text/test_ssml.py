import pytest

from koe.core.errors import InvalidSsml
from koe.core.text.items import Break, Item, SaidAs, Words
from koe.core.text.parts import Pause
from koe.core.text.ssml import MAX_DEPTH, MAX_SAID_AS, MAX_TAG, SsmlReader


def read(ssml: str) -> list[Item]:
    reader = SsmlReader()
    return reader.feed(ssml) + reader.finish()


def words(ssml: str) -> str:
    return "".join(item.text for item in read(ssml) if isinstance(item, Words))


def languages(ssml: str) -> dict[str, str | None]:
    return {item.text.strip(): item.language for item in read(ssml) if isinstance(item, Words)}


def test_text_is_kept_whatever_its_tags() -> None:
    ssml = '<speak version="1.0">a <emphasis level="strong">big</emphasis> <mstts:x>red</mstts:x><audio/> dog</speak>'
    assert words(ssml.replace("<speak", '<speak xmlns:mstts="urn:x"')) == "a big red dog"


def test_a_tag_may_stand_inside_an_expression() -> None:
    assert words("<speak><prosody rate='slow'>21</prosody>.5 °C</speak>") == "21.5 °C"


def test_text_is_no_markdown() -> None:
    assert words("<speak>*a* # [b](c) &amp; &lt;d&gt; <![CDATA[<e>]]></speak>") == "*a* # [b](c) & <d> <e>"


def test_line_ends_are_white_space() -> None:
    assert words("<speak>one\ntwo\r\nthree</speak>").split() == ["one", "two", "three"]
    assert not any(isinstance(item, Break) for item in read("<speak>one\n\ntwo</speak>"))


def test_paragraphs_and_sentences_end() -> None:
    items = read("<speak><p><s>one</s><s>two</s></p>three</speak>")
    texts = [item.text if isinstance(item, Words) else "/" for item in items]
    assert "".join(texts).replace("//", "/").strip("/") == "one/two/three"


@pytest.mark.parametrize(
    ("tag", "pauses"),
    [
        ("<break time='500ms'/>", [Pause(0.5)]),
        ("<break time=' 1.5s '/>", [Pause(1.5)]),
        ("<break time='+.5s'/>", [Pause(0.5)]),
        ("<break time='3600s'/>", [Pause(10.0)]),
        ("<break time='0s'/>", []),
        ("<break/>", [Pause(0.5)]),
        ("<break strength='none'/>", []),
        ("<break strength='x-strong'/>", [Pause(1.2)]),
    ],
)
def test_breaks(tag: str, pauses: list[Pause]) -> None:
    assert [item for item in read(f"<speak>a{tag}b</speak>") if isinstance(item, Pause)] == pauses


def test_an_alias_replaces_its_text() -> None:
    assert words("<speak>the <sub alias='World Wide Web'>W<b>W</b>W</sub> is</speak>") == "the World Wide Web is"


def test_say_as_is_left_to_verbalise() -> None:
    items = read("<speak>on <say-as interpret-as='date' format='dmy'>1.<b>2</b>.2003</say-as>.</speak>")
    assert items == [Words("on "), SaidAs("1.2.2003", "date", "dmy"), Words(".")]


def test_the_nearest_language_counts() -> None:
    ssml = "<speak xml:lang='en_GB'>one <lang xml:lang='fr-FR'>deux</lang> <p xml:lang='de'>drei</p> four</speak>"
    assert languages(ssml) == {"one": "en-GB", "deux": "fr-FR", "": "en-GB", "drei": "de", "four": "en-GB"}


@pytest.mark.parametrize(
    ("ssml", "where", "reason"),
    [
        ("<speak>a", "line 1, column 9", "no element found"),
        ("", "line 1, column 1", "no element found"),
        ("plain text", "line 1, column 1", "syntax error"),
        ("<speak>\n <b>x</p></speak>", "line 2, column 8", "mismatched tag"),
        ("<speak>\n&nbsp;</speak>", "line 2, column 1", "undefined entity"),
        ("<speak>ü & b</speak>", "line 1, column 11", "not well-formed"),
        ("<speak/>\n<speak/>", "line 2, column 1", "junk after document element"),
        ("<p>a</p>", "line 1, column 1", "the outermost tag is <p>"),
        ("<speak>\n<break time='1 hour'/></speak>", "line 2, column 1", "a time like '500ms'"),
        ("<speak><break strength='huge'/></speak>", "line 1, column 8", "no strength 'huge'"),
        ("<speak xml:lang='german'/>", "line 1, column 1", "'german' is no language tag"),
        ("<!DOCTYPE speak SYSTEM 'file:///etc/passwd'><speak/>", "line 1, column ", "document type"),
        (
            "<!DOCTYPE s [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;'>]><speak>&b;</speak>",
            "line 1, column ",
            "document type",
        ),
    ],
)
def test_what_is_malformed_says_where(ssml: str, where: str, reason: str) -> None:
    with pytest.raises(InvalidSsml) as raised:
        read(ssml)
    assert where in raised.value.message
    assert reason in raised.value.message


@pytest.mark.parametrize(
    "ssml",
    [
        "<speak>" + "<b>" * MAX_DEPTH,
        "<speak " + "x" * MAX_TAG,
        "<speak><!-- " + "x" * MAX_TAG,
        "<speak><say-as>" + "x" * (MAX_SAID_AS + 1),
    ],
)
def test_bounds_are_kept_before_the_text_ends(ssml: str) -> None:
    with pytest.raises(InvalidSsml, match="SSML, line 1, column"):
        SsmlReader().feed(ssml + " " * 5000)


@pytest.mark.parametrize("length", [MAX_TAG - 100, MAX_TAG + 100, MAX_TAG + 4000, MAX_TAG + 4200])
def test_whether_a_tag_is_too_long_does_not_depend_on_the_chunks(length: int) -> None:
    def is_refused(chunk: int) -> bool:
        reader, ssml = SsmlReader(), f"<speak><b a='{'x' * length}'/></speak>"
        try:
            for start in range(0, len(ssml), chunk):
                reader.feed(ssml[start : start + chunk])
        except InvalidSsml:
            return True
        return False

    assert is_refused(100) == is_refused(4096) == is_refused(10**6) == (length > MAX_TAG + 4096)


def test_long_text_is_no_long_tag() -> None:
    assert len(words(f"<speak>{'word ' * 20_000}</speak>")) == 100_000


def test_text_is_released_while_it_arrives() -> None:
    assert SsmlReader().feed("<speak>The light is on now") != []
