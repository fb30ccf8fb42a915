"""Writes a new feature: its folder, its factory, and its tests in the three folders."""
