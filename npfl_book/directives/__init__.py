"""What authors write in the text of a page."""
