"""Diptych from Python: ``Client`` has a method for every route of the API, and what takes more than one of them."""

from .client import ApiError, Client, Event

__all__ = ["ApiError", "Client", "Event"]
