"""The rules: pure functions over frozen dataclasses, standard library only, time and ids handed in."""
