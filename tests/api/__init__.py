"""Tests of the API over ASGI, on the real database and, where a story needs them, with Temporal, workers and Paynow behind it."""
