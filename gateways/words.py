"""A provider's own words, made fit to be stored and to be shown to people."""


def readable(text: str, longest: int) -> str:
    """`text` on one line, without what cannot be printed, cut to `longest` characters; empty when nothing is left."""
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(printable.split())[:longest]
