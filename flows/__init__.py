"""Compositions that read like sentences. The same flow runs from the terminal, a schedule, the UI and the API."""
