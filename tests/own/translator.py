"""Says everything backwards."""

from engines.roles import Translation


class Translator:
    def __init__(self, *, weights):
        self.weights = weights

    def translate(self, texts, source, target, progress, *, glossary=(), letters=()):
        progress(len(texts), len(texts))
        return tuple(Translation(text[::-1]) for text in texts)

    def pairs(self):
        return frozenset({("en", "xx")})
