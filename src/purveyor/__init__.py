"""Purveyor, the Python package index you run yourself, and the workbench around it."""

__version__ = "0.1.0"
