"""What a server refuses: foreign pages, what is too large, and what is no image; each in a sentence, as JSON."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from io import BytesIO

import pytest
import requests
from PIL import Image

from tests.serving.conftest import serving
from workbench.cli import main
from workbench.serving.limits import Limits


def png(width=8, height=8):
    buffer = BytesIO()
    Image.new("RGB", (width, height), (9, 99, 199)).save(buffer, "PNG")
    return buffer.getvalue()


def post(url, images, *, headers=None, **data):
    files = [("images", (f"{i}.png", image, "image/png")) for i, image in enumerate(images)]
    return requests.post(f"{url}/predict", data=data, files=files, headers=headers, timeout=60)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 421),
        ({"Host": "127.0.0.1.evil.example:80"}, 421),
        ({"Host": "192.0.2.7"}, 421),  # It listens on loopback alone.
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1:8001"}, 403),  # Another program's page on this machine.
        ({"Sec-Fetch-Site": "cross-site"}, 403),  # A picture of a foreign page.
        ({"Sec-Fetch-Site": "none"}, 200),  # Typed into the browser.
        ({"Host": "localhost"}, 200),
        ({"Origin": "http://127.0.0.1:8000"}, 200),
    ],
)
def test_foreign_hosts_and_pages_are_refused(class_url, headers, status):
    answer = requests.get(f"{class_url}/health", headers=headers, timeout=60)
    assert answer.status_code == status
    if status != 200:
        assert answer.json()["error"].endswith(".")
    assert post(class_url, [png()], headers=headers).status_code == status


def test_a_page_that_is_allowed_may_read_answers_and_no_other(class_url):
    asked = {"Origin": "http://127.0.0.1:8000", "Access-Control-Request-Method": "POST"}
    allowed = requests.options(f"{class_url}/predict", headers=asked, timeout=60)
    assert allowed.headers["access-control-allow-origin"] == "http://127.0.0.1:8000"
    own = requests.get(f"{class_url}/health", headers={"Origin": class_url}, timeout=60)
    assert own.status_code == 200
    assert "access-control-allow-origin" not in own.headers


@pytest.mark.parametrize(
    ("images", "data", "status", "words"),
    [
        ([png()] * 4, {}, 400, "images: 4 in one request, and 3 may be"),
        ([png(), png(101, 100)], {}, 400, "number 1 (1.png): 101 x 100 pixels are more than 10,000"),
        ([b"no image"], {}, 400, "number 0 (0.png): not an image of a known format."),
        ([png()[:45]], {}, 400, "number 0 (0.png)"),
        ([b""], {}, 400, "the file is empty"),
        ([], {}, 422, "images: Field required"),
        ([png()], {"top": "many"}, 422, "top: Input should be a valid integer"),
        ([png()], {"top": "0"}, 422, "top: Input should be greater than or equal to 1"),
        ([png()], {"texts": "red"}, 400, "compares no whole images with texts"),
        ([png()], {"texts": "x" * 51}, 400, "number 0 has 51 characters, and 50 may be"),
        ([b"\0" * 200_001], {}, 413, "the body is larger than 200,000 bytes"),
    ],
)
def test_wrong_requests_get_a_sentence(class_url, images, data, status, words):
    answer = post(class_url, images, **data)
    assert answer.status_code == status
    assert words in answer.json()["error"]
    assert set(answer.json()) == {"error"}


@pytest.mark.parametrize(
    ("boxes", "words"),
    [
        ("[[0, 0", "boxes: is no JSON"),
        ("3", "expected [[left, top, right, bottom], ...]"),
        ("[[0, 0, 4, 4], [0, 0, 4, 4], [0, 0, 4, 4]]", "there are 3 boxes, and 2 may be"),
        ("[[0, 0, 4]]", "boxes, number 0: expected a box of four numbers"),
        ("[[50, 0, 60, 4]]", "lies outside of its image of 8 x 8"),
        ("[[0, 0, 4, 4]]", "scores no other classes than"),
    ],
)
def test_wrong_boxes_get_a_sentence(class_url, boxes, words):
    sent = {"texts": "red", "boxes": boxes}
    answer = requests.post(f"{class_url}/ground", data=sent, files={"image": png()}, timeout=60)
    assert answer.status_code == 400
    if words.startswith("scores"):
        assert "cannot score other classes than those that it was fitted on" in answer.json()["error"]
    else:
        assert words in answer.json()["error"]


def test_unknown_addresses_and_methods_are_json_too(class_url):
    for answer in (requests.get(f"{class_url}/docs", timeout=60), requests.get(f"{class_url}/predict", timeout=60)):
        assert answer.status_code in {404, 405}
        assert "there is no such address" in answer.json()["error"]


def test_a_body_without_an_announced_length_is_cut_off(class_url):
    def endless():
        while True:
            yield b"\0" * 65_536

    # The server answers while the client still sends, which some clients see as a broken connection.
    with contextlib.suppress(requests.ConnectionError):
        assert requests.post(f"{class_url}/predict", data=endless(), timeout=60).status_code == 413
    assert requests.get(f"{class_url}/health", timeout=60).status_code == 200


def test_a_body_that_does_not_come_is_not_waited_for(class_url):
    host, port = class_url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=60) as slow:
        slow.sendall(f"POST /predict HTTP/1.1\r\nHost: {host}\r\nContent-Length: 1000\r\n\r\nx".encode())
        assert b"408" in slow.recv(4096)


def test_more_requests_than_may_wait_are_told_to_come_back(classification):
    run, _ = classification
    with serving(run, limits=Limits(waiting=1, seconds=60)) as url:
        host, port = url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=60) as slow:
            slow.sendall(f"POST /predict HTTP/1.1\r\nHost: {host}\r\nContent-Length: 1000\r\n\r\nx".encode())
            until = time.monotonic() + 60
            while (answer := post(url, [png()])).status_code != 503 and time.monotonic() < until:
                time.sleep(0.05)  # Until the server has begun to read it.
            assert answer.headers["retry-after"] == "1"
            assert "no more than 1 request may be under way" in answer.json()["error"]
            assert requests.get(f"{url}/health", timeout=60).status_code == 200
        while (answer := post(url, [png()])).status_code != 200 and time.monotonic() < until:
            time.sleep(0.05)  # The client has gone.
        assert answer.status_code == 200


def test_others_reach_it_only_where_that_is_said(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["serve", "3f2a", "--address", "0.0.0.0"])
    assert stopped.value.code == 2
    said = capsys.readouterr().err
    assert "no password and no encryption" in said
    assert "--open-to-network" in said


@pytest.mark.slow
def test_the_command_serves_until_it_is_ended(classification):
    run, _ = classification
    program = [sys.executable, "-c", "from workbench.cli import main; main()"]
    command = [*program, "serve", run.result.run_id, "--port", "0", "--cache", str(run.settings.cache)]
    environment = {**os.environ, "WORKBENCH_RUNS": str(run.settings.runs), "WORKBENCH_PRECISION": "fp32"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        line = process.stdout.readline()
        assert "linear-probe on halves (classification): http://127.0.0.1:" in line
        (url,) = [word for word in line.split() if word.startswith("http")]
        assert requests.get(f"{url}/health", timeout=60).json()["run"] == run.result.run_id
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)
    finally:
        process.kill()
        process.wait(timeout=60)
