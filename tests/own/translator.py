"""Says everything backwards."""


class Translator:
    def __init__(self, *, weights):
        self.weights = weights

    def translate(self, texts, source, target, progress):
        progress(len(texts), len(texts))
        return tuple(text[::-1] for text in texts)

    def pairs(self):
        return frozenset({("en", "xx")})
