"""Russian: numbers decline with the preposition before them and agree with what they count."""

import re
from types import MappingProxyType

from koe.core.text.verbalise.languages import ru_units
from koe.core.text.verbalise.languages.base import CLOCK, Language
from koe.core.text.verbalise.languages.tables import coin, table
from koe.core.text.verbalise.months import month_name
from koe.core.text.verbalise.values import PLAIN, Case, Clock, Context, Date, Form, Gender, Number, Unit
from koe.core.text.verbalise.words import spoken

_GENITIVE = frozenset(
    {"от", "до", "с", "со", "из", "без", "около", "после", "более", "менее", "больше", "меньше", "выше", "ниже"}
    | {"свыше", "для", "порядка"}
)
_ACCUSATIVE = frozenset({"через", "на", "за", "в", "во", "по", "спустя"})
_DATIVE = frozenset({"к", "ко"})
_NAMES_THE_DAY = frozenset({"сегодня", "завтра", "вчера", "дата", "послезавтра", "на", "по", "это"})
_TENTHS = {1: "десят", 2: "сот", 3: "тысячн"}
_YEAR = r"(?: (?P<year>[12][0-9]{3})(?![0-9]|[.,:/-][0-9])(?: ?г\.| ?года?\b)?)?"
_YEAR_CASES: dict[str, Case] = {"год": "n", "года": "g", "году": "p", "годом": "i", "годе": "p"}
_ORDINALS: dict[str, Form] = {
    "й": Form("m"),
    "я": Form("f"),
    "е": Form("n"),
    "го": Form("m", "g"),
    "му": Form("m", "d"),
    "м": Form("m", "p"),
    "ю": Form("f", "a"),
}


