"""Chinese, in simplified characters."""

import re
from types import MappingProxyType

from koe.core.text.verbalise.languages import zh_units
from koe.core.text.verbalise.languages.base import CLOCK
from koe.core.text.verbalise.languages.cjk import EastAsian, per_words
from koe.core.text.verbalise.languages.tables import coin, table
from koe.core.text.verbalise.values import PLAIN, Context, Form, Number, Unit

_DIGITS = "零一二三四五六七八九"
_MYRIADS = ("", "万", "亿", "兆")
# What two of is 两: measure words and nouns counted without one. A date, a floor and a grade keep 二.
_COUNTED = re.compile("[个只台盏扇次位人天周年点度块元条张间种杯瓶件公升米倍瓦千百万亿名秒]|小时|分钟")
_IS_A_MEASURE = Form("m")


class Chinese(EastAsian):
    pause = "，"
    minus, point, dot, to, over, and_ = "负", "点", "点", "到", "分之", "又"
    year_sign, month_sign, day_sign = "年", "月", "日"
    hour_sign, minute_sign, second_sign = "点", "分", "秒"
    per_prefix = "每{unit}{0}"
    unit_names = zh_units.NAMES
    fractions = MappingProxyType({(1, 2): "二分之一"})
    symbols = MappingProxyType(
        {"&": "和", "+": "加", "=": "等于", "@": "艾特", "×": "乘", "÷": "除以", "°": "度", "€": "欧元", "$": "美元"}
    )
    number_signs = MappingProxyType(
        {"#": "第", "№": "第", "+": "加", "±": "正负", "~": "约", "≈": "约等于", ">": "大于", "<": "小于"}
        | {"≥": "大于等于", "≤": "小于等于"}
    )
    number_abbreviations = table(**{"No.": "第", "NO.": "第"})
    per_names = table(**{"hundred-kilometers": "每百公里{0}"})
    coins = MappingProxyType(
        {
            "EUR": coin("欧元"),
            "$": coin("美元"),
            "USD": coin("美元"),
            "GBP": coin("英镑"),
            "¥": coin("元"),
            "CNY": coin("元"),
            "JPY": coin("日元"),
            "KRW": coin("韩元"),
            "RUB": coin("卢布"),
            "CHF": coin("瑞士法郎"),
        }
    )
    per_words = per_words("升 度 千瓦时 公斤 千克 吨 立方米 平方米 分钟 小时 天 月 年 人 次")
    coin_words = table(元="CNY", 块="CNY", 美元="USD", 欧元="EUR")
    date_patterns = (
        r"(?P<year>[0-9]{4})年(?:(?P<month>1[0-2]|0?[1-9])月(?:(?P<day>[0-3]?[0-9])日)?)",
        r"(?P<year>)(?P<month>1[0-2]|0?[1-9])月(?P<day>[0-3]?[0-9])日",
    )
    year_pattern = r"(?P<year>[12][0-9]{3})(?=年(?![前后内来间多]))"
    clock_patterns = (CLOCK,)

    def cardinal(self, value: int, form: Form = PLAIN) -> str:
        """num2words has no Chinese."""
        if value == 2 and form == _IS_A_MEASURE:
            return "两"
        words = _read(value)
        if words.startswith(("二千", "二万", "二亿")):
            return "两" + words[1:]
        return words[1:] if words.startswith("一十") else words

    def ordinal(self, value: int, mark: str, context: Context) -> str | None:
        return "第" + self.cardinal(value)

    def whole(self, digits: str, form: Form) -> str:
        is_mobile_phone = len(digits) == 11 and digits.startswith("1")
        return self.digits(digits) if is_mobile_phone else super().whole(digits, form)

    def digits(self, digits: str) -> str:
        return "".join(_DIGITS[int(digit)] for digit in digits)

    def version_part(self, digits: str) -> str:
        return self.digits(digits) if len(digits) > 2 else super().version_part(digits)

    def noun_form(self, number: Number, context: Context) -> Form:
        if context.before.endswith("第"):
            return PLAIN
        return _IS_A_MEASURE if _COUNTED.match(context.after) else PLAIN

    def unit_form(self, unit: Unit, context: Context) -> Form:
        return PLAIN if unit.name.startswith("concentr-") else _IS_A_MEASURE

    def measure(self, number: Number, words: str, unit: Unit, form: Form) -> str:
        if unit.name in ("temperature-celsius", "angle-degree"):
            words = words.replace(self.minus, "零下")
        return super().measure(number, words, unit, form)

    def year(self, year: int, context: Context) -> str:
        return self.digits(str(year))

    def hour(self, hour: int) -> str:
        return self.cardinal(hour, _IS_A_MEASURE)

    def minute(self, minute: int) -> str:
        return ("零" if minute < 10 else "") + self.cardinal(minute)


def _read(value: int) -> str:
    """In groups of four figures, with one 零 for every gap."""
    if value < 10:
        return _DIGITS[value]
    groups: list[str] = []
    for myriad in _MYRIADS:
        value, group = divmod(value, 10_000)
        if group:
            gap = "零" if group < 1000 and value else ""
            groups.append(gap + _group(group) + myriad)
        elif groups and value and not groups[-1].startswith("零"):
            groups.append("零")
    return "".join(reversed(groups)).rstrip("零")


def _group(value: int) -> str:
    """1 to 9999."""
    figures = f"{value:04}"
    words = "".join(
        _DIGITS[int(figure)] + sign if figure != "0" else "零" for figure, sign in zip(figures, "千百十 ", strict=True)
    )
    return re.sub("零+", "零", words.replace(" ", "")).strip("零")
