"""``make feature``: write a feature with its tests and its migration, or nothing."""


class FeatureError(Exception):
    """No feature is written; the message is one line that says what to write instead."""
