"""One retryable verb each, a few lines around a domain call. Flows compose them."""
