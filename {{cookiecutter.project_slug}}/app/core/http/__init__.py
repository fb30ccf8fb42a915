"""Errors over HTTP for features: how they are answered, and how a route documents them."""

from app.core.http.exception_handlers import add_exception_handlers
from app.core.http.problem_details import problems

__all__ = ["add_exception_handlers", "problems"]
