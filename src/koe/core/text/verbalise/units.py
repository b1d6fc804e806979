"""Unit symbols, and the names that CLDR gives to units."""

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import lru_cache

from koe.core.text.verbalise.values import Unit

SYMBOLS: Mapping[str, str] = {
    "%": "concentr-percent",
    "％": "concentr-percent",
    "‰": "concentr-permille",
    "°": "angle-degree",
    "°C": "temperature-celsius",
    "℃": "temperature-celsius",
    "ºC": "temperature-celsius",
    "° C": "temperature-celsius",
    "°F": "temperature-fahrenheit",
    "℉": "temperature-fahrenheit",
    "ºF": "temperature-fahrenheit",
    "K": "temperature-kelvin",
    "km/h": "speed-kilometer-per-hour",
    "kmh": "speed-kilometer-per-hour",
    "kph": "speed-kilometer-per-hour",
    "m/s": "speed-meter-per-second",
    "mph": "speed-mile-per-hour",
    "kn": "speed-knot",
    "kt": "speed-knot",
    "GWh": "gigawatt-hour",
    "MWh": "megawatt-hour",
    "kWh": "energy-kilowatt-hour",
    "Wh": "watt-hour",
    "GW": "power-gigawatt",
    "MW": "power-megawatt",
    "kW": "power-kilowatt",
    "W": "power-watt",
    "mW": "power-milliwatt",
    "VA": "volt-ampere",
    "kVA": "kilovolt-ampere",
    "var": "var",
    "kvar": "kilovar",
    "kV": "kilovolt",
    "V": "electric-volt",
    "mV": "millivolt",
    "A": "electric-ampere",
    "mA": "electric-milliampere",
    "Ah": "ampere-hour",
    "mAh": "milliampere-hour",
    "Ω": "electric-ohm",
    "µS": "microsiemens",
    "mS": "millisiemens",
    "Hz": "frequency-hertz",
    "kHz": "frequency-kilohertz",
    "MHz": "frequency-megahertz",
    "GHz": "frequency-gigahertz",
    "hPa": "pressure-hectopascal",
    "kPa": "pressure-kilopascal",
    "MPa": "pressure-megapascal",
    "Pa": "pressure-pascal",
    "mbar": "pressure-millibar",
    "bar": "pressure-bar",
    "psi": "pressure-pound-force-per-square-inch",
    "inHg": "pressure-inch-ofhg",
    "mmHg": "pressure-millimeter-ofhg",
    "ppm": "concentr-permillion",
    "ppb": "per-billion",
    "lx": "light-lux",
    "lm": "light-lumen",
    "dB": "decibel",
    "dBA": "decibel",
    "dB(A)": "decibel",
    "dBm": "decibel-milliwatt",
    "µm": "length-micrometer",
    "mm": "length-millimeter",
    "cm": "length-centimeter",
    "m": "length-meter",
    "km": "length-kilometer",
    "in": "length-inch",
    "ft": "length-foot",
    "yd": "length-yard",
    "mi": "length-mile",
    "cm²": "area-square-centimeter",
    "m²": "area-square-meter",
    "m2": "area-square-meter",
    "㎡": "area-square-meter",
    "km²": "area-square-kilometer",
    "ft²": "area-square-foot",
    "ha": "area-hectare",
    "m³": "volume-cubic-meter",
    "m3": "volume-cubic-meter",
    "㎥": "volume-cubic-meter",
    "ft³": "volume-cubic-foot",
    "L": "volume-liter",
    "l": "volume-liter",
    "dL": "volume-deciliter",
    "dl": "volume-deciliter",
    "cl": "volume-centiliter",
    "mL": "volume-milliliter",
    "ml": "volume-milliliter",
    "gal": "volume-gallon",
    "t": "mass-tonne",
    "kg": "mass-kilogram",
    "g": "mass-gram",
    "mg": "mass-milligram",
    "µg": "mass-microgram",
    "ug": "mass-microgram",
    "lb": "mass-pound",
    "lbs": "mass-pound",
    "oz": "mass-ounce",
    "B": "digital-byte",
    "kB": "digital-kilobyte",
    "KB": "digital-kilobyte",
    "MB": "digital-megabyte",
    "GB": "digital-gigabyte",
    "TB": "digital-terabyte",
    "KiB": "kibibyte",
    "MiB": "mebibyte",
    "GiB": "gibibyte",
    "TiB": "tebibyte",
    "bit": "digital-bit",
    "kbit": "digital-kilobit",
    "Mbit": "digital-megabit",
    "Gbit": "digital-gigabit",
    "kbps": "digital-kilobit/duration-second",
    "Mbps": "digital-megabit/duration-second",
    "Gbps": "digital-gigabit/duration-second",
    "µs": "duration-microsecond",
    "ms": "duration-millisecond",
    "s": "duration-second",
    "sec": "duration-second",
    "min": "duration-minute",
    "h": "duration-hour",
    "hr": "duration-hour",
    "hrs": "duration-hour",
    "d": "duration-day",
    "J": "energy-joule",
    "kJ": "energy-kilojoule",
    "cal": "energy-calorie",
    "kcal": "energy-kilocalorie",
    "rpm": "revolution-per-minute",
    "RPM": "revolution-per-minute",
}

