"""The studio on a network: a free port, the addresses to type, and an end in good order."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import os
import signal
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import psutil
import uvicorn
from starlette.applications import Starlette

from babygpt.errors import SettingError
from babygpt.studio.server.sockets import KEEP_ALIVE, Gate, WebSocketProtocol, quiet_about_sockets, with_gate

PORT = 8765
TRIED = 100  # ports after the first, if none is asked for
BACKLOG = 128  # connections that wait to be accepted


def listen(host: str, port: int | None = None) -> socket.socket:
    """Return a socket that listens; by default on port 8765 or the next free one.

    Raises
    ------
    SettingError
        The port is taken or not allowed, or the host is not this machine.
    """
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError):
        raise SettingError(_no_such_host(host)) from None
    family, _, _, _, address = min(found, key=lambda info: info[0] != socket.AF_INET)
    for candidate in range(PORT, PORT + TRIED) if port is None else [port]:
        try:
            return _bound(family, (address[0], candidate, *address[2:]))
        except OverflowError:
            raise SettingError(f"port={port} is no port. Use one of 1024 to 65535.") from None
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL:
                raise SettingError(_no_such_host(host)) from None
            if error.errno == errno.EACCES:
                raise SettingError(f"port={candidate} is not open to everyone. Use one of 1024 to 65535.") from None
            if error.errno != errno.EADDRINUSE:
                raise SettingError(f"host={host!r} cannot be listened on: {error.strerror}.") from None
    if port is None:
        raise SettingError(f"The ports {PORT} to {PORT + TRIED - 1} of {host} are all taken. Name another with --port.")
    raise SettingError(f"port={port} of {host} is taken by another program. Without --port, the next free one is used.")


def _no_such_host(host: str) -> str:
    return f"host={host!r} is no address of this machine. Use 127.0.0.1 for this machine alone, 0.0.0.0 for a class."


def _bound(family: int, address: tuple[object, ...]) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name == "posix":  # elsewhere the option lets two programs share a port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(socket.SOMAXCONN)
    except BaseException:
        listener.close()
        raise
    return listener


def is_loopback(listener: socket.socket) -> bool:
    """Return whether only this machine reaches a socket."""
    return ipaddress.ip_address(listener.getsockname()[0]).is_loopback


def addresses(listener: socket.socket) -> list[str]:
    """Return the addresses of the studio as people type them, the most useful first."""
    host, port = listener.getsockname()[:2]
    if not ipaddress.ip_address(host).is_unspecified:
        return [_url(host, port)]
    mine = [
        address.address
        for name, addresses in psutil.net_if_addrs().items()
        for address in addresses
        if address.family == socket.AF_INET and not ipaddress.ip_address(address.address).is_loopback
    ]
    return [_url(host, port) for host in [*mine, "127.0.0.1"]]


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def open_browser(url: str) -> None:
    """Show a page in the person's browser, if there is one with a window."""
    windows = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER", "WSL_DISTRO_NAME")
    if sys.platform.startswith("linux") and not any(os.environ.get(name) for name in windows):
        return  # what would open is a browser inside this terminal

    def show() -> None:
        with suppress(Exception):  # whatever a browser's starter does: the address is printed anyway
            webbrowser.open(url)

    threading.Thread(target=show, daemon=True).start()


class Server(uvicorn.Server):
    """Serves until Ctrl-C or a termination signal, and ends in good order.

    Parameters
    ----------
    app
        What to serve.
    most_bytes
        What one WebSocket message may take.
    started, ending
        Called once connections are accepted, and before they are closed.
    proxied
        Whether a proxy on this machine hands requests on: then it says who asks.

    Attributes
    ----------
    gate
        Counts the sockets.
    """

    def __init__(
        self,
        app: Starlette,
        most_bytes: int,
        started: Callable[[], object] = lambda: None,
        ending: Callable[[], object] = lambda: None,
        proxied: bool = False,
    ) -> None:
        self.gate = Gate()
        http, websockets = with_gate(self.gate)
        super().__init__(
            uvicorn.Config(
                app,
                loop="asyncio",
                http=http,
                ws=websockets,
                backlog=BACKLOG,
                timeout_keep_alive=KEEP_ALIVE,
                ws_max_size=most_bytes,
                ws_per_message_deflate=False,  # costs more time than a local network
                lifespan="off",
                log_config=None,
                log_level="error",
                access_log=False,
                proxy_headers=proxied,
                forwarded_allow_ips="127.0.0.1,::1",
                server_header=False,
                timeout_graceful_shutdown=1,
            )
        )
        self._when_started, self._when_ending = started, ending

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept connections."""
        asyncio.get_running_loop().set_exception_handler(quiet_about_sockets())
        await super().startup(sockets)
        self._when_started()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close everything."""
        for server in self.servers:
            server.close()
        self._when_ending()
        connections = self.server_state.connections
        for _ in range(25):
            if not any(isinstance(connection, WebSocketProtocol) for connection in connections):
                break
            await asyncio.sleep(0.02)
        for connection in list(connections):
            connection.transport.abort()  # who has not taken leave in half a second will not
        await asyncio.sleep(0)
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """End on a signal; uvicorn would raise it once more after the end."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        signals = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.signal(number, self.handle_exit) for number in signals}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
