"""Units in Russian: Cyrillic symbols, and names that CLDR lacks (one, few, many, fraction)."""

from collections.abc import Mapping
from types import MappingProxyType

from koe.core.text.verbalise import units
from koe.core.text.verbalise.languages.tables import forms

SYMBOLS: Mapping[str, str] = MappingProxyType(
    {
        **units.SYMBOLS,
        "°С": "temperature-celsius",  # with the Cyrillic letter, as keyboards make it
        "км/ч": "speed-kilometer-per-hour",
        "м/с": "speed-meter-per-second",
        "кВт·ч": "energy-kilowatt-hour",
        "кВт⋅ч": "energy-kilowatt-hour",
        "кВтч": "energy-kilowatt-hour",
        "Вт·ч": "watt-hour",
        "МВт·ч": "megawatt-hour",
        "Вт": "power-watt",
        "кВт": "power-kilowatt",
        "В": "electric-volt",
        "мВ": "millivolt",
        "А": "electric-ampere",
        "мА": "electric-milliampere",
        "мкСм": "microsiemens",
        "мСм": "millisiemens",
        "Гц": "frequency-hertz",
        "кГц": "frequency-kilohertz",
        "МГц": "frequency-megahertz",
        "гПа": "pressure-hectopascal",
        "кПа": "pressure-kilopascal",
        "мбар": "pressure-millibar",
        "бар": "pressure-bar",
        "мм рт. ст.": "pressure-millimeter-ofhg",
        "мм рт.ст.": "pressure-millimeter-ofhg",
        "лк": "light-lux",
        "дБ": "decibel",
        "мм": "length-millimeter",
        "см": "length-centimeter",
        "м": "length-meter",
        "км": "length-kilometer",
        "м²": "area-square-meter",
        "м³": "volume-cubic-meter",
        "л": "volume-liter",
        "мл": "volume-milliliter",
        "т": "mass-tonne",
        "кг": "mass-kilogram",
        "г": "mass-gram",
        "мг": "mass-milligram",
        "мкг": "mass-microgram",
        "КБ": "digital-kilobyte",
        "МБ": "digital-megabyte",
        "ГБ": "digital-gigabyte",
        "ТБ": "digital-terabyte",
        "Мбит": "digital-megabit",
        "мс": "duration-millisecond",
        "с": "duration-second",
        "сек": "duration-second",
        "мин": "duration-minute",
        "ч": "duration-hour",
        "дн.": "duration-day",
        "коп.": "kopeck",
    }
)

PER_WORDS: Mapping[str, str] = MappingProxyType(
    {**units.PER_SYMBOLS, "100 км": "hundred-kilometers", "100км": "hundred-kilometers"}
)

NAMES = forms(
    {
        "kopeck": "копейка|копейки|копеек|копейки",
        "watt-hour": "ватт-час|ватт-часа|ватт-часов|ватт-часа",
        "megawatt-hour": "мегаватт-час|мегаватт-часа|мегаватт-часов|мегаватт-часа",
        "gigawatt-hour": "гигаватт-час|гигаватт-часа|гигаватт-часов|гигаватт-часа",
        "volt-ampere": "вольт-ампер|вольт-ампера|вольт-ампер|вольт-ампера",
        "kilovolt-ampere": "киловольт-ампер|киловольт-ампера|киловольт-ампер|киловольт-ампера",
        "var": "вар|вара|вар|вара",
        "kilovar": "киловар|киловара|киловар|киловара",
        "kilovolt": "киловольт|киловольта|киловольт|киловольта",
        "millivolt": "милливольт|милливольта|милливольт|милливольта",
        "microsiemens": "микросименс|микросименса|микросименс|микросименса",
        "millisiemens": "миллисименс|миллисименса|миллисименс|миллисименса",
        "ampere-hour": "ампер-час|ампер-часа|ампер-часов|ампер-часа",
        "milliampere-hour": "миллиампер-час|миллиампер-часа|миллиампер-часов|миллиампер-часа",
        "concentr-permillion": "часть на миллион|части на миллион|частей на миллион|части на миллион",
        "per-billion": "часть на миллиард|части на миллиард|частей на миллиард|части на миллиард",
        "decibel": "децибел|децибела|децибел|децибела",
        "decibel-milliwatt": "децибел-милливатт|децибел-милливатта|децибел-милливатт|децибел-милливатта",
        "revolution-per-minute": "оборот в минуту|оборота в минуту|оборотов в минуту|оборота в минуту",
        "kibibyte": "кибибайт|кибибайта|кибибайт|кибибайта",
        "mebibyte": "мебибайт|мебибайта|мебибайт|мебибайта",
        "gibibyte": "гибибайт|гибибайта|гибибайт|гибибайта",
        "tebibyte": "тебибайт|тебибайта|тебибайт|тебибайта",
    }
)
