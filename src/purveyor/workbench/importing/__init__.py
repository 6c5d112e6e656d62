"""Brings what another index has into this one: what each kind of source says of its files, and the run that fetches them."""
