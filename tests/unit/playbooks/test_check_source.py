# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What preflight says of a CouchDB that cannot be read: each trouble with its remedy, and no password on the way."""

import base64
import http.server
import ssl
import subprocess
import threading
from contextlib import ExitStack, contextmanager

import pytest
from playing import ROOT, refusals

PASSWORD = "not-to-be-shown"


class Answers(http.server.BaseHTTPRequestHandler):
    """Of `medic` that there is one, for who has the password; all else by the path. Keeps what it was asked."""

    def do_GET(self):
        self.server.asked.append((self.path, self.headers.get("Authorization", "")))
        status, location = {"/https/": (301, "https://user:secret@cht.example.org/medic/?x=y"), "/login/": (302, "/medic/login?redirect=x")}.get(
            f"/{self.path.split('/')[1]}/", (200 if "Authorization" in self.headers else 401, None)
        )
        self.send_response(status)
        if location:
            self.send_header("Location", location)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_arguments):
        pass


@contextmanager
def server(tls=None):
    """A server on a port of its own, with the certificate `tls`."""
    here = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    here.asked = []
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(f"{tls}.crt", f"{tls}.key")
        # The handshake in the thread of the request, so that one that fails is that client's own trouble.
        here.socket = context.wrap_socket(here.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=here.serve_forever, daemon=True)
    thread.start()
    try:
        yield here
    finally:
        here.shutdown()
        thread.join()
        here.server_close()


def certificate(directory, name, subject):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}", "-addext", f"subjectAltName={subject}",
         "-keyout", f"{name}.key", "-out", f"{name}.crt"],
        cwd=directory, check=True, capture_output=True,
    )  # fmt: skip
    return str(directory / name)


# By a name: scheme, server, path and authority, and words of the message. None: it passes.
TROUBLES = {
    "well": (("http", "plain", "", None), None),
    "well_with_slash": (("http", "plain", "/", None), None),
    "well_with_authority": (("https", "tls", "", "own"), None),
    "redirect_to_https": (("http", "plain", "/https", None), ["redirects to https://cht.example.org.", "as url", "password would travel in clear"]),
    "redirect_of_https": (("https", "tls", "/https", "own"), ["redirects to https://cht.example.org.", "as url in cht_sync_sources"]),
    "redirect_to_a_login": (("https", "tls", "/login", "own"), ["redirects to /medic/login.", "as url in cht_sync_sources"]),
    "http_on_a_port_for_https": (("http", "tls", "", None), ["does not speak http", "write https:// in url"]),
    "https_on_a_port_for_http": (("https", "plain", "", None), ["does not speak https", "write http:// in url"]),
    "own_authority": (("https", "tls", "", None), ["does not trust its certificate (self-signed certificate)", "name the file as ca_file"]),
    "of_another_name": (("https", "other", "", "other"), ["does not trust its certificate (IP address mismatch", "correct url"]),
    "ca_file_not_there": (("https", "tls", "", "nonexistent"), ["nonexistent.crt", "no file with a certificate on ca_file_not_there"]),
    "nobody": (("http", "gone", "", None), ["cannot be reached from nobody", "Check url"]),
}  # fmt: skip


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """Plays the check once, for a host with each trouble; what each was told, what Ansible said, what the servers were asked."""
    directory = tmp_path_factory.mktemp("sources")
    with ExitStack() as running:
        servers = {"plain": running.enter_context(server())}
        for name, subject, tls in (("own", "IP:127.0.0.1", "tls"), ("other", "DNS:other.example.org", "other")):
            servers[tls] = running.enter_context(server(certificate(directory, name, subject)))
        ports = {name: each.server_port for name, each in servers.items()} | {"gone": 9}
        hosts = {
            name: {"cht_sync_sources": [{
                "name": "district", "url": f"{scheme}://127.0.0.1:{ports[where]}{path}", "username": "analytics", "password": PASSWORD,
                "databases": ["medic", "medic-sentinel"], "ca_file": f"{directory}/{authority}.crt" if authority else None,
            }]} for name, ((scheme, where, path, authority), _words) in TROUBLES.items()
        }  # fmt: skip
        task = {"include_tasks": f"{ROOT}/playbooks/tasks/check_source.yml", "vars": {"__source_index": 0}}
        told, said = refusals(directory, hosts, [task], arguments=("-v",))
        return told, said, [asked for each in servers.values() for asked in each.asked]


@pytest.mark.parametrize("trouble", TROUBLES)
def test_is_told_with_its_remedy(played, trouble):
    told, words = played[0].get(trouble), TROUBLES[trouble][1]
    assert told is None if words is None else all(word in " ".join(told.split()) for word in words), told


def test_no_password_is_shown_and_none_of_the_redirect(played):
    told, said, _asked = played
    assert PASSWORD not in said and "secret" not in "".join(told.values())


def test_the_password_is_sent_to_no_server_that_wants_https(played):
    asked = played[2]
    sent = base64.b64encode(f"analytics:{PASSWORD}".encode()).decode()
    assert ("/medic/", f"Basic {sent}") in asked and ("/medic-sentinel/", f"Basic {sent}") in asked
    assert {authorization for path, authorization in asked if path.startswith("/https/")} == {"", f"Basic {sent}"}
    assert [path for path, authorization in asked if path.startswith("/https/")] == ["/https/medic/"] * 2
