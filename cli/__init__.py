"""The `isomanager` command: thin, over the domain for what only looks, over the flows for what changes things."""
