"""Whole stories over the real stack: every part a process of its own, as a user has it."""
