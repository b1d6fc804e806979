"""Korean: Chinese numerals for measures, native ones for hours and things that are counted."""

import re
from types import MappingProxyType

from koe.core.text.verbalise.languages import ko_units
from koe.core.text.verbalise.languages.base import CLOCK
from koe.core.text.verbalise.languages.cjk import EastAsian, per_words
from koe.core.text.verbalise.languages.tables import coin, table
from koe.core.text.verbalise.values import PLAIN, Context, Form, Number, Unit
from koe.core.text.verbalise.words import spoken

_NATIVE = Form("n")
_ONES = ("", "한", "두", "세", "네", "다섯", "여섯", "일곱", "여덟", "아홉")
_TENS = ("", "열", "스물", "서른", "마흔", "쉰", "예순", "일흔", "여든", "아흔")
_COUNTERS = re.compile(
    "개(?!월)|명|마리|살|대(?!의)|잔|병|권|장|벌|곳|군데|가지|켤레|송이|그루|통|건|번|시간|시(?!속)|달"
)
_SINO_COUNTERS = re.compile("개월|도|분|초|일|월|년|원|층|호|퍼센트|프로|킬로|미터|와트|리터|주|인분")


class Korean(EastAsian):
    num2words = "ko"
    gap = " "
    minus, point, dot, to, over, and_ = "마이너스", "점", "점", "에서", "분의", "와"
    year_sign, month_sign, day_sign = "년", "월", "일"
    hour_sign, minute_sign, second_sign = "시", "분", "초"
    per_prefix = "{unit}당 {0}"
    unit_names = ko_units.NAMES
    symbols = MappingProxyType(
        {"&": "앤드", "+": "더하기", "=": "이퀄", "@": "골뱅이", "×": "곱하기", "÷": "나누기", "°": "도", "%": "퍼센트"}
        | {"€": "유로", "$": "달러", "₩": "원"}
    )
    number_signs = MappingProxyType(
        {"#": "번호", "№": "번호", "+": "플러스", "±": "플러스마이너스", "~": "약", "≈": "약", ">": "초과", "<": "미만"}
        | {"≥": "최소", "≤": "최대"}
    )
    number_abbreviations = table(**{"No.": "번호", "NO.": "번호"})
    per_names = table(**{"hundred-kilometers": "백 킬로미터당 {0}"})
    coins = MappingProxyType(
        {
            "EUR": coin("유로", minor="센트"),
            "$": coin("달러", minor="센트"),
            "USD": coin("미국 달러", minor="센트"),
            "GBP": coin("파운드", minor="펜스"),
            "¥": coin("엔"),
            "JPY": coin("엔"),
            "CNY": coin("위안"),
            "KRW": coin("원"),
            "RUB": coin("루블"),
            "CHF": coin("스위스 프랑"),
        }
    )
    per_words = per_words("시간 일 명 개 리터")
    coin_words = table(원="KRW", 유로="EUR", 달러="$")
    date_patterns = (
        r"(?P<year>[0-9]{4})년 ?(?P<month>1[0-2]|0?[1-9])월(?: ?(?P<day>[0-3]?[0-9])일)?",
        r"(?P<year>)(?P<month>1[0-2]|0?[1-9])월 ?(?P<day>[0-3]?[0-9])일",
        r"(?P<year>)(?P<month>1[0-2]|0?[1-9])월(?P<day>)",
        r"(?P<year>[12][0-9]{3})\. ?(?P<month>1[0-2]|0?[1-9])\. ?(?P<day>[0-3]?[0-9])\.(?![0-9])",
    )
    clock_patterns = (CLOCK,)

    def cardinal(self, value: int, form: Form = PLAIN) -> str:
        if form == _NATIVE and 0 < value < 100:
            return "스무" if value == 20 else _TENS[value // 10] + _ONES[value % 10]
        return spoken(value, self.num2words)

    def digits(self, digits: str) -> str:
        return self.fraction(digits).replace("영", "공")

    def fraction(self, digits: str) -> str:
        return "".join(self.cardinal(int(digit)) for digit in digits)

    def gap_after(self, words: str) -> str:
        return "" if words == self.to else self.gap

    def gap_before(self, following: str) -> str:
        """A counter is a word of its own, a particle belongs to the number."""
        return " " if _COUNTERS.match(following) or _SINO_COUNTERS.match(following) else ""

    def span(self, low: Number, high: Number, form: Form, context: Context) -> str:
        return self.join(self.number(low, form) + self.to, self.number(high, form))

    def noun_form(self, number: Number, context: Context) -> Form:
        counter = _COUNTERS.match(context.after)
        if counter is None:
            return PLAIN
        last_native = {"시": 12, "시간": 23}.get(counter[0], 99)
        return _NATIVE if int(number.whole[-12:]) <= last_native else PLAIN

    def unit_form(self, unit: Unit, context: Context) -> Form:
        return _NATIVE if unit.name == "duration-hour" else PLAIN

    def measure(self, number: Number, words: str, unit: Unit, form: Form) -> str:
        if unit.name in ("temperature-celsius", "angle-degree"):
            words = words.replace(self.minus, "영하")
        return super().measure(number, words, unit, form)

    def ordinal(self, value: int, mark: str, context: Context) -> str | None:
        return "첫" if value == 1 else self.cardinal(value, _NATIVE)

    ordinal_pattern = "(?= ?번째)"

    def month(self, month: int) -> str:
        """June and October lose their final consonant."""
        return {6: "유", 10: "시"}.get(month, self.cardinal(month)) + self.month_sign

    def hour(self, hour: int) -> str:
        """The twelve hours of a clock face are native, those of the railway Chinese."""
        return self.cardinal(hour, _NATIVE if 0 < hour <= 12 else PLAIN)
