"""An image from pieces that are here already and pieces that are fetched: for repairing what decayed and updating what is held."""
