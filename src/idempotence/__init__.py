"""Does a trait amplify when a language model is trained on its own outputs?"""
