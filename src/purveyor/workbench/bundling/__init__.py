"""Makes bundles: finds out which files are wanted, fetches them, and writes them into one file."""
