"""The domain of isomanager: everything that is decided or done with ISO images, without a word of Prefect."""
