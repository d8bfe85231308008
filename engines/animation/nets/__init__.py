"""Networks for which no package is fit: own code, official state dicts."""
