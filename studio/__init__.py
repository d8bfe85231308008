"""The kernel: settings, errors, artefacts, steps, jobs, library. Knows nothing of sound or models."""
