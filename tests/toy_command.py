"""The command line over the kernel's toy workflow: what the front door is to the real ones."""

import sys

from studio.command import House, main
from studio.doctor import Finding
from studio.studio import Studio
from tests.studio import toy

WORKFLOWS = {"toy": toy.WORKFLOW}

HOUSE = House(
    workflows=lambda: WORKFLOWS,
    open_studio=lambda settings: Studio(settings, WORKFLOWS, toy.Shelf(), toy.engines_for),
    serve=lambda settings: sys.stdout.write(f"{settings.host}:{settings.port}\n") and None,
    weights=lambda workflow, quality, engines, languages: [],
    inspect=lambda settings: [Finding("glue", "broken", "none left", "buy some")],
)

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], HOUSE))
