"""A sweep's batches on a Dask cluster: each goes to whichever worker is free, and results arrive as they are made.

What the cluster gives up, because its scheduler is gone or a batch ends every worker that tries it, is told in one
sentence; what arrived before is kept by whoever asked.
"""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from babygpt.errors import SettingError, SweepError
from babygpt.extras import package_errors
from babygpt.lab.task import Batch, Row, compute

# Seconds that a scheduler, and then its first worker, may take to answer.
PATIENCE = 10
# How often a batch whose worker was lost is given to another.
RETRIES = 2


def work_on_cluster(scheduler: str, batches: Sequence[Batch]) -> Generator[tuple[Batch, list[Row]]]:
    """Yield each batch with its results as they arrive, in any order.

    Raises
    ------
    MissingPackageError
        Dask is not installed.
    SettingError
        ``scheduler`` is no address.
    SweepError
        No scheduler answers there, it has no workers, or they cannot go on.
    """
    with package_errors():
        from distributed import Client, as_completed

    if not _is_address(scheduler):  # a Client of no address waits at exit, and prints a traceback
        raise SettingError(
            f"scheduler={scheduler!r} is no address. A Dask scheduler prints its own, such as tcp://HOST:8786"
        )
    with _quiet_logs():
        try:
            client: Any = Client(  # type: ignore[no-untyped-call]
                scheduler, timeout=PATIENCE, set_as_default=False
            )
        except (OSError, ValueError) as error:
            raise SweepError(
                f"No scheduler answers at {scheduler} within {PATIENCE} seconds. Start one with: dask "
                "scheduler; it prints its address."
            ) from error
        try:
            try:
                client.wait_for_workers(1, timeout=PATIENCE)
            except TimeoutError as error:
                raise SweepError(
                    f"The scheduler at {scheduler} has no workers. Start some with: dask worker {scheduler}"
                ) from error
            of = {client.submit(compute, batch, pure=False, retries=RETRIES): batch for batch in batches}
            for future in as_completed(list(of), loop=client.loop):  # type: ignore[no-untyped-call]
                try:
                    rows = future.result()
                except Exception as error:
                    raise SweepError(_why(error, scheduler)) from error
                yield of.pop(future), rows
                future.release()
        finally:
            client.close(timeout=1)


@contextmanager
def _quiet_logs() -> Iterator[None]:
    """Keep Dask's log of lost connections off the screen: what matters is told in a sentence."""
    names = [name for name in logging.root.manager.loggerDict if name.split(".")[0] == "distributed"]
    before = {name: logging.getLogger(name).level for name in names}  # Dask gives some a level of their own
    for name in names:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)


def _is_address(text: str) -> bool:
    from distributed.comm.addressing import get_address_host_port

    try:
        _, port = get_address_host_port(text)
    except ValueError:
        return False
    return bool(0 < port < 2**16)


def _why(error: Exception, scheduler: str) -> str:
    kind = type(error).__name__
    if kind == "KilledWorker":
        reason = "A batch ended every worker that tried it: the memory may not suffice. Give the workers more"
    elif isinstance(error, ImportError):
        reason = f"The workers cannot do the work: {error}. Install the same babygpt there"
    else:
        reason = f"The scheduler at {scheduler} is gone, or gave the work up ({kind}). Start it and its workers again"
    return f"{reason}; the results so far are kept, and the same command goes on from them."
