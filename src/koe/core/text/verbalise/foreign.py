def rewrite_units(text: str, locale: str) -> str:
    return text
