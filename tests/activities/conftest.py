"""Activities are called by hand, beside the same engine and business as the workflows' tests."""

from tests.workflows.fixtures import bench, engine

__all__ = ["bench", "engine"]
