"""How Microsoft gives its images: the evaluation centre's pages, and the download connector behind the consumer pages."""
