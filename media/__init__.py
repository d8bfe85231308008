"""Sound, pictures, subtitles and time: decode, measure, plan, mix, encode. No models."""
