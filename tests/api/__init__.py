"""Tests of the API over ASGI on the real database; where a story needs them, Temporal, workers and Paynow stand behind it."""
