"""Takes everything for speech."""

from media.speech import Span


class Detector:
    def detect(self, audio, progress):
        progress(1, 1)
        return (Span(0.0, 1.0),)


class Loads(Detector):
    def __init__(self, *, weights, second):
        self.weights, self.second = weights, second
