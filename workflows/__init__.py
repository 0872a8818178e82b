"""Decisions and waiting, without IO. A workflow's `run` reads as the business process."""
