"""Tests of the workflows with their real activities on the real database, on a Temporal server that skips time."""