class Russian(Language):
    num2words = "ru"
    group_marks = " ."
    plurals = ("one", "few", "many", "other")
    date_marks = "./-"
    minus, point, dot, to, over, and_ = "минус", "запятая", "точка", " — ", "дробь", "и"
    scales = ("тысяч", "млн", "млрд", "миллионов", "миллиона", "миллион", "миллиардов", "миллиарда")
    fractions = MappingProxyType(
        {
            (1, 2): "одна вторая",
            (1, 3): "одна треть",
            (2, 3): "две трети",
            (1, 4): "одна четверть",
            (3, 4): "три четверти",
            (1, 5): "одна пятая",
            (1, 8): "одна восьмая",
            (1, 10): "одна десятая",
        }
    )
    mixed = MappingProxyType({(1, 2): "{0} с половиной", (1, 4): "{0} с четвертью"})
    symbols = MappingProxyType(
        {"&": "и", "+": "плюс", "=": "равно", "@": "собака", "%": "процентов", "°": "градусов", "×": "на"}
        | {"÷": "разделить на", "€": "евро", "$": "долларов", "₽": "рублей"}
    )
    number_signs = MappingProxyType(
        {"#": "номер", "№": "номер", "+": "плюс", "±": "плюс-минус", "~": "примерно", "≈": "примерно"}
        | {">": "больше", "<": "меньше", "≥": "не меньше", "≤": "не больше", "§": "параграф"}
    )
    number_abbreviations = table(**{"стр.": "страница", "д.": "дом", "кв.": "квартира", "п.": "пункт"})
    abbreviations = MappingProxyType(
        {
            "т. е.": "то есть",
            "т. д.": "так далее",
            "т. п.": "тому подобное",
            "т. к.": "так как",
            "др.": "другие",
            "напр.": "например",
            "ул.": "улица",
            "г-н": "господин",
            "г-жа": "госпожа",
            "тел.": "телефон",
            "макс.": "максимум",
            "мин.": "минимум",
            "см.": "смотри",
            "млн": "миллионов",
            "млрд": "миллиардов",
        }
    )
    unit_symbols = ru_units.SYMBOLS
    unit_names = ru_units.NAMES
    per_words = ru_units.PER_WORDS
    per_names = table(**{"energy-kilowatt-hour": "{0} за киловатт-час", "hundred-kilometers": "{0} на сто километров"})
    closing = ("т. д.", "т.д.", "т. п.", "т.п.", "др.", "г.", "руб.", "коп.", "р.", "дн.")
    feminine_units = frozenset(
        {"duration-minute", "duration-second", "duration-millisecond", "duration-microsecond", "kopeck"}
        | {"length-mile", "speed-mile-per-hour", "mass-ounce", "mass-tonne", "concentr-permillion", "per-billion"}
        | {"energy-calorie", "energy-kilocalorie"}
    )
    coins = MappingProxyType(
        {
            "EUR": coin("евро", minor="цент|цента|центов"),
            "$": coin("доллар|доллара|долларов|доллара", minor="цент|цента|центов"),
            "USD": coin("доллар США|доллара США|долларов США|доллара США", minor="цент|цента|центов"),
            "RUB": coin("рубль|рубля|рублей|рубля", minor="копейка|копейки|копеек", minor_gender="f"),
            "GBP": coin("фунт|фунта|фунтов|фунта", minor="пенс|пенса|пенсов"),
            "¥": coin("иена|иены|иен|иены", "f"),
            "JPY": coin("иена|иены|иен|иены", "f"),
            "CNY": coin("юань|юаня|юаней|юаня"),
            "KRW": coin("вона|воны|вон|воны", "f"),
            "UAH": coin("гривна|гривны|гривен|гривны", "f", minor="копейка|копейки|копеек", minor_gender="f"),
            "CHF": coin("франк|франка|франков|франка", minor="сантим|сантима|сантимов"),
        }
    )
    feminine_coins = frozenset({"SEK", "NOK", "DKK", "CZK", "INR", "TRY"})
    coin_words = table(**{"руб.": "RUB", "рублей": "RUB", "рубля": "RUB", "руб": "RUB", "р.": "RUB", "евро": "EUR"})
    ordinal_pattern = r"(?:-(?:[аыо]?)(?P<mark>й|я|е|го|му|м|ю)\b|(?= этаже?\b))"
    date_patterns = (
        # "с 1 по 5 мая": the first day is of the same month.
        r"(?P<day>[0-3]?[0-9])(?= ?(?:по |до |[-–] ?)[0-3]?[0-9] (?P<month>{months})\b)(?P<year>)",
        r"(?P<day>[0-3]?[0-9]) (?P<month>{months})\b(?:\.(?= ?[0-9]))?" + _YEAR,
    )
    clock_patterns = (CLOCK,)
    year_pattern = r"(?P<year>[12][0-9]{3}) ?(?P<mark>г\.|год(?:а|у|ом|е)?\b)"

    def cardinal(self, value: int, form: Form = PLAIN) -> str:
        words = spoken(value, self.num2words, case=form.case, gender=form.gender or "m")
        # Nobody says "one thousand" unless asked how many.
        return re.sub(r"^одн(?:а|ой|у) (?=тысяч)", "", words)

    def decimal(self, number: Number, form: Form) -> str:
        if len(number.fraction) not in _TENTHS:
            return super().decimal(number, form)
        of_parts = Form("f", form.case)
        whole, parts = int(number.whole[-12:]), int(number.fraction)
        name = _TENTHS[len(number.fraction)] + _part_ending(parts, form.case)
        wholes = "цел" + _part_ending(whole, form.case)
        return self.join(self.whole(str(whole), of_parts), wholes, self.cardinal(parts, of_parts), name)

    def span(self, low: Number, high: Number, form: Form, context: Context) -> str:
        first, last = self.number(low, form), self.number(high, form)
        return f"{first} — {last}" if " " in first + last else f"{first}-{last}"

    def mixed_number(self, whole: int, over: int, under: int) -> str:
        return "полтора" if (whole, over, under) == (1, 1, 2) else super().mixed_number(whole, over, under)

    def plural(self, number: Number, form: Form = PLAIN) -> str:
        if form.case in ("g", "d") and not number.fraction:
            return "other" if _last(int(number.whole[-2:])) == 1 else "many"
        return super().plural(number, form)

    def noun_form(self, number: Number, context: Context) -> Form:
        """Words after a number tell its gender by their ending: две минуты, два часа."""
        case = _case(context.before)
        noun = context.after.lower()
        if noun.endswith(("ами", "ями")):
            case = "i"
        if noun.endswith(("ах", "ях")) or (case == "a" and noun.endswith("е") and not noun.endswith("ие")):
            case = "p"
        last = _last(int(number.whole[-2:]))
        if len(noun) < 3 or noun in _NOT_NOUNS or number.fraction:
            return Form("", case)
        if last == 1 and noun.endswith(("у", "ю")):
            return Form("f", "a")
        if last == 1:
            return Form(_gender(noun, case), case)
        return Form("f" if last == 2 and noun.endswith(("ы", "и", "ые", "ие")) else "m", case)

    def unit_form(self, unit: Unit, context: Context) -> Form:
        return Form(super().unit_form(unit, context).gender, _case(context.before))

    def price_per(self, name: str) -> str:
        return self.per(name).replace("{0} на ", "{0} за ")

    def coin_form(self, gender: Gender, context: Context) -> Form:
        return Form(gender, _case(context.before))

    def measure(self, number: Number, words: str, unit: Unit, form: Form) -> str:
        measured = super().measure(number, words, unit, form)
        if form == Form("f", "a") and self.plural(number, form) == "one":
            return re.sub(r"(?<=\w)а(?= |$)", "у", measured)
        return measured

    def ends_sentence(self, written: str, following: str) -> bool:
        """Kopecks go on with roubles."""
        return following[:1].isalpha() and super().ends_sentence(written, following)

    def ordinal(self, value: int, mark: str, context: Context) -> str | None:
        form = _ORDINALS.get(mark, Form("m", "p" if context.after == "этаже" else "n"))
        return spoken(value, self.num2words, "ordinal", form.case, form.gender)

    def year(self, year: int, context: Context) -> str:
        return spoken(year, self.num2words, "ordinal", "g", "m") + " года"

    def lone_year(self, year: int, mark: str, context: Context) -> str | None:
        noun = mark if mark != "г." else "году" if context.before in ("в", "во") else "года"
        return self.join(spoken(year, self.num2words, "ordinal", _YEAR_CASES[noun.lower()], "m"), noun)

    def date(self, date: Date, context: Context) -> str:
        """The day of an event stands in the genitive, a day that is named or alone in the nominative."""
        is_named = context.before in _NAMES_THE_DAY or context == Context("", "")
        case = "n" if is_named else "d" if context.before in _DATIVE else "g"
        day = spoken(date.day, self.num2words, "ordinal", case, "n")
        return self.join(day, month_name(self.locale, date.month), self.year(date.year, context) if date.year else "")

    def clock(self, clock: Clock, context: Context) -> str:
        case: Case = "d" if context.before in _DATIVE else "g" if context.before in _GENITIVE else "n"
        hour = self.cardinal(clock.hour, Form("m", case))
        if clock.minute:
            zero = self.cardinal(0, Form("m", "n")) if clock.minute < 10 else ""
            return self.join(hour, zero, self.cardinal(clock.minute, Form("m", case)), self.seconds(clock))
        category = self.plural(Number(str(clock.hour)), Form("m", case))
        hours = "часам" if case == "d" and category == "many" else self.unit_name("duration-hour", category)
        return self.join(hour, hours.replace("{0} ", ""), self.seconds(clock))


