"""What `purveyor doctor` knows to look for, one subject a module; `cli/doctor.py` puts them together."""
