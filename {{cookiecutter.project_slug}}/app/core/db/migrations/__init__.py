"""Migrations that run in production: lock retry, migration lock, errors, online operations."""
