"""German articles, prepositions and nouns: what a number word agrees with."""

import re

from koe.core.text.verbalise.values import Case, Form, Gender

WEEKDAYS = {
    **{"Mo.": "Montag", "Di.": "Dienstag", "Mi.": "Mittwoch", "Do.": "Donnerstag", "Fr.": "Freitag", "Sa.": "Samstag"},
    **{"So.": "Sonntag"},
}
ADJECTIVE = re.compile(
    "(?:neu|offen|ungelesen|verpasst|aktiv|weiter|fällig|laufend|geöffnet|eingeschaltet|wichtig|unbekannt|leer)"
    "(?P<ending>e|er|es|en)"
)
"""What stands between a number and the noun in what a house says; the ending tells the gender."""

ADJECTIVE_FORMS = {"e": Form("f"), "er": Form("m"), "es": Form("n"), "en": Form("m", "a")}
WEAK_ARTICLES = frozenset(
    {"der", "die", "das", "diese", "dieser", "dieses", "jede", "jeder", "jedes", "eine", "meine", "deine"}
    | {"seine", "ihre", "keine", "unsere"}
)
MIXED_ARTICLES = frozenset({"ein", "mein", "dein", "sein", "ihr", "kein", "unser"})
DATIVE = frozenset({"ab", "an", "aus", "bei", "binnen", "in", "innerhalb", "mit", "nach", "seit", "von", "vor", "zu"})
OBLIQUE = frozenset(
    {"am", "beim", "bis", "dem", "den", "des", "diesem", "diesen", "im", "jedem", "jeden", "oder", "und", "vom", "zum"}
    | {"zur", "einen", "einem", "einer", "meinen", "meinem", "meiner", "deinen", "deinem", "deiner"}
    | (DATIVE - {"innerhalb", "binnen"})
)
DETERMINERS = WEAK_ARTICLES | MIXED_ARTICLES | (OBLIQUE - DATIVE - {"bis", "und", "oder"})
ORDINAL_NOUNS = frozenset({"Stock", "Stockwerk", "Etage", "Obergeschoss", "Mal", "Platz", "Quartal", "Advent"})

ACCUSATIVE = frozenset(
    {"habe", "hast", "hat", "haben", "habt", "hatte", "hatten", "für", "um", "ohne", "gibt", "kostet", "kosten"}
    | {"braucht", "brauchst", "dauert", "dauern", "reicht", "spart", "finde", "lösche", "starte", "stelle", "setze"}
)
MASCULINE_NOUNS = frozenset(
    {"Tag", "Monat", "Termin", "Timer", "Wecker", "Alarm", "Anruf", "Eintrag", "Artikel", "Schalter", "Sensor", "Raum"}
    | {"Fehler", "Kontakt", "Rollladen", "Anhang", "Euro", "Cent", "Liter", "Meter", "Kilometer", "Zentimeter"}
)
# Capitalised words that are no nouns: before them an abbreviation's or an ordinal's full stop ended a sentence.
OPENERS = frozenset(
    {"Aber", "Also", "Bitte", "Da", "Danach", "Dann", "Das", "Dein", "Deine", "Der", "Die", "Dort", "Du", "Ein", "Eine"}
    | {"Er", "Es", "Gut", "Heute", "Hier", "Ich", "Ihr", "Im", "In", "Ist", "Jetzt", "Nun", "Sie", "Sind", "Soll"}
    | {"Und", "Wann", "Was", "Wenn", "Wie", "Willst", "Wir", "Wo", "Zudem", "Außerdem"}
)

FEMININE_NOUNS = frozenset({"Nacht", "Tür", "Person", "Kamera", "Nachricht", "Mail", "Wand", "App", "Box"})
FEMININE_ENDINGS = ("ung", "heit", "keit", "schaft", "tion", "tät", "tür", "uhr", "atur", "e")
NOT_FEMININE = frozenset({"Ende", "Gebäude", "Gelände", "Auge", "Gemüse", "Name", "Kunde", "Wochenende"})


def case_after(before: str) -> Case:
    return "d" if before in DATIVE else "a" if before in ACCUSATIVE else "n"


def noun_gender(noun: str) -> Gender:
    """Of unknown nouns as far as their ending tells; "n" takes the endings that suit most of the rest."""
    if noun in FEMININE_NOUNS or (noun.endswith(FEMININE_ENDINGS) and noun not in NOT_FEMININE):
        return "f"
    return "m" if noun in MASCULINE_NOUNS else "n"
