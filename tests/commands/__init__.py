"""The commands of `manage.py`, run as a shell runs them, on a database of their own."""
