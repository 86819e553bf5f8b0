"""Configuration that Prefect keeps, with forms in its UI; each builds domain objects and holds no logic of its own."""
