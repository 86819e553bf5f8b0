"""One module for each shape in which upstreams say what they offer. Pure: text in, names or candidates out."""
