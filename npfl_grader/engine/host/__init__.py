"""The processes, and what the operating system does to confine them."""
