"""Japanese: numbers stay in kanji, which every engine reads and which keep their irregular readings."""

from types import MappingProxyType

from koe.core.text.verbalise.languages import ja_units
from koe.core.text.verbalise.languages.base import CLOCK
from koe.core.text.verbalise.languages.cjk import EastAsian, per_words
from koe.core.text.verbalise.languages.tables import coin, table
from koe.core.text.verbalise.values import PLAIN, Form
from koe.core.text.verbalise.words import spoken

_DIGITS = ("ゼロ", *"一二三四五六七八九")


class Japanese(EastAsian):
    num2words = "ja"
    pause = "、"
    minus, point, dot, to, over, and_ = "マイナス", "点", "ドット", "から", "分の", "と"
    year_sign, month_sign, day_sign = "年", "月", "日"
    hour_sign, minute_sign, second_sign = "時", "分", "秒"
    per_prefix = "一{unit}あたり{0}"
    unit_names = ja_units.NAMES
    symbols = MappingProxyType(
        {"&": "アンド", "+": "プラス", "=": "イコール", "@": "アットマーク", "×": "かける", "÷": "わる", "°": "度"}
        | {"€": "ユーロ", "$": "ドル"}
    )
    number_signs = MappingProxyType(
        {"#": "ナンバー", "№": "ナンバー", "+": "プラス", "±": "プラスマイナス", "~": "約", "≈": "約"}
        | {">": "より大きい", "<": "より小さい", "≥": "以上", "≤": "以下"}
    )
    number_abbreviations = table(**{"No.": "ナンバー", "NO.": "ナンバー"})
    per_names = table(**{"hundred-kilometers": "百キロメートルあたり{0}"})
    coins = MappingProxyType(
        {
            "EUR": coin("ユーロ", minor="セント"),
            "$": coin("ドル", minor="セント"),
            "USD": coin("米ドル", minor="セント"),
            "GBP": coin("ポンド", minor="ペンス"),
            "¥": coin("円"),
            "JPY": coin("円"),
            "CNY": coin("元"),
            "KRW": coin("ウォン"),
            "RUB": coin("ルーブル"),
            "CHF": coin("スイスフラン"),
        }
    )
    per_words = per_words("時間 日 人 個 回")
    coin_words = table(円="JPY", ユーロ="EUR", ドル="$")
    date_patterns = (
        r"(?P<year>[0-9]{4})年(?P<month>1[0-2]|0?[1-9])月(?:(?P<day>[0-3]?[0-9])日)?",
        r"(?P<year>)(?P<month>1[0-2]|0?[1-9])月(?P<day>[0-3]?[0-9])日",
    )
    clock_patterns = (CLOCK,)

    def cardinal(self, value: int, form: Form = PLAIN) -> str:
        return spoken(value, self.num2words)

    def digits(self, digits: str) -> str:
        return "".join(_DIGITS[int(digit)] for digit in digits)

    def fraction(self, digits: str) -> str:
        return self.digits(digits).replace("ゼロ", "零")
