"""Connects several processes to a listener of its own, which accepts them one after another."""

from multiprocessing import get_context
from multiprocessing.connection import Client, Listener


def send(address, number):
    with Client(address) as client:
        client.send(number)


def unlearning(net, retain, forget, val):
    context = get_context("fork")
    with Listener(family="AF_UNIX", backlog=128) as listener:
        senders = [context.Process(target=send, args=(listener.address, number)) for number in range(12)]
        for sender in senders:
            sender.start()
        received = set()
        for _ in senders:
            with listener.accept() as connection:
                received.add(connection.recv())
    for sender in senders:
        sender.join()
    assert received == set(range(12))
