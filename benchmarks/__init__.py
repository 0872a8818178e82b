"""Measurements on the whole product, run by people (`make soak`, `make bench`); nothing here ships."""
