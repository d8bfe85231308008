"""What the doctor finds about ffmpeg."""

import subprocess

from media.tools import find_ffmpeg
from studio.doctor import Finding
from studio.errors import MissingWeights


def inspect_ffmpeg() -> Finding:
    """Tell which ffmpeg is used, and whether it starts."""
    try:
        program = find_ffmpeg()
        done = subprocess.run(
            [program, "-version"], capture_output=True, timeout=20, check=True, text=True
        )
    except MissingWeights as error:
        return Finding("ffmpeg", "broken", str(error), error.remedy)
    except (OSError, subprocess.SubprocessError) as error:
        return Finding("ffmpeg", "broken", f"does not start: {error}", "apt-get install ffmpeg")
    return Finding("ffmpeg", "ok", f"{' '.join(done.stdout.split()[:3])} at {program}")
