"""The checks of `purveyor verify`, one subject a module; `workbench/verifier.py` runs them in order."""
