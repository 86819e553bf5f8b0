"""Inventories as other programs read and write them: JSON, CSV, XML. Pure: values to text, and hostile text to values."""
