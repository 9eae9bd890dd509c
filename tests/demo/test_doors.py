"""Who is kept waiting, who takes too much, who is not who they say: the real server, raw sockets, real offers."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from ipaddress import ip_network
from typing import Any

import gradio.queueing as queueing
import httpx
import pytest
from fastapi.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from bithuman_core.demo import gradio_records
from bithuman_core.demo.connections import Connections
from bithuman_core.demo.gallery import Gallery
from bithuman_core.demo.gradio_records import EVENTS, LEFT_PAGES, OPEN_PAGES, RecentPages
from bithuman_core.demo.limits import Limits
from bithuman_core.demo.refusal import Refusal
from bithuman_core.demo.routes.request_guard import COST
from bithuman_core.demo.server import make_app, make_context
from bithuman_core.demo.visitors.address import network_of
from bithuman_core.demo.visitors.shares import Shares
from bithuman_core.demo.visitors.uploads import HOUR, Uploads
from bithuman_core.demo.visitors.visitors import Visitors
from bithuman_core.demo.visitors.waiting_line import OFFER_IDLE, WaitingLine
from bithuman_core.fastrtc.avatar_engine import AvatarEngine
from bithuman_core.hosts import KnownHosts
from tests.demo.serving import demo_app, served
from tests.demo.test_server import sentence
from tests.demo.test_soak import Light
from tests.simulated import SimulatedClock

OFFICE, OTHERS = {"X-Forwarded-For": "203.0.113.7"}, {"X-Forwarded-For": "198.51.100.9"}
QUICK = Limits(header_seconds=0.3, silence_seconds=0.3, slow_seconds=0.6, connections_each=5, own_machine=True)


@pytest.fixture(scope="module")
def quick(gallery: Gallery) -> Iterator[str]:
    """A server without much patience."""
    with served(demo_app(gallery, places=1, limits=QUICK), trusted_proxies="") as url:
        yield url


@contextmanager
def connected(url: str) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", httpx.URL(url).port or 0), timeout=20) as line:
        yield line


def said(line: socket.socket) -> str:
    """All that the server says until it closes."""
    heard = b""
    try:
        while piece := line.recv(65536):
            heard += piece
    except ConnectionResetError:
        pass
    return heard.decode()


HALF_A_BODY = b"POST /visit/place HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{"
FORM = b"Content-Type: multipart/form-data; boundary=x\r\nContent-Length"
A_FORM = HALF_A_BODY.replace(b"/visit/place", b"/gradio_api/upload").replace(b"Content-Length", FORM)
HALF_A_FILE = A_FORM[:-1] + b'--x\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\n'


@pytest.mark.parametrize(
    ("begun", "status"),
    [
        (b"", ""),
        (b"GET /health HTT", "408"),
        (b"GET /health HTTP/1.1\r\nHost: loc", "408"),
        (HALF_A_BODY.replace(b"/visit/place", b"/gradio_api/queue/join"), "408"),
        (HALF_A_FILE, "408"),
    ],
)
def test_who_does_not_go_on_is_hung_up_on(quick: str, begun: bytes, status: str) -> None:
    with connected(quick) as line:
        line.sendall(begun)
        answer = said(line)
    assert answer.startswith(f"HTTP/1.1 {status}" if status else "") and bool(answer) == bool(status)
    if status:
        assert json.loads(answer.partition("\r\n\r\n")[2])["error"].endswith(".")


def test_a_request_that_drips_is_hung_up_on_however_often_it_drips(quick: str) -> None:
    with connected(quick) as line:
        line.sendall(HALF_A_FILE)
        line.settimeout(0.1)
        drops = 0
        answer = b""
        while not answer and drops < 100:  # every one well within the time that a body may be silent
            with suppress(TimeoutError):
                answer = line.recv(100)
            line.sendall(b"-")
            drops += 1
    assert answer.startswith(b"HTTP/1.1 408") and drops > 2


def test_a_form_that_is_none_gets_a_sentence_and_no_traceback(quick: str) -> None:
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    for content in (b"{}", b"--y\r\n", b"--x\r\n\0: \0\r\n\r\n", b"--x" * 999):
        answer = httpx.post(f"{quick}/gradio_api/upload", content=content, headers=kind)
        assert answer.status_code < 500 and "Traceback" not in answer.text and "site-packages" not in answer.text
    assert "multipart/form-data" in sentence(httpx.post(f"{quick}/gradio_api/upload", content=b"{}", headers=kind), 400)


def test_an_upload_that_is_slow_but_steady_arrives(quick: str) -> None:
    content = b"slow" * 5000

    def slowly() -> Iterator[bytes]:
        wait = waits()
        yield b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.bin"\r\n\r\n'
        for start in range(0, len(content), 2000):
            wait(0.1)  # 1.0 s in all, where a body that brings nothing has 0.6 s
            yield content[start : start + 2000]
        yield b"\r\n--x--\r\n"

    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = httpx.post(f"{quick}/gradio_api/upload", content=slowly(), headers=kind, timeout=30)
    assert answer.status_code == 200 and len(answer.json()) == 1


def waits() -> Callable[[float], object]:
    """Lets the time pass in which a slow line would carry the next piece."""
    silent, other = socket.socketpair()

    def wait(seconds: float) -> None:
        assert other.fileno() >= 0
        silent.settimeout(seconds)
        with pytest.raises(TimeoutError):
            silent.recv(1)

    return wait


def test_an_address_has_so_many_connections_and_gets_them_back(quick: str) -> None:
    with ExitStack() as lines:
        for _ in range(QUICK.connections_each):
            lines.enter_context(connected(quick)).sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n")
        one_more = lines.enter_context(connected(quick))
        answer = said(one_more)
        assert answer.startswith("HTTP/1.1 429") and "retry-after" in answer and "your network" in answer.lower()
    assert httpx.get(f"{quick}/health").status_code == 200


class Line:
    def __init__(self) -> None:
        self.closed = False

    def is_closing(self) -> bool:
        return self.closed


def test_connections_are_counted_for_an_address_and_for_all_but_those_of_a_proxy_for_all_only() -> None:
    doors = Connections(Limits(connections=10, connections_each=3), [ip_network("10.0.0.0/8")])
    mine = [Line() for _ in range(4)]
    assert [doors.admit(line, "203.0.113.7") is None for line in mine] == [True, True, True, False]  # type: ignore[arg-type]
    assert doors.admit(Line(), "2001:db8::1") is None  # type: ignore[arg-type]
    assert [doors.admit(Line(), "10.1.1.1") is None for _ in range(7)] == [True] * 6 + [False]  # type: ignore[arg-type]
    mine[0].closed = True
    assert doors.admit(Line(), "198.51.100.9") is None and len(doors) == 10  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("host", "counted_as"),
    [("203.0.113.7", "203.0.113.7"), ("::ffff:203.0.113.7", "203.0.113.7"), ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
     ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"), ("127.0.0.1", None), ("::1", None), ("::ffff:127.0.0.1", None),
     (None, None), ("a socket", "a socket")],
)  # fmt: skip
def test_an_address_is_counted_as_what_one_customer_gets(host: str | None, counted_as: str | None) -> None:
    assert network_of(host) == counted_as


def test_a_share_is_given_back_however_its_work_ends() -> None:
    shares = Shares("uploads", 3, 2)
    with pytest.raises(ZeroDivisionError), shares.taking("a"), shares.taking("a"):
        with pytest.raises(Refusal) as mine:
            shares.take("a")
        with shares.taking("b"), pytest.raises(Refusal) as everybodys:
            shares.take("b")
        assert (mine.value.status, everybodys.value.status) == (429, 503) and mine.value.headers["Retry-After"]
        raise ZeroDivisionError
    assert shares.taken == 0


def test_uploads_are_counted_in_files_bytes_and_what_they_leave_on_the_disk() -> None:
    clock = SimulatedClock()
    limits = Limits(uploads_each=3, upload_bytes_each=100, stored_bytes_each=150, stored_bytes=400)
    uploads = Uploads(limits, clock)
    with uploads.taking("a", 60):
        for size in (50, 41):
            with pytest.raises(Refusal, match="bytes of uploads"), uploads.taking("a", size):
                pass
        with uploads.taking("a", 40), uploads.taking("b", 100):
            assert uploads.under_way == (3, 200)
    assert uploads.under_way == (0, 0)
    with pytest.raises(Refusal, match="in an hour"), uploads.taking("a", 100):
        pass
    clock.time += HOUR
    with uploads.taking("a", 100):
        pass
    assert uploads.under_way == (0, 0)


def test_who_is_refused_in_the_middle_of_an_upload_reads_why(gallery: Gallery) -> None:
    with served(demo_app(gallery, places=1, limits=Limits(stored_bytes_each=2**20, clip_bytes=2**20))) as url:
        for size, status in ((2**22, 429), (55 * 2**20, 413)):
            refused = httpx.post(f"{url}/gradio_api/upload", files={"files": bytes(size)}, headers=OFFICE, timeout=30)
            sentence(refused, status)


def test_an_office_opens_so_many_pages_and_others_still_come_in(gallery: Gallery) -> None:
    with served(demo_app(gallery, places=1, limits=Limits(visitors_each=3, posts=1000))) as url:
        opened = [httpx.post(f"{url}/visit", headers=OFFICE).status_code for _ in range(20)]
        assert opened == [200] * 3 + [429] * 17
        refused = httpx.post(f"{url}/visit", headers=OFFICE)
        assert "close one" in sentence(refused, 429) and int(refused.headers["Retry-After"]) > 0
        assert httpx.post(f"{url}/visit", headers=OTHERS).status_code == 200
        assert [httpx.post(f"{url}/visit").status_code for _ in range(5)] == [200] * 5  # programs of this machine


def test_a_flood_of_requests_of_one_address_is_cut_off_and_nobody_elses(gallery: Gallery) -> None:
    limits = Limits(posts=10, posts_per_second=0.001)
    with served(demo_app(gallery, places=1, limits=limits)) as url, httpx.Client(base_url=url) as client:
        told = [client.post("/visit/here", headers=OFFICE).status_code for _ in range(12)]
        assert told == [410] * 10 + [429] * 2
        assert client.post("/visit/here", headers=OTHERS).status_code == 410


def test_questions_of_one_address_are_cut_off_as_well(gallery: Gallery) -> None:
    limits = Limits(asks=4 * COST + 2, asks_per_second=0.001)
    with served(demo_app(gallery, places=1, limits=limits)) as url, httpx.Client(base_url=url) as client:
        assert [client.get("/", headers=OFFICE).status_code for _ in range(5)] == [200] * 4 + [429]
        assert [client.get("/health", headers=OFFICE).status_code for _ in range(3)] == [200] * 2 + [429]
        assert client.get("/", headers=OTHERS).status_code == 200 and client.get("/").status_code == 200


def test_a_full_server_makes_room_for_who_comes_by_closing_pages_that_are_silent(gallery: Gallery) -> None:
    visitors = visitors_of(gallery, visitors=3, visit_quiet=60)
    silent, standing, _ = visitors.open(), visitors.open(), visitors.open()
    standing.lines = 1
    with pytest.raises(Refusal, match="Too many people"):
        visitors.open()
    visitors._clock.time += 61  # type: ignore[attr-defined]
    assert visitors.open() and silent.closed and not standing.closed and len(visitors) == 3


def line_of(capacity: int, per_address: int) -> tuple[WaitingLine, SimulatedClock]:
    clock = SimulatedClock()
    return WaitingLine(capacity, clock, per_address), clock


def test_who_is_told_to_come_in_and_does_not_goes_to_the_end_of_the_line() -> None:
    line, clock = line_of(2, 2)
    assert [line.ahead(name, 0) for name in ("a", "b", "honest")] == [0, 0, 1]
    clock.time += OFFER_IDLE / 2
    assert [line.ahead(name, 0) for name in ("a", "b", "honest")] == [0, 0, 1]
    clock.time += OFFER_IDLE / 2
    assert [line.ahead(name, 0) for name in ("a", "b", "honest")] == [1, 2, 0] or line.ahead("honest", 0) == 0


def test_one_address_holds_so_many_places_and_lets_others_by() -> None:
    line, _ = line_of(3, 2)
    assert [line.ahead(name, 0, "office") for name in ("1", "2", "3")] == [0, 0, 1]
    assert line.ahead("home", 0, "home") == 0
    for name in ("1", "2", "home"):
        line.leave(name)
    assert line.ahead("3", 2, "office", {"office": 2}) == 1  # a place is free, and not for them
    assert line.ahead("4", 2, "elsewhere", {"office": 2}) == 0
    assert line.ahead("3", 1, "office", {"office": 1}) == 0


class NobodyConnected:
    pcs: dict[str, Any] = {}  # noqa: RUF012


def visitors_of(gallery: Gallery, **limits: Any) -> Visitors:
    clock = SimulatedClock()
    return Visitors(NobodyConnected(), gallery, AvatarEngine, Limits(**limits), WaitingLine(1, clock), clock)  # type: ignore[arg-type]


def test_an_office_has_so_many_in_the_line(gallery: Gallery) -> None:
    visitors = visitors_of(gallery, waiting_each=3)
    visits = [visitors.open("203.0.113.7") for _ in range(4)]
    assert [visitors.ahead(visit) for visit in visits[:3]] == [0, 1, 2]
    with pytest.raises(Refusal, match="network") as refused:
        visitors.ahead(visits[3])
    assert refused.value.status == 429
    assert visitors.ahead(visits[2]) == 2  # who waits goes on to wait
    assert visitors.ahead(visitors.open("198.51.100.9")) == 1  # they let others by


def test_avatars_on_their_way_count_before_they_have_come(gallery: Gallery) -> None:
    visitors = visitors_of(gallery, avatars=2, avatars_all=3)
    first, second = visitors.open(), visitors.open()
    with visitors.room_for_avatar(first), visitors.room_for_avatar(first):
        with pytest.raises(Refusal, match="remove one"), visitors.room_for_avatar(first):
            pass
        with visitors.room_for_avatar(second), pytest.raises(Refusal, match="server holds"), visitors.room_for_avatar(second):
            pass
    with visitors.room_for_avatar(second):
        pass


async def test_the_sweep_goes_on_where_one_visit_cannot_be_closed(gallery: Gallery, caplog: pytest.LogCaptureFixture) -> None:
    visitors = visitors_of(gallery, visit_idle=0.5)
    stubborn, other = visitors.open(), visitors.open()

    async def breaks(visit: Any) -> None:
        raise AttributeError("of aiortc's")

    stubborn_close, visitors.hang_up = visitors.hang_up, breaks  # type: ignore[method-assign]
    sweeping = asyncio.create_task(visitors.sweep())
    while len(visitors):
        await asyncio.sleep(0)
    visitors.hang_up = stubborn_close  # type: ignore[method-assign]
    again = visitors.open()
    while len(visitors):
        await asyncio.sleep(0)
    assert not sweeping.done() and all(visit.closed for visit in (stubborn, other, again))
    assert "could not be closed" in caplog.text
    sweeping.cancel()


@pytest.mark.parametrize(
    ("listens_on", "added", "known", "unknown"),
    [
        ("127.0.0.1", (), ("localhost:7860", "127.0.0.1", "[::1]:7860", "a.localhost"), ("evil.example", "", "127.0.0.1.nip.io")),
        ("127.0.0.1", ("avatar.example.org",), ("avatar.example.org", "localhost"), ("evil.example",)),
        ("0.0.0.0", (), ("evil.example", "192.168.1.5:7860", ""), ()),
        ("0.0.0.0", ("*.hf.space",), ("me-avatar.hf.space", "127.0.0.1:7860"), ("hf.space", "evil.example", "ahf.space")),
    ],
)
def test_a_server_answers_to_names_that_are_its_own(
    listens_on: str, added: tuple[str, ...], known: tuple[str, ...], unknown: tuple[str, ...]
) -> None:
    hosts = KnownHosts(listens_on, added)
    assert all(map(hosts.know, known)) and not any(map(hosts.know, unknown))


@pytest.fixture(scope="module")
def private(gallery: Gallery) -> Iterator[TestClient]:
    """A server for this machine alone."""
    app = make_app(make_context(gallery, places=1), "127.0.0.1", ["avatar.example.org"])[1]
    with TestClient(app, base_url="http://127.0.0.1:7860") as client:
        yield client


@pytest.mark.parametrize("path", ["/", "/health", "/visit", "/gradio_api/queue/join", "/gradio_api/upload", "/config"])
def test_a_name_that_is_not_the_servers_reads_and_changes_nothing(private: TestClient, path: str) -> None:
    for ask in (private.get, private.post):
        assert "--allowed-hosts" in sentence(ask(path, headers={"Host": "rebound.evil.example"}), 421)
    for host in ("avatar.example.org", "localhost:7860"):
        assert private.get("/health", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    ("headers", "let_in"),
    [
        ({}, True),  # a program
        ({"Sec-Fetch-Site": "same-origin", "Origin": "http://127.0.0.1:7860"}, True),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Origin": "http://127.0.0.1:7860"}, True),  # a browser of before 2023
        ({"Origin": "https://evil.example"}, False),
        ({"Origin": "null"}, False),
        ({"Origin": "https://avatar.example.org", "X-Forwarded-Host": "avatar.example.org"}, True),  # behind a web server
    ],
)
def test_pages_of_other_sites_change_nothing(private: TestClient, headers: dict[str, str], let_in: bool) -> None:
    for path in ("/visit", "/gradio_api/queue/join", "/gradio_api/upload"):
        answer = private.post(path, headers=headers)
        if let_in:
            assert answer.status_code not in (403, 421)
        else:
            sentence(answer, 403)


def test_apps_on_other_pages_use_a_public_servers_endpoints_but_not_its_visits(gallery: Gallery) -> None:
    with TestClient(demo_app(gallery, places=1)) as public:
        elsewhere = {"Sec-Fetch-Site": "cross-site", "Origin": "https://somebody.example"}
        assert public.post("/gradio_api/queue/join", headers=elsewhere).status_code != 403
        sentence(public.post("/visit", headers=elsewhere), 403)


@pytest.mark.parametrize("path", ["/page/%00", "/%00", "/avatars/%0a/still.webp", "/gradio_api/file=%00"])
def test_addresses_with_control_characters_lead_nowhere(private: TestClient, path: str) -> None:
    sentence(private.get(path), 404)


@pytest.mark.parametrize("content", [b"{", b"\xff", b"[[[[", b""])
def test_what_cannot_be_read_as_json_gets_the_same_kind_of_answer_everywhere(private: TestClient, content: bytes) -> None:
    headers = {"X-Visit": private.post("/visit").json()["visit"], "Content-Type": "application/json"}
    assert private.post("/webrtc/offer", content=content, headers=headers).json().keys() == {"error"}
    for path in ("/local/action", "/webrtc/offer", "/visit/hang-up/abc"):
        answer = private.post(path, content=content, headers={"Content-Type": "application/json"})
        assert answer.status_code >= 400 and answer.json().keys() == {"error"}


def test_the_queue_of_jobs_is_not_filled_by_one_address(gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    limits = Limits(jobs_each=2)
    app = demo_app(gallery, places=1, limits=limits, make_engine=Light)
    with served(app) as url, httpx.Client(base_url=url, timeout=30) as client:
        functions = client.get("/config").json()["dependencies"]
        speak = next(each["id"] for each in functions if each["api_name"] == "speak_file")
        body = {"data": [None, "mara", None], "fn_index": speak, "session_hash": "abc"}
        with held():
            statuses = [client.post("/gradio_api/queue/join", json=body, headers=OFFICE).status_code for _ in range(4)]
            others = client.post("/gradio_api/queue/join", json=body, headers=OTHERS).status_code
        assert statuses == [200, 200, 429, 429] and others == 200


def test_gradios_records_of_events_do_not_grow_and_no_table_is_made_of_them(gallery: Gallery) -> None:
    """Of every event Gradio makes a table of all there ever were, which takes longer each time."""
    page, app = make_app(make_context(gallery, places=1, make_engine=Light))
    with TestClient(app) as client:
        assert client.get("/health").status_code == 200
        queue: Any = page._queue
        for number in range(3 * EVENTS):
            queue.event_analytics[str(number)] = {"function": "say", "status": "success", "process_time": 1.0}
        assert len(queue.event_analytics) == EVENTS
        queue.event_analytics["0"]["status"] = "success"  # one that is forgotten
        assert queue.compute_analytics_summary(queue.event_analytics) == {"functions": {}}


def test_gradio_forgets_events_that_are_over_and_pages_that_were_left(gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    """It keeps both for as long as it runs; the state of a page that is open stays, however many call."""
    for name, value in (("EVENTS", 20), ("LEFT_PAGES", 5), ("OPEN_PAGES", 10)):
        monkeypatch.setattr(gradio_records, name, value)
    page, app = make_app(context := make_context(gallery, places=1, make_engine=Light))
    app.state.limits = context.limits
    with served(app) as url, httpx.Client(base_url=url, timeout=30) as client:
        functions = client.get("/config").json()["dependencies"]
        speak = next(each["id"] for each in functions if each["api_name"] == "speak_file")

        def come(name: str) -> None:
            body = {"data": [None, "mara", None], "fn_index": speak, "session_hash": name}
            assert client.post("/gradio_api/queue/join", json=body).status_code == 200
            with client.stream("GET", f"/gradio_api/queue/data?session_hash={name}") as answer:
                assert "process_completed" in answer.read().decode()

        states: Any = page.state_holder.session_data  # type: ignore[attr-defined]
        with client.stream("GET", "/gradio_api/heartbeat/mine") as line:
            said = line.iter_raw()
            next(said)
            come("mine")
            for number in range(30):
                come(f"another{number}")
            assert "mine" in states and len(states) == 7 == len(page.state_holder.time_last_used)  # type: ignore[attr-defined]
            queue: Any = page._queue
            assert len(queue.event_ids_to_events) == 20
            assert len(queue.pending_event_ids_session) <= 20 and len(queue.pending_messages_per_session) <= 20
            come("mine")  # still served
        for number in range(30, 60):
            come(f"another{number}")
        assert "mine" not in states and len(states) == 6


def test_pages_that_are_open_have_an_end_too() -> None:
    states = RecentPages()
    with ExitStack() as lines:
        for number in range(OPEN_PAGES + 20):
            lines.enter_context(states.opened(str(number)))
            states[str(number)] = number
        assert len(states) == OPEN_PAGES and "19" not in states and "20" in states
        states["without a line"] = 0
        assert len(states) == OPEN_PAGES and LEFT_PAGES > 1


@contextmanager
def held() -> Iterator[None]:
    """Gradio's queue begins nothing meanwhile."""
    asking, queueing.Queue.get_events = queueing.Queue.get_events, lambda queue: None  # type: ignore[assignment,method-assign]
    try:
        yield
    finally:
        queueing.Queue.get_events = asking  # type: ignore[method-assign]


async def test_a_line_that_breaks_again_and_again_has_one_watcher(gallery: Gallery) -> None:
    visitors = visitors_of(gallery)
    visit, other = visitors.open(), visitors.open()
    before = len(asyncio.all_tasks())
    for _ in range(300):
        visitors.lost(visit)
    visitors.lost(other)
    assert len(visitors._watching) == 2
    while visitors._watching:
        await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) == before


def test_a_page_that_opens_line_after_line_is_not_wanted(gallery: Gallery) -> None:
    with TestClient(demo_app(gallery, places=1, limits=Limits(lines=3, lines_per_second=0.001))) as client:
        secret, kept = client.post("/visit").json()["visit"], 0
        for _ in range(5):
            with client.websocket_connect("/visit/presence") as line:
                line.send_text(secret)
                if kept == 3:
                    with pytest.raises(WebSocketDisconnect):
                        line.receive_text()
                    continue
                line.send_text("a word too many")
                kept += 1
        assert kept == 3
