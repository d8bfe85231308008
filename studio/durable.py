"""The durable queue: DBOS workflows on SQLite or Postgres. Imported late, since DBOS takes half a second.

One DBOS workflow is one run of one job. It says which job, nothing more: what is finished of it
is in the step memory, so a workflow that DBOS recovers after a crash finds its steps done.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from dbos import (
    DBOS,
    DBOSConfig,
    DBOSPortableJSONSerializer,
    Queue,
    SetWorkflowID,
    WorkflowSerializationFormat,
)

from studio.database import with_driver
from studio.settings import Settings

# How often a queue is looked at: each look a second takes half a percent of a core.
POLL_S, REST_S = 0.5, 1.5
VERSION = "understudy-1"  # constant: new code must go on with old jobs


@dataclass(slots=True)
class DurableQueue:
    """DBOS, launched. There is one in a process."""

    settings: Settings
    work: Callable[[str, int], None]  # runs a job: its id, the count of the run
    _workflow: Callable[[str, int], None] = field(init=False)
    _queues: tuple[Queue, ...] = field(default=(), init=False)
    _resting: bool = field(default=False, init=False)

    def launch(self) -> None:
        """Connect, take up what a crash left, and work on the queues."""
        config: DBOSConfig = {
            "name": "understudy",
            "system_database_url": with_driver(self.settings.database),
            "application_version": VERSION,
            "executor_id": self.settings.worker,
            "log_level": "WARNING",
            "serializer": DBOSPortableJSONSerializer(),  # never pickle
        }
        DBOS(config=config)
        work = self.work

        @DBOS.workflow(
            name="run_job",
            max_recovery_attempts=None,  # crashes are counted per step, by the runner
            serialization_type=WorkflowSerializationFormat.PORTABLE,
        )
        def run_job(id_: str, run: int) -> None:
            work(id_, run)

        self._workflow = run_job
        DBOS.launch()
        self._queues = tuple(
            DBOS.register_queue(name, worker_concurrency=jobs, polling_interval_sec=POLL_S)
            for name, jobs in (("gpu", 1), ("cpu", self.settings.cpu_jobs))
        )

    def put(self, queue: str, id_: str, run: int) -> None:
        """Queue a run of a job; doing it twice is doing it once."""
        with SetWorkflowID(f"{id_}.{run}"):
            DBOS.enqueue_workflow(queue, self._workflow, id_, run)

    def take_back(self, id_: str, run: int) -> None:
        """Let a run that waits go: as one that finds its job cancelled it would cost its turn."""
        DBOS.cancel_workflow(f"{id_}.{run}")

    def pace(self, *, resting: bool) -> None:
        """Look at the queues less often, or as often as before.

        Where machines share them nothing changes: one that rests does not slow the others down.
        """
        if resting != self._resting and not self.settings.shares_queue:
            for queue in self._queues:
                queue.set_polling_interval_sec(REST_S if resting else POLL_S)
            self._resting = resting

    def stop(self) -> None:
        """Let go; what still runs is recovered at the next launch."""
        DBOS.destroy(destroy_registry=True)
