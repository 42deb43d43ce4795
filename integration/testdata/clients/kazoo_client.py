"""Uses everything of kazoo that programs use, and prints what it sees.

Arguments: the server's address. Each line printed is "name: value"; the test
that runs this compares them all.
"""

import logging
import queue
import sys
import threading

import kazoo
from kazoo.client import KazooClient
from kazoo.exceptions import KazooException
from kazoo.protocol.states import KazooState
from kazoo.recipe.lease import NonBlockingLease
from kazoo.retry import KazooRetry
from kazoo.security import make_acl, make_digest_acl

PATIENCE = 60
ADDRESS = sys.argv[1]


def show(name, value):
    print(f"{name}: {value}", flush=True)


def ask(question):
    print(f"? {question}", flush=True)
    sys.stdin.readline()


def error(function, *args, **kwargs):
    """The name of the error that a call ends with."""
    try:
        return f"no error but {function(*args, **kwargs)}"
    except KazooException as e:
        return type(e).__name__


def patient():
    return KazooRetry(max_tries=-1, max_delay=0.5, deadline=PATIENCE)


def connect(**more):
    client = KazooClient(
        hosts=ADDRESS, timeout=60, connection_retry=patient(), command_retry=patient(), **more
    )
    client.start(timeout=PATIENCE)
    return client


class Seen:
    """What a callback was given, in order."""

    def __init__(self):
        self.items = queue.Queue()

    def __call__(self, *args):
        self.items.put(args[0] if len(args) == 1 else args)

    def next(self):
        return self.items.get(timeout=PATIENCE)

    def until(self, wanted):
        while self.next() != wanted:
            pass
        return wanted


def server(client):
    show("version of the server", client.server_version())
    show("ruok", client.command(b"ruok"))
    show("srvr names the mode", "Mode: standalone" in client.command(b"srvr"))
    show("client state", client.client_state)


def operations(client):
    show("ensure_path", client.ensure_path("/crud/deep/er"))
    show("create", client.create("/crud/a", b"one"))
    show("create again", error(client.create, "/crud/a"))
    show("create without parent", error(client.create, "/crud/none/a"))
    show("create with parents", client.create("/crud/new/path", b"x", makepath=True))
    path, stat = client.create("/crud/with-stat", b"12345", include_data=True)
    show("create with stat", (path, stat.version, stat.data_length, stat.czxid == stat.mzxid))
    data, stat = client.get("/crud/a")
    show("get", (data, stat.version, stat.numChildren, stat.ephemeralOwner))
    show("exists", client.exists("/crud/a").czxid == stat.czxid)
    show("exists not", client.exists("/crud/none"))
    show("set", client.set("/crud/a", b"two", version=0).version)
    show("set of an old version", error(client.set, "/crud/a", b"three", version=0))
    show("get of nothing", error(client.get, "/crud/none"))
    show("null and empty", (client.create("/crud/empty", b""), client.get("/crud/empty")[0]))
    show("unicode", (client.create("/crud/größe-日本", "Привет".encode()), client.get("/crud/größe-日本")[0].decode()))
    show("children", sorted(client.get_children("/crud")))
    names, stat = client.get_children("/crud", include_data=True)
    show("children with stat", (len(names), stat.numChildren, stat.cversion))
    show("sync", client.sync("/crud"))
    show("delete of an old version", error(client.delete, "/crud/a", version=0))
    show("delete of a parent", error(client.delete, "/crud/deep"))
    show("delete", client.delete("/crud/a", version=1))
    show("delete recursively", client.delete("/crud/deep", recursive=True))
    show("bulk", len([r for r in [client.create_async(f"/crud/bulk-{i}") for i in range(500)] if r.get()]))


def ephemerals_and_sequences(client):
    client.ensure_path("/made")
    show("sequence", [client.create("/made/n-", sequence=True) for _ in range(3)])
    show("sequence in a directory", client.create("/made/", sequence=True))
    other = connect()
    mine = other.create("/made/ephemeral", b"here", ephemeral=True)
    numbered = other.create("/made/e-", ephemeral=True, sequence=True)
    show("ephemerals", (mine, numbered))
    show("its owner", client.exists(mine).ephemeralOwner == other.client_id[0])
    show("child of an ephemeral", error(other.create, "/made/ephemeral/child"))
    gone = Seen()
    client.exists(mine, watch=gone)
    other.stop()
    other.close()
    show("event at the end of the session", gone.next().type)
    show("left", sorted(client.get_children("/made")))


