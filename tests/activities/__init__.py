"""Tests of activities called by hand: what happens twice is harmless, and what became pointless is not done."""
