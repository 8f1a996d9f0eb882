"""Does a trait amplify when a language model is trained on its own outputs?"""

__version__ = "0.1.0"