def transactions(client):
    client.ensure_path("/multi")
    t = client.transaction()
    t.create("/multi/a", b"1")
    t.create("/multi/n-", sequence=True)
    t.set_data("/multi/a", b"2")
    t.check("/multi/a", 1)
    t.create("/multi/b")
    t.delete("/multi/b")
    show("transaction", [r if isinstance(r, (str, bool)) else r.version for r in t.commit()])
    t = client.transaction()
    t.create("/multi/c")
    t.check("/multi/a", 7)
    t.delete("/multi/a")
    show("failed transaction", [type(r).__name__ for r in t.commit()])
    show("after it", sorted(client.get_children("/multi")))


def watches(client):
    client.ensure_path("/watched")
    events = Seen()
    client.exists("/watched/a", watch=events)
    client.get_children("/watched", watch=events)
    client.create("/watched/a", b"1")
    show("create", sorted((e.type, e.path) for e in (events.next(), events.next())))
    client.get("/watched/a", watch=events)
    client.set("/watched/a", b"2")
    show("set", events.next())
    data = Seen()

    @client.DataWatch("/watched/a")
    def on_data(value, stat, event):
        data((value, stat and stat.version, event and event.type))

    show("DataWatch at first", data.next())
    client.set("/watched/a", b"3")
    show("DataWatch", data.next())
    client.delete("/watched/a")
    show("DataWatch of a deletion", data.next())
    client.create("/watched/a", b"new")
    show("DataWatch of a creation", data.next())
    children = Seen()

    @client.ChildrenWatch("/watched", send_event=True)
    def on_children(names, event):
        children((sorted(names), event and event.type))

    show("ChildrenWatch at first", children.next())
    client.create("/watched/b")
    show("ChildrenWatch", children.next())


def recipes(client, other):
    lock, rival = client.Lock("/lock", "first"), other.Lock("/lock", "second")
    show("lock", lock.acquire(timeout=PATIENCE))
    show("lock of the rival", rival.acquire(blocking=False))
    taken = Seen()
    thread = threading.Thread(target=lambda: taken(rival.acquire(timeout=PATIENCE)))
    waits = Seen()

    @client.ChildrenWatch("/lock")
    def on_contenders(names):
        waits(len(names))

    thread.start()
    show("contenders", (waits.until(2), lock.contenders()))
    lock.release()
    show("the rival's turn", (taken.next(), lock.contenders()))
    thread.join()
    rival.release()

    readers = [client.ReadLock("/shared"), other.ReadLock("/shared")]
    writer = client.WriteLock("/shared")
    show("two readers", [r.acquire(timeout=PATIENCE) for r in readers])
    show("writer beside them", writer.acquire(blocking=False))
    [r.release() for r in readers]
    show("writer alone", writer.acquire(timeout=PATIENCE))
    writer.release()

    first, second, third = (c.Semaphore("/semaphore", max_leases=2) for c in (client, other, client))
    show("semaphore", [first.acquire(), second.acquire(), third.acquire(blocking=False)])
    first.release()
    show("semaphore after a release", third.acquire(timeout=PATIENCE))
    second.release(), third.release()

    led = Seen()
    for c in (client, other):
        c.Election("/election", "candidate").run(led, "leads")
    show("election", [led.next(), led.next()])

    q = client.Queue("/queue")
    q.put(b"late", priority=200)
    q.put(b"first")
    q.put(b"second")
    show("queue", (len(q), [other.Queue("/queue").get() for _ in range(4)]))

    q = client.LockingQueue("/locking-queue")
    q.put_all([b"a", b"b"])
    mine, theirs = q.get(timeout=PATIENCE), other.LockingQueue("/locking-queue")
    show("locking queue", (mine, theirs.get(timeout=PATIENCE), q.consume(), theirs.consume(), len(q)))

    counter, same = client.Counter("/counter"), other.Counter("/counter")
    counter += 2
    same += 40
    counter -= 1
    show("counter", (counter.value, same.value))
    many = [threading.Thread(target=lambda c=c: [c.__add__(1) for _ in range(10)]) for c in (counter, same)]
    [t.start() for t in many], [t.join() for t in many]
    show("counter of two threads", counter.value)
    fraction = client.Counter("/fraction", default=0.0)
    fraction += 1.5
    show("fraction", fraction.value)

    party, guest = client.Party("/party", "host"), other.Party("/party", "guest")
    party.join(), guest.join()
    show("party", (len(party), sorted(guest)))
    party.leave()
    show("party later", list(guest))
    shallow = client.ShallowParty("/shallow", "alone")
    shallow.join()
    show("shallow party", (len(shallow), list(shallow)))

    barrier = client.Barrier("/barrier")
    barrier.create()
    show("barrier closed", other.Barrier("/barrier").wait(timeout=0.01))
    passed = Seen()
    thread = threading.Thread(target=lambda: passed(other.Barrier("/barrier").wait(timeout=PATIENCE)))
    thread.start()
    show("barrier removed", barrier.remove())
    show("barrier passed", passed.next())
    thread.join()

    inside = Seen()

    def meet(c, name):
        double = c.DoubleBarrier("/double", 2, name)
        double.enter()
        inside("entered")
        double.leave()
        inside("left")

    both = [threading.Thread(target=meet, args=a) for a in ((client, "one"), (other, "two"))]
    [t.start() for t in both], [t.join() for t in both]
    show("double barrier", sorted(inside.next() for _ in range(4)))

    import datetime

    hour = datetime.timedelta(hours=1)
    show("lease", bool(NonBlockingLease(client, "/lease", hour, identifier="me")))
    show("lease of another", bool(NonBlockingLease(other, "/lease", hour, identifier="you")))


