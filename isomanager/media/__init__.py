"""What an image says of itself, and what it is therefore."""
