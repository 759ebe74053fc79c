"""How a class did."""
