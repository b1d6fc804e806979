"""What a speech-to-text server wrote down, as the words that were said and nothing else.

Servers and subtitle formats add who speaks, when, and what is heard besides speech; read aloud, or given to a model as
the transcript of a clip, all of that would be wrong.
"""

import re

_SENTENCE_END = ".!?…。！？"
_TIME = r"\d{1,3}:\d\d(?::\d\d)?(?:[.,]\d{1,3})?"
_TIME_OR_SECONDS = rf"(?:{_TIME}|\d{{1,6}}(?:\.\d{{1,3}})?s?)"
_CUE_SETTINGS = r"(?:\ (?:align|line|position|region|size|vertical):\S+)*"

_SPEAKER = r"""(?:
    (?i:speaker|sprecher(?:in)?|locuteur|intervenant|hablante|orador|falante|interlocutore|спикер|говорящий)[\ _\#-]?|
    (?:说话人|說話人|发言人|發言人|話者|화자)[\ _]?)(?:\d{1,3}|[A-Z])\b"""

_NOISES = r"""\b(?:
    # en
    applause|laugh(?:s|ter|ing)?|chuckl(?:es?|ing)|giggl(?:es?|ing)|cough(?:s|ing)?|sigh(?:s|ing)?|sne+z(?:es?|ing)|
    sniff(?:s|les|ing)?|gasp(?:s|ing)?|groan(?:s|ing)?|throat|silence|pauses?|inaudible|unintelligible|indistinct|
    nois(?:es?|y)|static|beep(?:s|ing)?|cheer(?:s|ing)|cry(?:ing)?|sob(?:s|bing)?|scream(?:s|ing)?|whisper(?:s|ing)?|
    breath(?:s|es|ing)?|inhales?|exhales?|crosstalk|chatter(?:ing)?|foreign|singing|hum(?:s|ming)|whistl(?:es?|ing)|
    clap(?:s|ping)|footsteps|ringing|mumbl(?:es?|ing)|musi(?:c|k|ca|que)|blank|
    # de
    applaus|beifall|gelächter|lach(?:t|en|end)|kicher(?:t|n)|hust(?:et|en)|seufz(?:t|en|er)|räusper(?:t|n)|niest?|
    stille|unverständlich|geräusche?|rauschen|schluchz(?:t|en)|weint|atm(?:et|en)|flüster(?:t|n)|singt|klatsch(?:t|en)|
    jubel|
    # fr, es, it, pt
    applaudissements?|rires?|rit|tousse|toux|soupirs?|soupire|bruits?|chuchote|música|aplausos?|risas?|ríe|tose?|
    suspir(?:a|os?)|silencio|ruidos?|applausi|risat[ae]|tossisce|sospir[ao]|silenzio|incomprensibile|rumor[ei]|
    ris(?:os?|adas?)|silêncio|inaudível|ruídos?|
    # ru
    музыка|аплодисменты|смех|сме[её]тся|кашель|кашляет|вздыхает|вздох|тишина|неразборчиво|шум
    )\b|音[乐樂楽]|掌[声聲]|拍手|笑|咳|[叹嘆]气|嘆氣|ため息|[静靜無无][音声聲]|沉默|沈黙|噪音|雑音|음악|박수|웃음|기침|한숨|침묵|잡음"""

_OPENING, _CLOSING = r"[\[(（【［]{1,3}", r"[\])）】］]{1,3}"
_INSIDE = r"[^\[\]()（）【】［］\n]{0,60}"

_ANYWHERE = rf"""
      <\|[\w.:/-]{{1,40}}\|>                                                # <|en|>, <|0.00|>
    | </?(?:[bcuv]|i|lang|font)(?:[.\ ][^<>\n]{{0,80}})?>                   # <v Anna>
    | [♩♪♫♬]
    | [\[(<]?\ ?{_TIME}\ ?-->\ ?{_TIME}{_CUE_SETTINGS}\ ?[\])>]?
    | \[\ ?{_TIME_OR_SECONDS}\ ?(?:--?>|[→–—-])\ ?{_TIME_OR_SECONDS}\ ?\]
    | [\[<]\ ?{_TIME}\ ?[\]>]
    | [\[(<]\ ?{_SPEAKER}\ ?[\])>](?:\ ?[:：])?
    | \bSPEAKER_\d{{1,3}}\b(?:\ ?[:：])?
    | \[{{1,3}}[A-Z]{{1,20}}(?:_[A-Z]{{1,20}}){{1,5}}\]{{1,3}}                # [BLANK_AUDIO]
    | (?:{_OPENING}|\*{{1,3}})\ ?(?i:{_NOISES})\ ?(?:{_CLOSING}|\*{{1,3}})
"""
_WHERE_A_SENTENCE_BEGINS = rf"""
      \(\ ?{_TIME}(?:\ ?(?:->|[→–—-])\ ?{_TIME})?\ ?\)                    # (00:12)
    | {_SPEAKER}(?:\ ?[:：](?!\d)|\ ?[\[(]?{_TIME}[\])]?(?:\ ?[:：])?)
    | {_OPENING}{_INSIDE}(?i:{_NOISES}){_INSIDE}{_CLOSING}                  # (upbeat music)
"""
_WHERE_A_LINE_BEGINS = rf"""
      -{{1,3}}\  | [–—―](?!\d) | >>                                        # - Hello, —Hola, >> Hello
    | \[[^\[\]\n]{{1,40}}\]\ ?[:：]
    | WEBVTT$
    | \d{{1,6}}\n(?={_TIME}\ ?-->)
"""
_MARK = re.compile(
    rf"""
      ^(?:(?:{_ANYWHERE}|{_WHERE_A_SENTENCE_BEGINS}|{_WHERE_A_LINE_BEGINS})\ ?)++
    | (?:(?<=[{_SENTENCE_END}]\ )|(?<=[。！？]))(?:(?:{_ANYWHERE}|{_WHERE_A_SENTENCE_BEGINS})\ ?)++
    | (?:{_ANYWHERE})
    """,
    re.VERBOSE | re.MULTILINE,
)

_GONE = "\0"
"""Where something was."""

_LEFT_AT_THE_START = re.compile(rf"^{_GONE}[{_GONE}\s.,;:!?…]*", re.MULTILINE)
_LEFT_BEFORE_A_SIGN = re.compile(rf"(?<![{_GONE}\s])[{_GONE}\s]*{_GONE}(?=[.,;:!?…。，！？、])")


def clean(text: str) -> str:
    """The words alone, in one line with single spaces; empty where there are none.

    Without names of speakers that can't be mistaken for text (`Speaker 1:`, `[SPEAKER_00]`, `<v Anna>`; "Anna:" can),
    dashes that begin a line, times in brackets, marks like `[Music]` and `(laughs)`, and the tokens of a model. A
    bracket or a colon within a sentence stays.
    """
    # Where one mark goes, another may come to stand at the start of the text.
    while (cleaned := _without_marks(text)) != text:
        text = cleaned
    return text


def _without_marks(text: str) -> str:
    lines = (" ".join(line.split()) for line in text.replace(_GONE, " ").splitlines())
    text = "\n".join(filter(None, lines))
    text = _MARK.sub(_GONE, text)
    text = _LEFT_AT_THE_START.sub("", text)
    text = _LEFT_BEFORE_A_SIGN.sub("", text)
    text = " ".join(text.replace(_GONE, " ").split())
    return text if any(map(str.isalnum, text)) else ""
