"""Reference implementations for the book on training neural networks.

Each module is one topic of the lecture and is named by the word that its chapter uses.
Importing the package needs NumPy alone.
"""

__version__ = "0.1.0"
