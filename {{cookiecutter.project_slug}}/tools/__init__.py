"""Development tools; the application imports nothing from here."""