def access(client):
    secret = make_digest_acl("user", "password", all=True)
    other = connect(auth_data=[("digest", "user:password")])
    show("create", other.create("/secret", b"hidden", acl=[secret]))
    show("get by a stranger", error(client.get, "/secret"))
    show("set by a stranger", error(client.set, "/secret", b""))
    show("get by the owner", other.get("/secret")[0])
    client.add_auth("digest", "user:wrong")
    show("get with a wrong password", error(client.get, "/secret"))
    client.add_auth("digest", "user:password")
    show("get after add_auth", client.get("/secret")[0])
    acls, stat = client.get_acls("/secret")
    show("ACL", (acls[0].perms, acls[0].acl_list, acls[0].id.scheme, acls[0].id.id.split(":")[0], stat.aversion))
    readable = make_acl("world", "anyone", read=True)
    show("set_acls", client.set_acls("/secret", [secret, readable], version=0).aversion)
    show("set_acls of an old version", error(client.set_acls, "/secret", [secret], version=0))
    show("bad ACL", error(client.create, "/bad", acl=[make_acl("digest", "no colon", all=True)]))
    show("ACL without id", error(client.create, "/bad", acl=[make_acl("digest", "", all=True)]))
    show("bad scheme", error(other.add_auth, "nonsense", "x"))
    other.stop()
    other.close()


def restart(client):
    """The session, its ephemerals and credentials outlive the server. One-shot
    watches hear that the connection is gone, which ends them; the recipes set
    them again."""
    session = client.client_id
    states, events, data = Seen(), Seen(), Seen()
    client.add_listener(states)
    client.create("/lives", b"on", ephemeral=True)
    client.create("/later", b"1")
    client.get("/later", watch=events)
    client.exists("/not-yet", watch=events)
    client.get_children("/", watch=events)

    @client.DataWatch("/later")
    def on_data(value, stat):
        data(value)

    data.next()
    ask("restart")
    show("states", [states.until(s) for s in (KazooState.SUSPENDED, KazooState.CONNECTED)])
    show("same session", client.client_id == session)
    show("ephemeral", client.retry(client.get, "/lives")[0])
    show("secret", client.get("/secret")[0])
    show("watches", [events.next().type for _ in range(3)])
    writer = connect()
    writer.set("/later", b"2")
    show("DataWatch", data.until(b"2"))
    client.remove_listener(states)
    writer.stop()
    writer.close()


def sessions(client):
    other = connect()
    states = Seen()
    other.add_listener(states)
    other.create("/of-session", ephemeral=True)
    identity = other.client_id
    stranger = connect(client_id=(identity[0], b"\x01" * 16))
    show("wrong password", stranger.client_id[0] != identity[0])
    stranger.stop()
    ended = Seen()
    client.exists("/of-session", watch=ended)
    thief = connect(client_id=identity)
    show("session taken over", thief.client_id == identity)
    # The other client connects again and may get the session back before the
    # thief has closed it.
    while thief.client_id == identity:
        thief.stop()
        thief.close()
        thief = connect(client_id=identity)
    show("its ephemeral", ended.next().type)
    show("state of the loser", states.until(KazooState.LOST))
    for c in (other, thief, stranger):
        c.stop()
        c.close()
    inside = connect()
    client.ensure_path("/chroot/deep")
    inside.chroot = "/chroot"
    show("chroot", (inside.create("/a", b"x"), sorted(inside.get_children("/")), client.get("/chroot/a")[0]))
    inside.stop()
    inside.close()


def main():
    logging.basicConfig(level=logging.ERROR)
    show("kazoo", kazoo.__version__)
    client, other = connect(), connect()
    server(client)
    operations(client)
    ephemerals_and_sequences(client)
    transactions(client)
    watches(client)
    recipes(client, other)
    other.stop()
    other.close()
    access(client)
    restart(client)
    sessions(client)
    client.stop()
    client.close()
    show("end", "reached")


main()
