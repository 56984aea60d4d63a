"""The mail server of the tests: aiosmtpd, which stores what it receives.

Arguments: folder for mails, certificate, key, and the ports for TLS, STARTTLS
and plain text (0: choose one). Says on standard output which ports it has, and
then the name of each mail that it has stored.
"""

import asyncio
import os
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult


class Post:
    """Stores mails; some names in front of the @ make trouble."""

    def __init__(self, folder):
        self.folder, self.count = folder, len(os.listdir(folder))

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        session.host_name = hostname
        responses.insert(1, "250-ENHANCEDSTATUSCODES")
        return responses

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody@"):
            return "550 5.1.1 there is no such mailbox"
        if address.startswith("full@"):
            return "552 5.2.2 this mailbox is full"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server, session, envelope):
        if envelope.rcpt_tos[0].startswith("slow@"):
            await asyncio.sleep(0.5)
        self.count += 1
        name = "%06d" % self.count
        user = session.auth_data.decode() if session.auth_data else ""
        lines = [user, envelope.mail_from, envelope.rcpt_tos[0], str(session.peer[1])]
        with open(os.path.join(self.folder, name), "wb") as file:
            file.write(("\n".join(lines) + "\n").encode() + envelope.original_content)
        print(name, flush=True)
        return "250 2.0.0 stored"


def sign_in(server, session, envelope, mechanism, data):
    right = data.login == b"portal" and data.password == b"a password of the portal"
    return AuthResult(success=right, handled=False, auth_data=data.login)


async def serve(folder, certificate, key, ports):
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate, key)
    post, loop = Post(folder), asyncio.get_running_loop()
    common = dict(enable_SMTPUTF8=True, authenticator=sign_in, hostname="localhost")
    makers = [
        (lambda: SMTP(post, auth_require_tls=False, **common), tls),
        (lambda: SMTP(post, tls_context=tls, require_starttls=True, **common), None),
        (lambda: SMTP(post, **common), None),
    ]
    servers = [
        await loop.create_server(make, "127.0.0.1", int(port), ssl=context)
        for (make, context), port in zip(makers, ports)
    ]
    print(*(s.sockets[0].getsockname()[1] for s in servers), flush=True)
    await asyncio.Event().wait()


asyncio.run(serve(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:7]))
