"""Tests of the gateways against published vectors, and against simulators over real HTTP."""
