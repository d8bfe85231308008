"""The tab of the test workflow: what one more tab costs."""

from tabs.parts.page import Page
from tabs.parts.stage import stage
from tests.tabs.quieter import WORKFLOW

TITLE = "Quieter"
ORDER = 30


def render(page: Page) -> None:
    stage(page, WORKFLOW, action="Make it quieter", invitation="Choose a sound.")