SYMBOLS = {**SYMBOLS, **{symbol.replace("µ", "μ"): name for symbol, name in SYMBOLS.items() if "µ" in symbol}}
"""With the micro sign or the Greek letter."""

PER_SYMBOLS: Mapping[str, str] = {"100 km": "hundred-kilometers", "100km": "hundred-kilometers"}
"""What only stands after a slash."""

# These are words as well ("3 in the kitchen", "me quedan 5 mi amor"): after a space they are units only
# where no word follows.
WEAK = frozenset({"in", "mi", "d", "с", "г"})

_NO_WORD_GOES_ON = r"(?![A-Za-zÀ-ɏЀ-ӿ0-9²³]|['’]\w)"
_SPACE = "[ \u00a0\u202f\u2009]"


def pattern(symbols: Iterable[str], per_symbols: Iterable[str]) -> str:
    """The unit after a number, with its space: groups `gap`, `unit`, `per`."""
    unit, per = _alternation(symbols), _alternation(per_symbols)
    return f"(?P<gap>{_SPACE}?)(?P<unit>{unit})(?:/(?P<per>{per}))?{_NO_WORD_GOES_ON}"


def per_pattern(symbols: Iterable[str]) -> str:
    """What a price is counted by: `/kWh`, in the group `per`."""
    return f"/{_SPACE}?(?P<per>{_alternation(symbols)}){_NO_WORD_GOES_ON}"


def _alternation(symbols: Iterable[str]) -> str:
    return "|".join(re.escape(symbol) for symbol in sorted(symbols, key=len, reverse=True))


def unit(symbols: Mapping[str, str], symbol: str, per: str) -> Unit:
    """The unit behind a symbol that `pattern` matched, by the name of another or by none."""
    name, _, own_per = symbols[symbol].partition("/")
    return Unit(name, per or own_per)


# A number in each plural category that any CLDR locale asks for, per locale on demand.
_SAMPLES = ("1", "2", "5", "11", "1.5", "0", "3", "1000000")


@lru_cache(maxsize=4096)
def cldr_name(locale: str, unit_name: str, category: str) -> str | None:
    """The long name in that plural category, as a pattern with `{0}`; None where CLDR has none."""
    from babel.numbers import format_decimal
    from babel.units import UnknownUnitError, format_unit

    number = sample(locale, category)
    try:
        shown = format_unit(number, unit_name, length="long", locale=locale)
    except UnknownUnitError:
        return None
    named = _spaced(shown.replace(format_decimal(number, locale=locale), "{0}"))
    # Babel falls back to the identifier where the locale only has shorter names.
    return None if unit_name in named else named


@lru_cache(maxsize=512)
def cldr_per(locale: str, unit_name: str) -> str:
    """`{0} per hour` for that unit, as a pattern; "" where CLDR has none."""
    from babel.units import UnknownUnitError, format_compound_unit, format_unit

    numerator = "mass-kilogram"
    try:
        bare = format_unit(5, numerator, length="long", locale=locale)
        whole = format_compound_unit(5, numerator, denominator_unit=unit_name, length="long", locale=locale)
    except UnknownUnitError:
        return ""
    return _spaced(whole.replace(bare, "{0}")) if whole and bare in whole else ""


def _spaced(named: str) -> str:
    """CLDR ties numbers to units with no-break spaces: nothing breaks in speech."""
    return named.replace("\u00a0", " ").replace("\u202f", " ")


@lru_cache(maxsize=256)
def sample(locale: str, category: str) -> Decimal:
    from babel import Locale

    plural = Locale.parse(locale).plural_form
    samples = map(Decimal, _SAMPLES)
    return next((sample for sample in samples if plural(sample) == category), Decimal(5))


@lru_cache(maxsize=4096)
def plural_category(locale: str, number: str) -> str:
    """CLDR's plural category of a decimal number (`one`, `few`, `many`, `other`, ...)."""
    from babel import Locale

    return Locale.parse(locale).plural_form(Decimal(number))
