"""Measures Purveyor beside other servers; `python -m benchmarks --help` says how, README.md says what."""
