# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules' connection over TLS, with both sides' certificates checked."""

import subprocess

import pytest
from servers import PostgreSQL

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.cht.sync.plugins.module_utils import _postgres

pytestmark = pytest.mark.once


def openssl(directory, *arguments):
    subprocess.run(["openssl", *arguments], cwd=directory, check=True, capture_output=True)


def certificate(directory, name, subject, extension):
    """<name>.crt and <name>.key, signed by ca.crt."""
    (directory / f"{name}.ext").write_text(extension)
    openssl(directory, "req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={subject}")
    openssl(directory, "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial",
            "-extfile", f"{name}.ext", "-days", "2", "-out", f"{name}.crt")  # fmt: skip
    (directory / f"{name}.key").chmod(0o600)


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    """A server that admits role postgres by certificate only, as module options."""
    directory = tmp_path_factory.mktemp("tls")
    openssl(directory, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=ca", "-days", "2")
    certificate(directory, "server", "localhost", "subjectAltName=DNS:localhost")
    certificate(directory, "client", "postgres", "extendedKeyUsage=clientAuth")
    server = PostgreSQL()
    data = server.directory / "data"
    for name in ("server.crt", "server.key", "ca.crt"):
        target = data / name
        target.write_bytes((directory / name).read_bytes())
        subprocess.run(["chown", "--reference", data, target], check=True)
        target.chmod(0o600)
    (data / "pg_hba.conf").write_text("local all all trust\nhostssl all all 127.0.0.1/32 cert\n")
    server.stop()
    with (data / "postgresql.conf").open("a") as settings:
        settings.write("ssl = on\nssl_ca_file = 'ca.crt'\n")
    server.start()
    yield {
        "login_host": "localhost", "login_port": server.port, "login_db": "postgres", "ssl_mode": "verify-full",
        "ca_cert": str(directory / "ca.crt"), "ssl_cert": str(directory / "client.crt"), "ssl_key": str(directory / "client.key"),
    }  # fmt: skip
    server.remove()


def connect(**options):
    result = ArgumentSpecValidator(_postgres.connection_argument_spec()).validate(options)
    assert not result.error_messages
    return _postgres.connect(result.validated_parameters)


def test_both_certificates_are_checked(tls):
    connection = connect(**tls)
    with connection.cursor() as cursor:
        cursor.execute("SELECT ssl, client_dn FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
        assert cursor.fetchone() == (True, "/CN=postgres")
    connection.close()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"ssl_cert": None, "ssl_key": None}, "certificate"),
        ({"login_host": "127.0.0.1"}, "does not match host name"),
        ({"ca_cert": "/etc/ssl/certs/ca-certificates.crt"}, "verify failed|does not exist"),
        ({"login_user": "monitor"}, "certificate authentication failed"),
    ],
)
def test_whoever_lacks_one_is_refused(tls, change, words):
    with pytest.raises(_postgres.psycopg2.OperationalError, match=words):
        connect(**{**tls, **change})


def test_other_parameters_of_libpq_win_and_aliases_are_known(tls):
    options = {**tls, "login_host": "elsewhere.invalid", "connect_params": {"host": "localhost", "options": "-c work_mem=7MB"}}
    options["ssl_rootcert"] = options.pop("ca_cert")
    connection = connect(**options)
    with connection.cursor() as cursor:
        cursor.execute("SHOW work_mem")
        assert cursor.fetchone() == ("7MB",)
    connection.close()
