"""Figures of one process for Prometheus; those of the whole installation come from the database."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.005, 0.02, 0.1, 0.5, 2.0, 10.0)
TICK_SECONDS = (0.002, 0.004, 0.008, 0.016, 0.024, 0.032, 0.04, 0.08, 0.16)  # a tick has 40 ms
KINDS = ("room", "embed")  # of live avatars
JOBS, ENDS = ("agent", "video"), ("done", "again", "failed")
DELIVERED = ("done", "queued", "failed")
JOB_SECONDS = (1.0, 5.0, 15.0, 60.0, 240.0, 900.0)


class Metrics:
    """One registry a process."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        more = {"namespace": "bithuman", "registry": self._registry}
        self._requests = Counter("requests", "Requests by route and status", ["method", "route", "status"], **more)
        self._seconds = Histogram("request_seconds", "Time of a request", ["route"], buckets=SECONDS, **more)
        self._jobs = Counter("jobs", "Tries of jobs by kind and outcome", ["kind", "outcome"], **more)
        self._job_seconds = Histogram("job_seconds", "Time of a try", ["kind"], buckets=JOB_SECONDS, **more)
        self._deliveries = Counter("webhook_deliveries", "Tries of deliveries by outcome", ["outcome"], **more)
        self._live = Gauge("sessions", "Avatars that are live in this process, by where they are shown", ["kind"], **more)
        self._ticks = Histogram("tick_seconds", "Work of a tick of live avatars", ["kind"], buckets=TICK_SECONDS, **more)
        self._late = Counter("late_frames", "Pictures of live avatars that were not new in their tick", ["kind"], **more)
        self._places = Gauge("places", "Avatars that can be live in this process at once", ["kind"], **more)
        self._refused = Counter("refusals", "Visits and orders that found all places taken", ["kind"], **more)
        for kind in KINDS:  # so that they are there before the first one is live, and a first fault counts as one more than none
            for family in (self._live, self._ticks, self._late, self._places, self._refused):
                family.labels(kind)
        for kind in JOBS:
            self._job_seconds.labels(kind)
            for outcome in ENDS:
                self._jobs.labels(kind, outcome)
        for outcome in DELIVERED:
            self._deliveries.labels(outcome)
        ProcessCollector(registry=self._registry)  # memory, CPU time, open files; Linux alone has them
        self._gauges = {
            name: Gauge(name, told, **more)
            for name, told in {
                "queue": "Jobs that wait or are worked on, of the installation",
                "jobs_waiting": "Jobs that wait, of the installation",
                "jobs_running": "Jobs that are worked on, of the installation",
                "agents": "Agents of the installation",
            }.items()
        }

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """One was answered; ``route`` is its pattern, never an address that somebody made up."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def job(self, kind: str, outcome: str, seconds: float) -> None:
        """A try has ended."""
        self._jobs.labels(kind, outcome).inc()
        self._job_seconds.labels(kind).observe(seconds)

    def delivered(self, outcome: str) -> None:
        """A webhook was tried."""
        self._deliveries.labels(outcome).inc()

    def tick(self, kind: str, seconds: float, late: bool) -> None:
        """A live avatar of one of KINDS has moved on by 40 ms, with that much work."""
        self._ticks.labels(kind).observe(seconds)
        if late:
            self._late.labels(kind).inc()

    def live(self, kind: str, count: float) -> None:
        """How many are live."""
        self._live.labels(kind).set(count)

    def places(self, kind: str, count: int) -> None:
        """How many can be live."""
        self._places.labels(kind).set(count)

    def refused(self, kind: str) -> None:
        """Somebody found all places taken."""
        self._refused.labels(kind).inc()

    def told(self, figures: Mapping[str, Callable[[], float]]) -> bytes:
        """All of them as Prometheus reads them; figures: those of this moment."""
        for name, figure in figures.items():
            self._gauges[name].set(figure())
        return generate_latest(self._registry)
