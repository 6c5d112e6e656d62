from tests.importing.here import here

__all__ = ["here"]
