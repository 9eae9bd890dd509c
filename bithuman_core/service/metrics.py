"""Figures of one process for Prometheus; those of the whole installation come from the database."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.005, 0.02, 0.1, 0.5, 2.0, 10.0)
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
        self._gauges = {
            name: Gauge(name, told, **more)
            for name, told in {
                "queue": "Jobs that wait or are worked on, of the installation",
                "agents": "Agents of the installation",
                "sessions": "Avatars that are live in this process",
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

    def told(self, figures: Mapping[str, Callable[[], float]]) -> bytes:
        """All of them as Prometheus reads them; figures: those of this moment."""
        for name, figure in figures.items():
            self._gauges[name].set(figure())
        return generate_latest(self._registry)
