"""A studio whose jobs are served by chosen engines, with tiny weights where they need any."""

from contextlib import contextmanager
from dataclasses import dataclass, field

from app import known
from engines import catalog
from studio.settings import Settings
from studio.studio import Studio
from tests import tiny


@dataclass
class Lender:
    """Lends each engine as `tests.tiny.engine` gives it, always the same one."""

    lent: dict = field(default_factory=dict)

    def identity(self, engine):
        return catalog.entry(engine).identity()

    def expect(self, job, engines, tell):
        """Every engine is at hand."""

    def withdraw(self, job):
        """Nothing is fetched ahead."""

    def relieve(self, engine, error):
        return False

    @contextmanager
    def lease(self, engine, job="", check=None):
        if engine not in self.lent:
            self.lent[engine] = tiny.engine(engine)
        yield self.lent[engine]


def studio_with(folder, **engines):
    """Return a studio of that data folder; `engines` (role -> id) stand before those of `draft`."""

    def chosen(needs, quality):
        roles = {need.role for need in needs}
        mine = {role: id_ for role, id_ in engines.items() if role in roles}
        others = [need for need in needs if need.role not in mine]
        return {**catalog.engines_for(others, "draft"), **mine}

    return Studio(Settings(data_dir=folder), known(), Lender(), chosen)
