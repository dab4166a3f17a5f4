"""Changes by mail: one message a night, in plain text."""

import smtplib
from collections.abc import Sequence
from email.message import EmailMessage
from email.utils import formatdate, make_msgid

from flows.errors import NightError
from flows.notify_config import Email
from flows.told import Told
from probes.load.tls import client_context

TIMEOUT_S = 20.0


def send_mail(to: Email, password: str | None, run_id: str, members: Sequence[Told]) -> None:
    """Send changes, and wait until the server has taken them.

    Args:
        to: the server and the people.
        password: of `to.user`; nothing of it is ever said.
        run_id: the night.
        members: at least one.

    Raises:
        NightError: the server did not take the message.
    """
    if to.user is not None and not password:
        raise NightError(f"the environment variable {to.password_env} is not set")
    where = f"{to.host}:{to.port}"
    try:
        with _connected(to) as server:
            if to.user is not None and password:
                server.login(to.user, password)
            server.send_message(_message(to, run_id, members))
    except smtplib.SMTPResponseException as error:
        # the code alone: what a server says may repeat what it was told
        raise NightError(f"{where} answered {error.smtp_code}") from None
    except smtplib.SMTPRecipientsRefused as error:
        raise NightError(f"{where} refused {', '.join(error.recipients)}") from None
    except smtplib.SMTPException as error:
        raise NightError(f"{where} could not be used: {type(error).__name__}") from None
    except OSError as error:
        raise NightError(f"{where} could not be reached: {error.strerror or type(error).__name__}") from None


def _connected(to: Email) -> smtplib.SMTP:
    context = client_context(None)  # certificates and names are verified
    context.set_alpn_protocols([])  # no protocol of the web is offered, which a mail server may take amiss
    if to.security == "tls":
        return smtplib.SMTP_SSL(to.host, to.port, timeout=TIMEOUT_S, context=context)
    server = smtplib.SMTP(to.host, to.port, timeout=TIMEOUT_S)
    if to.security == "starttls":
        try:
            server.starttls(context=context)
        except (smtplib.SMTPException, OSError):
            server.close()
            raise
    return server


def _message(to: Email, run_id: str, members: Sequence[Told]) -> EmailMessage:
    message = EmailMessage()
    first, others = members[0].title, len(members) - 1
    subject = f"Megatoken: {first}" if not others else f"Megatoken: {len(members)} changes, {first}"
    # a name from a config or a provider may hold what ends a header
    message["Subject"] = " ".join(subject.split())[:200]
    message["From"] = to.sender
    message["To"] = ", ".join(to.to)
    message["Date"] = formatdate()
    message["Message-ID"] = make_msgid(domain="megatoken.invalid")
    parts = [f"{one.title}\n{one.text}\n(change {one.change_id})" for one in members]
    message.set_content("\n\n".join([f"Found after run {run_id}:", *parts]) + "\n")
    return message
