# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The launcher with the double of Logstash (tests/double), between a CouchDB with a feed of its own and a PostgREST that keeps what comes by either way."""

import json
import re
import threading
import uuid

import jinja2
import yaml
from ansible.plugins.filter.core import FilterModule as Core
from ansible.plugins.filter.urls import FilterModule as Urls
from ansible.plugins.filter.urlsplit import FilterModule as Urlsplit
from engine_peers import HANG_UP, PostgRESTPeer, Reply, reply
from launcher_harness import ROOT, CouchDB, Site

ROLE = ROOT / "roles/logstash"
DOUBLE = ROOT / "tests/double/logstash"


def row(number, value="1"):
    """A change whose document holds this JSON."""
    id_ = f"doc:{number}"
    return f'{{"seq":"{number}-x","id":"{id_}","changes":[{{"rev":"1-r"}}],"doc":{{"_id":"{id_}","_rev":"1-r","a":{value}}}}}'


class Feed(CouchDB):
    """`rows`: of each database, in their order. `live_only`: what open feeds say beside. `cut` ends those; `password_changed` lets all be refused."""

    def __init__(self):
        super().__init__()
        self.rows, self.cut, self.password_changed, self.refused = {}, threading.Event(), False, []
        self.live_only = ""

    def answer(self, request):
        if self.password_changed:
            self.refused.append(request)
            return reply(401, {"error": "unauthorized", "reason": "Name or password is incorrect."})
        if request.name != "_changes":
            return super().answer(request)
        if request.headers["Authorization"] is None:
            return HANG_UP
        rows = self.rows.get(request.raw_path.split("/")[1], [])
        start = int(request.query["since"].partition("-")[0])
        if request.query.get("feed") == "continuous":
            head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            return Reply(head, close=True, rest=self._live(rows, start))
        part = rows[start : start + int(request.query["limit"])]
        last = start + len(part)
        tail = '\n],\n"last_seq":"%d-x","pending":%d}\n' % (last, len(rows) - last)
        data = ('{"results":[\n' + ",\r\n".join(part) + tail).encode()
        return Reply(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(data), data))

    def _live(self, rows, at):
        while not (self.cut.is_set() or self.released.is_set()):
            data = "".join(one + "\n" for one in [*rows[at:], self.live_only])
            at = max(at, len(rows))
            yield b"%x\r\n%s\r\n" % (len(data.encode()), data.encode())
            self.cut.wait(0.05)


class Warehouse(PostgRESTPeer):
    """Of each source its position, its lease and, by id, how each document came: in a `page` of the launcher's or as an `event` of Logstash's."""

    def __init__(self):
        super().__init__("logstash")
        self.seqs, self.leases, self.came = {}, {}, {}

    def claim(self, request):
        source = json.loads(request.body)["source"]
        self.leases[source] = str(uuid.uuid4())
        return reply(200, {"seq": self.seqs.get(source), "lease": self.leases[source]})

    def ingest(self, request):
        source = request.headers["X-CHT-Source"]
        if request.headers["X-CHT-Lease"] != self.leases[source]:
            return reply(409, {"code": "PT409", "message": "the lease has ended"})
        if request.body.startswith(b"["):
            how, ids = "event", re.findall(rb'"id":"(doc:\d+)"', request.body)
            seq = re.findall(rb'"seq":"(\d+-x)"', request.body)[-1].decode()
        else:
            head, _, body = request.body.partition(b"\n")
            how, ids, seq = "page", re.findall(rb'"id":"(doc:\d+)"', body), json.loads(head)["last_seq"]
        came = self.came.setdefault(source.rpartition("/")[2], {})
        for id_ in ids:
            came.setdefault(id_.decode(), how)
        self.seqs[source] = seq or self.seqs.get(source)
        return reply(200, {})


class DoubleSite(Site):
    """`faster`: by so much Logstash waits less than the role says before it asks CouchDB again."""

    def __init__(self, directory, couchdb, warehouse, databases, faster=1):
        super().__init__(directory, couchdb.url, warehouse.url)
        first = self.config["feeds"][0]
        self.config["feeds"] = [
            {**first, "number": number, "pipeline": f"district.{name}", "source": f"localhost/{name}", "database": name} for number, name in enumerate(databases, 1)
        ]
        self.config["logstash_home"] = str(DOUBLE)
        environment = jinja2.Environment(trim_blocks=True)
        for filters in (Core(), Urls(), Urlsplit()):
            environment.filters.update(filters.filters())
        template = environment.from_string((ROLE / "templates/pipeline.conf.j2").read_text())
        values = yaml.safe_load((ROLE / "defaults/main.yml").read_text())
        values.update(logstash_postgrest_url=warehouse.url, __logstash_state_dir=directory / "state", __logstash_config_dir=ROLE / "files", ansible_managed="")
        for feed in self.config["feeds"]:
            item = {**feed, "url": couchdb.url, "unit": feed["pipeline"], "ca_file": None}
            text = template.render({**values, "item": item})
            text = re.sub(r"(?<=reconnect_delay => )\d+", lambda found: str(int(found.group()) / faster), text)
            (directory / f"pipelines/{feed['pipeline']}.conf").write_text(text)
        settings = {"path.data": f"{directory}/state/data", "path.logs": f"{directory}/state/logs", "api.http.port": self.config["api_port"]}
        (directory / "settings/logstash.yml").write_text(json.dumps({**settings, "log.format": "json", "pipeline.workers": 1}))
        (directory / "settings/log4j2.properties").touch()
