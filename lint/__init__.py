"""Rules of this house that no ready-made linter knows; `python -m lint` is part of `make check`."""