# Nothing in their ending tells them from masculine nouns.
_FEMININE_NOUNS = frozenset({"дверь", "ночь", "часть", "печь", "сеть", "площадь", "запись", "модель", "очередь"})
_FEMININE_PLACES = frozenset({"комнате", "зоне", "спальне", "квартире", "кухне", "ванной", "лампе", "группе", "сцене"})
_NOT_NOUNS = frozenset({"или", "для", "если", "при", "под", "над", "это", "были", "был", "была", "после"})


def _case(before: str) -> Case:
    if before in _GENITIVE:
        return "g"
    return "a" if before in _ACCUSATIVE else "d" if before in _DATIVE else "n"


def _last(value: int) -> int:
    """The digit that a noun agrees with; 0 for the teens, which agree like it."""
    return 0 if 10 < value % 100 < 20 else value % 10


def _gender(noun: str, case: Case) -> Gender:
    if case == "p":
        return "f" if noun in _FEMININE_PLACES else "m"
    if case == "g":
        return "f" if noun.endswith(("ы", "и", "ой", "ей")) else "m"
    return "f" if noun.endswith(("а", "я")) or noun in _FEMININE_NOUNS else "n" if noun.endswith(("о", "е")) else "m"


def _part_ending(count: int, case: Case) -> str:
    """Of `целая` and `десятая` after so many."""
    if _last(count) == 1:
        return {"g": "ой", "d": "ой", "a": "ую"}.get(case, "ая") if count else "ых"
    return {"d": "ым", "i": "ыми"}.get(case, "ых")
