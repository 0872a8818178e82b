"""What all workflow tests are handed: see `fixtures.py`."""

from tests.workflows.fixtures import bench, engine

__all__ = ["bench", "engine"]
