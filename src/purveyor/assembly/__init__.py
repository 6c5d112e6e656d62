"""Puts the house together: the only package that names an adapter."""

from purveyor.assembly.server import asgi_app, serve
from purveyor.assembly.stores import cleaner, data_directory, has_index, safekeeping
from purveyor.assembly.use_cases import TOKEN_FILE, application, first_token

__all__ = ["TOKEN_FILE", "application", "asgi_app", "cleaner", "data_directory", "first_token", "has_index", "safekeeping", "serve"]
