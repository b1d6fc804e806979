"""What French, Italian, Portuguese and Spanish have in common."""

from typing import ClassVar

from koe.core.text.verbalise.languages.base import Language
from koe.core.text.verbalise.months import month_name
from koe.core.text.verbalise.values import PLAIN, Context, Date, Form, Number


class Romance(Language):
    minus = "menos"
    date_marks = "/.-"
    of: ClassVar[str] = ""
    """Between day, month and year."""

    def fraction(self, digits: str) -> str:
        """Two or three digits are said as a number behind their zeros: `virgule zéro cinq`, `virgule quatorze`."""
        figures = digits.lstrip("0")
        if len(digits) > 3 or not figures:
            return self.digits(digits)
        return self.join(*(self.cardinal(0) for _ in range(len(digits) - len(figures))), self.cardinal(int(figures)))

    def noun_form(self, number: Number, context: Context) -> Form:
        noun = context.after.lower()
        if not noun or number.fraction:
            return PLAIN
        if self.is_feminine(noun):
            return Form("f")
        return Form("m") if self.is_masculine(noun) else PLAIN

    def is_feminine(self, noun: str) -> bool:
        raise NotImplementedError

    def is_masculine(self, noun: str) -> bool:
        """Whether the word is a noun at all, as far as its shape tells."""
        return not self.is_feminine(noun)

    def first(self) -> str:
        """The first of a month."""
        raise NotImplementedError

    def date(self, date: Date, context: Context) -> str:
        day = self.first() if date.day == 1 else self.cardinal(date.day)
        year = (self.of, self.year(date.year, context)) if date.year else ()
        return self.join(day, self.of, month_name(self.locale, date.month), *year)
