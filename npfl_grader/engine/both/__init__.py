"""What either side of the wall may import."""
