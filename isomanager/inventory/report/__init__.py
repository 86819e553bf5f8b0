"""What a library adds up to: figures, the page that shows them, dated snapshots, and files for other programs. Pure."""
